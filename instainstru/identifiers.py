"""Public identifiers from a cryptographic random source (Spec: G10)."""

import secrets

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
