"""Second steps of people in tests."""

import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import format_hotp_value, generate_totp_secret, hotp_value

from accounts.second_step import encrypt

PERIOD_SECONDS = 30


def enrol(user: Any) -> str:
    """Turn the second step of a person on and return the seed of their app."""
    seed: str = generate_totp_secret()
    data = {"secret": encrypt(seed)}
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data=data)
    RecoveryCodes.activate(user)
    return seed


def code_of(seed: str, *, intervals: int = 0) -> str:
    """Return what the app shows now, or some half minutes later."""
    counter = int(time.time()) // PERIOD_SECONDS + intervals
    return str(format_hotp_value(hotp_value(seed, counter)))
