"""Signatures of webhooks: a time and an HMAC over time and raw body (Spec: S14.8, S17.10)."""

import hashlib
import hmac
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)


class WebhookSignatureError(Exception):
    """The body does not come from whom it should, or is too old to be believed."""


def sign(body: bytes, *, secret: bytes, at: datetime) -> str:
    """Return the header of a body: ``t=<seconds>,v1=<hex>``."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(body, secret, seconds)}"


def verify(body: bytes, header: str, *, secret: bytes, now: datetime) -> None:
    """Raise ``WebhookSignatureError`` unless the header fits the raw body and is five minutes old
    at most; a clock that runs ahead is forgiven as much.
    """
    pairs = [part.split("=", 1) for part in header.split(",") if "=" in part]
    seconds = next((value for name, value in pairs if name == "t"), "")
    # While a secret is being changed, a gateway signs with the old one and the new one.
    given = [value.encode() for name, value in pairs if name == "v1"]
    if not seconds.isascii() or not seconds.isdigit() or len(seconds) > len(str(2**40)):
        raise WebhookSignatureError("no time")
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        raise WebhookSignatureError("too old")
    wanted = _digest(body, secret, int(seconds)).encode()
    if not any(hmac.compare_digest(wanted, one) for one in given):
        raise WebhookSignatureError("wrong signature")


def _digest(body: bytes, secret: bytes, seconds: int) -> str:
    return hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
