"""Encryption of an archive in chunks: whole, in order, and by us, or not opened at all.

AES-256-GCM per chunk. A chunk's nonce is its number and whether it is the last, so that cutting,
reordering or exchanging chunks is noticed; each archive has a key of its own, derived from
`BACKUP_KEY` and a random salt in its header. Spec: S19.1
"""

import hmac
import secrets
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from instainstru.database.backups.errors import BackupError

MAGIC: Final = b"iNSTAiNSTRU backup 1\n"
SALT_BYTES: Final = 16
CHUNK_BYTES: Final = 1 << 20
TAG_BYTES: Final = 16
KEY_BYTES: Final = 32


def seal(data: Iterable[bytes], target: BinaryIO, key: str) -> None:
    """Write `data`, encrypted, to `target`."""
    header = MAGIC + secrets.token_bytes(SALT_BYTES)
    cipher = AESGCM(_derived(key, header))
    target.write(header)
    for number, (chunk, is_last) in enumerate(_chunks(data)):
        nonce = _nonce(number, is_last=is_last)
        target.write(cipher.encrypt(nonce, chunk, header))


def opened(source: BinaryIO, key: str) -> Iterator[bytes]:
    """Yield the data of a sealed file, each chunk proved before it is given out.

    Raises BackupError at the first chunk that is not ours; only a run to the end proves the whole.
    """
    header = source.read(len(MAGIC) + SALT_BYTES)
    if not header.startswith(MAGIC) or len(header) != len(MAGIC) + SALT_BYTES:
        raise BackupError("the archive is of another version, or none")
    cipher = AESGCM(_derived(key, header))
    number, chunk = 0, source.read(CHUNK_BYTES + TAG_BYTES)
    while True:
        following = source.read(CHUNK_BYTES + TAG_BYTES)
        nonce = _nonce(number, is_last=not following)
        try:
            yield cipher.decrypt(nonce, chunk, header)
        except (InvalidTag, ValueError):
            message = (
                "the archive was changed or cut, or BACKUP_KEY is not the one it was made with"
            )
            raise BackupError(message) from None
        if not following:
            return
        number, chunk = number + 1, following


def signature(text: bytes, key: str) -> str:
    """Return what proves that whoever wrote a text knew the key."""
    return hmac.digest(_derived(key, b"manifest"), text, "sha256").hex()


def is_signed(text: bytes, given: str, key: str) -> bool:
    """Whether a signature belongs to a text."""
    return hmac.compare_digest(signature(text, key), given)


def _derived(key: str, salt: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt, b"instainstru backup").derive(key.encode())


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])


def _chunks(data: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Yield chunks of one size, and with the last one, which may be shorter, that it is."""
    waiting = bytearray()
    for piece in data:
        waiting += piece
        while len(waiting) > CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES]), False
            del waiting[:CHUNK_BYTES]
    yield bytes(waiting), True
