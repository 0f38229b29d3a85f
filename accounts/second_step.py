"""The second step of signing in: codes of an app, and recovery codes (Spec: S17.2).

allauth's ``Authenticator`` rows hold the seeds, encrypted with a key made from ``SECRET_KEY``.
"""

from typing import Any

import structlog
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from cryptography.fernet import InvalidToken
from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.mail import write_mail
from accounts.models import User
from instainstru.errors import ConflictError, ForbiddenError, ValidationFailedError
from instainstru.sealing import seal, unseal

Type = Authenticator.Type
LAST_COUNTER = "last_counter"
_PURPOSE = "accounts.second_step"
PENDING_SEED = "second_step_seed"
"""Where a session keeps the seed, encrypted, while a person sets their app up."""

log = structlog.get_logger(__name__)


# --- Seeds at rest --------------------------------------------------------------------------------
def encrypt(text: str) -> str:
    """Return the text encrypted with today's key."""
    return seal(text, purpose=_PURPOSE)


def decrypt(text: str) -> str:
    """Return the plain text; raises ``InvalidToken`` for what no known key has encrypted."""
    return unseal(text, purpose=_PURPOSE)


# --- Asking ---------------------------------------------------------------------------------------
def has_second_step(user: Any) -> bool:
    """Tell whether signing in asks for a code."""
    return Authenticator.objects.filter(user_id=user.pk, type=Type.TOTP).exists()


def must_enrol(user: User) -> bool:
    """Tell whether a person must set up the second step before any staff page answers.

    Staff of the demo are excused by the flag of the seed, which PROD ignores. Spec: S17.2, G15.
    """
    is_excused = user.is_demo and not settings.IS_PROD
    return not is_excused and not has_second_step(user)


@transaction.atomic
def accept_code(user: Any, code: str) -> Authenticator | None:
    """Use up a code and return what it belongs to; None for a wrong or used one.

    The rows are locked meanwhile, so that of two parallel uses one is refused. Spec: S17.2.
    """
    rows = Authenticator.objects.select_for_update().filter(user_id=user.pk).order_by("-type")
    for row in rows:
        try:
            if _accept_totp(row, code) if row.type == Type.TOTP else _accept_recovery(row, code):
                return row
        except InvalidToken:
            log.exception("second_step_key_lost", authenticator=row.pk)
    return None


def _accept_totp(row: Authenticator, code: str) -> bool:
    counter = _counter_of(decrypt(row.data["secret"]), code)
    if counter is None or counter <= row.data.get(LAST_COUNTER, 0):
        return False
    row.data[LAST_COUNTER] = counter
    row.save(update_fields=["data"])
    return True


def _accept_recovery(row: Authenticator, code: str) -> bool:
    codes = row.wrap()
    if not codes.validate_code(code):
        return False
    left = len(codes.get_unused_codes())
    _tell(row.user, f"A recovery code was used to log in. {left} are left.")
    return True


def _counter_of(seed: str, code: str) -> int | None:
    """Return the newest interval whose code this is, the neighbours of now included."""
    for counter in sorted(totp.yield_hotp_counters_from_time(), reverse=True):
        expected = totp.format_hotp_value(totp.hotp_value(seed, counter))
        if totp.compare_user_code(actual=code, expected=expected):
            return counter
    return None


# --- Setting up -----------------------------------------------------------------------------------
def pending_seed(session: Any) -> str:
    """Return the seed that this session is about to use; the same one until it is used."""
    try:
        return decrypt(session[PENDING_SEED])
    except (KeyError, InvalidToken):
        seed: str = totp.generate_totp_secret()
        session[PENDING_SEED] = encrypt(seed)
        return seed


@transaction.atomic
def turn_on(*, by: User, seed: str, code: str) -> None:
    """Ask for a code at every sign-in from now on, and make recovery codes.

    Raises:
        ValidationFailedError: The code is not one of the seed's of now.
        ConflictError: The second step is on already.
    """
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if has_second_step(by):
        raise ConflictError("The second step is on already.")
    counter = _counter_of(seed, code)
    if counter is None:
        raise ValidationFailedError("That code doesn't match. Type the one your app shows now.")
    data = {"secret": encrypt(seed), LAST_COUNTER: counter}
    Authenticator.objects.create(user=by, type=Type.TOTP, data=data)
    RecoveryCodes.activate(by)
    _tell(by, "The second step was turned on. Logging in now also takes a code of your app.")


@transaction.atomic
def turn_off(*, by: User) -> None:
    """Sign in with the password alone again; nothing happens when the second step is off.

    Raises ``ForbiddenError`` for staff, who cannot do without. Spec: S17.2.
    """
    if by.is_staff:
        raise ForbiddenError("Staff log in with a second step. It can't be turned off.")
    if Authenticator.objects.filter(user=by).delete()[0]:
        _tell(by, "The second step was turned off. Your password alone logs you in.")


@transaction.atomic
def renew_recovery_codes(*, by: User) -> None:
    """Replace all recovery codes, used or not. Raises ``ConflictError`` without a second step."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if not has_second_step(by):
        raise ConflictError("Turn the second step on first.")
    Authenticator.objects.filter(user=by, type=Type.RECOVERY_CODES).delete()
    RecoveryCodes.activate(by)
    _tell(by, "New recovery codes were made. The old ones no longer work.")


def unused_recovery_codes(user: User) -> list[str]:
    """Return the codes that still work; empty when the second step is off."""
    row = Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).first()
    return list(row.wrap().get_unused_codes()) if row else []


def recovery_codes_left(user: User) -> int:
    """Return how many recovery codes still work, without making them readable."""
    row = Authenticator.objects.filter(user=user, type=Type.RECOVERY_CODES).first()
    used = row.data["used_mask"].bit_count() if row else settings.MFA_RECOVERY_CODE_COUNT
    return int(settings.MFA_RECOVERY_CODE_COUNT - used)


def _tell(user: User, what: str) -> None:
    subject = "The second step of your InstaInstru account"
    url = settings.SITE_URL + reverse("accounts:security")
    write_mail("second_step", to=user.email, subject=subject, what=what, security_url=url)
