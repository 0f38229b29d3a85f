"""Text messages: who agreed to them on the site, proved the number, or said STOP (Spec: S13.6).

Whoever sends texts stands in an app above and registers how a code leaves.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.models import StoppedNumber, TextNumber, User
from accounts.models.text_numbers import MAX_TRIES
from instainstru import clock
from instainstru.errors import ConflictError, ValidationFailedError
from instainstru.ratelimit import DAY, HOUR, Limit, count_use
from privacy.consents import VERSIONS, Browser, Purpose, record_consent
from privacy.models import Consent

DIGITS = 6
CODE_LIVES = timedelta(minutes=10)
CODES = Limit("text_codes", 5, HOUR)
# Whoever types the numbers of strangers cannot have them texted without end.
CODES_OF_NUMBER = Limit("text_codes_of_number", 5, DAY)
STOPPED = Browser(page="text message: STOP")
RESTARTED = Browser(page="text message: START")

CodeSender = Callable[[User, str, str], None]
_senders: list[CodeSender] = []


def register_code_sender(sender: CodeSender) -> None:
    """Let the app that writes texts send codes: person, number, code; from ``AppConfig.ready``."""
    _senders.append(sender)


def are_offered() -> bool:
    """Tell whether texts can reach anybody: on PROD a provider must be configured."""
    return bool(settings.TEXT_URL) or not settings.IS_PROD


def number_of(user: User) -> TextNumber | None:
    """Return the number a person gave for texts, whatever became of it."""
    return TextNumber.objects.filter(user=user).first()


def is_live(user: User) -> bool:
    """Tell whether a person gets texts. Spec: S13.6"""
    return TextNumber.objects.live().filter(user=user).exists()


def takes_code(number: TextNumber | None, now: datetime | None = None) -> bool:
    """Tell whether a code is on its way that can still be typed."""
    if number is None or number.code_sent_at is None or number.stopped_at is not None:
        return False
    is_young = (now or clock.now()) < number.code_sent_at + CODE_LIVES
    return bool(number.code_hash) and is_young and number.tries < MAX_TRIES


def agree_to_texts(
    *, by: User, phone: str, browser: Browser, now: datetime | None = None
) -> TextNumber:
    """Write down that a person ticked the box, and send a code to a number they never proved.

    ``phone`` is E.164 and becomes the phone of the account. Raises ``ConflictError`` where nothing
    could be sent, ``ValidationFailedError`` for a number that asked for no more texts before
    anybody proved it, ``RateLimitedError`` for a sixth code within an hour. Spec: S13.6
    """
    if not are_offered():
        raise ConflictError("Text messages aren't available yet.")
    at = now or clock.now()
    if not _is_proven(number_of(by), phone):
        count_use(CODES, f"user {by.pk}", now=at)
        count_use(CODES_OF_NUMBER, phone, now=at)
    with transaction.atomic():
        return _agree(by, phone, browser, at)


def _agree(by: User, phone: str, browser: Browser, now: datetime) -> TextNumber:
    user = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    number = number_of(user)
    is_proven = _is_proven(number, phone)
    if not is_proven and StoppedNumber.objects.filter(digest=_digest(phone)).exists():
        sentence = "This number asked us for no more texts. Text START from it first."
        raise ValidationFailedError(sentence, fields={"phone": sentence})
    if user.phone != phone:
        user.phone = phone
        user.save(update_fields=["phone"])
    record_consent(by=user, purpose=Purpose.SMS, is_given=True, browser=browser)
    if number is not None and is_proven:
        number.stopped_at = None
        number.save(update_fields=["stopped_at"])
        StoppedNumber.objects.filter(digest=_digest(phone)).delete()
        return number
    code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    number, _ = TextNumber.objects.update_or_create(
        user=user,
        defaults={
            "phone": phone, "code_hash": _hash(user, phone, code), "code_sent_at": now,
            "tries": 0, "confirmed_at": None, "stopped_at": None,
        },
    )  # fmt: skip
    for send in _senders:
        send(user, phone, code)
    return number


def confirm_number(*, by: User, code: str, now: datetime | None = None) -> None:
    """Take the code that arrived at a person's number.

    Raises ``ConflictError`` when none can be typed any more (ten minutes, five wrong tries, STOP),
    ``ValidationFailedError`` for a wrong one, which is counted. Spec: S13.6
    """
    at = now or clock.now()
    with transaction.atomic():
        number = TextNumber.objects.select_for_update().filter(user=by).first()
        if number is None or not takes_code(number, at):
            raise ConflictError("This code can't be used any more. Ask for a new one.")
        is_right = hmac.compare_digest(number.code_hash, _hash(by, number.phone, code))
        if is_right:
            number.confirmed_at, number.code_hash, number.tries = at, "", 0
        else:
            number.tries += 1
        number.save()
    if not is_right:
        sentence = "That isn't the code we sent."
        raise ValidationFailedError(sentence, fields={"code": sentence})


@transaction.atomic
def end_texts(*, by: User, browser: Browser) -> None:
    """Write down that a person wants no more texts; a code on its way is worth nothing then."""
    user = User.objects.select_for_update(no_key=True).get(pk=by.pk)
    record_consent(by=user, purpose=Purpose.SMS, is_given=False, browser=browser)
    TextNumber.objects.filter(user=user).update(code_hash="")


@transaction.atomic
def stop_texts(*, phone: str, now: datetime | None = None) -> bool:
    """End all texts to a number, because it said STOP; return whether that is news to answer.

    False for a number that has stopped already or was never given to us. Two at once: the people
    are locked, so one of them finds it done. Spec: S13.6
    """
    for user in _people_at(phone):
        record_consent(by=user, purpose=Purpose.SMS, is_given=False, browser=STOPPED)
    at = now or clock.now()
    stopped = TextNumber.objects.at(phone).filter(stopped_at__isnull=True).update(stopped_at=at)
    if stopped:
        row = StoppedNumber(digest=_digest(phone), stopped_at=at)
        StoppedNumber.objects.bulk_create([row], ignore_conflicts=True)
    return stopped > 0


@transaction.atomic
def restart_texts(*, phone: str) -> bool:
    """Take a STOP back, because the same phone said START; return whether anything changed.

    Only what somebody agreed to on the site, in today's words, and STOP alone ended comes back:
    texts begin by a web form or not at all. Spec: S13.6
    """
    StoppedNumber.objects.filter(digest=_digest(phone)).delete()
    people = [user for user in _people_at(phone) if user.phone == phone and _was_stopped(user)]
    for user in people:
        record_consent(by=user, purpose=Purpose.SMS, is_given=True, browser=RESTARTED)
    return TextNumber.objects.at(phone).filter(user__in=people).update(stopped_at=None) > 0


def _people_at(phone: str) -> list[User]:
    people = User.objects.filter(text_number__phone=phone).order_by("pk")
    return list(people.select_for_update(no_key=True, of=("self",)))


def _was_stopped(user: User) -> bool:
    last = list(Consent.objects.of_texts().filter(user=user).newest_first()[:2])
    return (
        [row.is_given for row in last] == [False, True]
        and last[0].page == STOPPED.page
        and last[1].phone == user.phone
        and last[1].version == VERSIONS[Purpose.SMS]
    )


def _digest(phone: str) -> str:
    key = f"stopped numbers {settings.SECRET_KEY}".encode()
    return hmac.new(key, phone.encode(), hashlib.sha256).hexdigest()


def _is_proven(number: TextNumber | None, phone: str) -> bool:
    return number is not None and number.phone == phone and number.confirmed_at is not None


def _hash(user: User, phone: str, code: str) -> str:
    """Return the keyed hash of a code: bound to person and number, useless without the key."""
    text = f"text-code:{user.pk}:{phone}:{code}"
    return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
