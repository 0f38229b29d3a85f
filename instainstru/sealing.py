"""Secrets that the product must be able to read again, encrypted at rest (Spec: S17.11).

Each purpose has a key of its own, made from ``SECRET_KEY``; what one purpose sealed no other opens.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal(text: str, *, purpose: str) -> str:
    """Return the text encrypted with today's key of the purpose."""
    return _current(purpose).encrypt(text.encode()).decode()


def unseal(text: str, *, purpose: str) -> str:
    """Return the plain text; former keys work while settings list them as fallbacks.

    Raises ``cryptography.fernet.InvalidToken`` for anything that no known key has sealed.
    """
    return _current(purpose).decrypt(text.encode()).decode()


def _current(purpose: str) -> MultiFernet:
    return cipher((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS), purpose)


@lru_cache(maxsize=16)
def cipher(keys: tuple[str, ...], purpose: str) -> MultiFernet:
    """Return what encrypts with the first key and decrypts with any of them.

    For what is sealed under keys of its own; ``seal`` and ``unseal`` use those of the site.
    """
    return MultiFernet([Fernet(_derived(key, purpose)) for key in keys])


def _derived(key: str, purpose: str) -> bytes:
    derivation = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode())
    return base64.urlsafe_b64encode(derivation.derive(key.encode()))
