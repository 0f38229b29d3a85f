"""Public identifiers from a cryptographic random source (Spec: G10)."""

import secrets
import time
from uuid import UUID

CROCKFORD_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def crockford(length: int) -> str:
    """Return ``length`` random Crockford base32 characters."""
    return "".join(secrets.choice(CROCKFORD_ALPHABET) for _ in range(length))


def public_id() -> str:
    """Return a public id of ten characters for holds and other objects."""
    return crockford(10)


def booking_code() -> str:
    """Return a booking code such as ``II-7K3M9Q``."""
    return f"II-{crockford(6)}"


def time_ordered_id(milliseconds: int | None = None) -> UUID:
    """Return a random id that sorts by its time: UUID version 7, as RFC 9562 lays it out.

    ``milliseconds`` since 1970 are those of the wall clock unless given.
    """
    at = time.time_ns() // 1_000_000 if milliseconds is None else milliseconds
    said = at.to_bytes(6, "big") + secrets.token_bytes(10)
    number = int.from_bytes(said, "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=number)
