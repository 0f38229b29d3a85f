"""What a person says about themselves and how they want to be told (Spec: 02 section 5, S13.5)."""

from collections.abc import Collection, Mapping

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.urls import reverse

from accounts.models import Learner, NotificationChoice, User
from instainstru.errors import NotFoundError, ValidationFailedError
from privacy.consents import Browser, Purpose, record_consent
from privacy.models import Consent

Kind = NotificationChoice.Kind
TextKind = NotificationChoice.TextKind
Channel = NotificationChoice.Channel
DEFAULTS = {Kind.REMINDER: True, Kind.REVIEW: True, Kind.MESSAGE: True, Kind.DIGEST: False}
MAIL_OFF = "accounts.mail-off"
COUNTRY = "US"  # of numbers that name none


def parsed_phone(text: str) -> str:
    """Return a phone number as E.164; one without a country code is American.

    Raises ``ValidationFailedError`` for anything that is no valid number.
    """
    import phonenumbers  # its tables are large, and few requests need them

    sentence = "Enter a phone number such as (212) 555-0123 or +44 20 7946 0123."
    try:
        number = phonenumbers.parse(text, COUNTRY)
    except phonenumbers.NumberParseException as error:
        raise ValidationFailedError(sentence, fields={"phone": sentence}) from error
    if number.extension or not phonenumbers.is_valid_number(number):
        raise ValidationFailedError(sentence, fields={"phone": sentence})
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def spoken_phone(phone: str) -> str:
    """Return a stored number the way people write it, with its country code."""
    import phonenumbers

    if not phone:
        return ""
    number = phonenumbers.parse(phone)
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


@transaction.atomic
def update_profile(
    *,
    by: User,
    first_name: str,
    last_name: str,
    phone: str,
    zone: str,
    theme: str,
    browser: Browser,
) -> User:
    """Save the settings of an account; ``phone`` is E.164 or empty.

    The person's own learner follows their first name. Another number ends the agreement to text
    messages, which was given for the old one (Spec: S13.6).
    """
    user = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    Learner.objects.own_of(user).filter(name=user.first_name).update(name=first_name)
    if phone != user.phone:
        record_consent(by=user, purpose=Purpose.SMS, is_given=False, browser=browser)
    user.first_name, user.last_name = first_name, last_name
    user.phone, user.zone, user.theme = phone, zone, theme
    user.save(update_fields=["first_name", "last_name", "phone", "zone", "theme"])
    return user


def wants_mail(user: User, kind: str) -> bool:
    """Tell whether a person wants mail of a kind that can be switched off. Spec: S13.5."""
    return NotificationChoice.objects.of(user).get(kind, DEFAULTS[Kind(kind)])


def who_wants_mail(user_ids: Collection[int], kind: str) -> set[int]:
    """Return those of some people who want mail of a kind, by one question. Spec: S13.5"""
    chosen = NotificationChoice.objects.of_kind(user_ids, kind)
    return {pk for pk in user_ids if chosen.get(pk, DEFAULTS[Kind(kind)])}


def mail_off_url(user: User, kind: str) -> str:
    """Return the address at which one POST switches a kind of mail off, without signing in."""
    token = signing.dumps([user.public_id, kind], salt=MAIL_OFF)
    return settings.SITE_URL + reverse("accounts:mail-off", args=[token])


def read_mail_off(token: str) -> tuple[User, Kind]:
    """Return whose mail of which kind an address is about; raises ``NotFoundError`` for others."""
    try:
        public_id, kind = signing.loads(token, salt=MAIL_OFF)
        return User.objects.get(public_id=public_id, is_active=True), Kind(kind)
    except (signing.BadSignature, User.DoesNotExist, ValueError, TypeError) as error:
        raise NotFoundError("This link is not valid.") from error


def switch_mail_off(user: User, kind: Kind) -> None:
    """Write no more mails of a kind; again changes nothing. Spec: S13.7"""
    NotificationChoice.objects.update_or_create(
        user=user, channel=Channel.MAIL, kind=kind, defaults={"is_on": False}
    )


def wanted_mail(user: User) -> dict[str, bool]:
    """Return for each kind that can be switched off whether a person wants it."""
    return {kind.value: is_on for kind, is_on in DEFAULTS.items()} | NotificationChoice.objects.of(
        user
    )


def wanted_texts(user: User) -> dict[str, bool]:
    """Return for each kind of text whether a person wants it; all, until they say otherwise."""
    return dict.fromkeys(TextKind.values, True) | NotificationChoice.objects.texts_of(user)


def wants_news(user: User) -> bool:
    """Return whether a person wants tips and news by mail."""
    return Consent.objects.in_force(user).get(Purpose.MARKETING, False)


@transaction.atomic
def update_notifications(
    *,
    by: User,
    mail: Mapping[str, bool],
    texts: Mapping[str, bool],
    marketing: bool,
    browser: Browser,
) -> None:
    """Save which kinds a person wants by mail and by text; kinds not named stay as they are.

    Agreeing to texts at all is a form of its own (``accounts.texts``). Spec: S13.5
    """
    user = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    for channel, kinds in ((Channel.MAIL, mail), (Channel.TEXT, texts)):
        for kind, is_on in kinds.items():
            NotificationChoice.objects.update_or_create(
                user=user, channel=channel, kind=kind, defaults={"is_on": is_on}
            )
    record_consent(by=user, purpose=Purpose.MARKETING, is_given=marketing, browser=browser)
