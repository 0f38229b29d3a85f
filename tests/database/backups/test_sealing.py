"""An archive opens whole, in order and with its key, or not at all. Spec: S19.1, S19.2"""

import io

import pytest

from instainstru.database.backups import sealing
from instainstru.database.backups.errors import BackupError

pytestmark = pytest.mark.S19

KEY = "k" * 40
CHUNK = 64
HEADER = len(sealing.MAGIC) + sealing.SALT_BYTES
SEALED_CHUNK = CHUNK + sealing.TAG_BYTES


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "CHUNK_BYTES", CHUNK)


def sealed(data: bytes) -> bytes:
    target = io.BytesIO()
    sealing.seal([data[:10], data[10:]], target, KEY)
    return target.getvalue()


def opened(text: bytes, key: str = KEY) -> bytes:
    return b"".join(sealing.opened(io.BytesIO(text), key))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 3 * CHUNK + 7])
def test_what_was_sealed_comes_out_again(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    assert opened(sealed(data)) == data


def test_nothing_of_it_can_be_read_and_no_two_are_alike() -> None:
    data = b"person@example.com" * 20
    first, second = sealed(data), sealed(data)
    assert b"person" not in first
    assert first[HEADER:] != second[HEADER:]


def test_a_changed_byte_anywhere_is_noticed() -> None:
    text = sealed(bytes(3 * CHUNK))
    for place in range(len(text)):
        changed = bytearray(text)
        changed[place] ^= 1
        with pytest.raises(BackupError):
            opened(bytes(changed))


@pytest.mark.parametrize("cut", [1, sealing.TAG_BYTES, SEALED_CHUNK, 2 * SEALED_CHUNK])
def test_a_cut_end_is_noticed_also_between_chunks(cut: int) -> None:
    text = sealed(bytes(3 * CHUNK))
    with pytest.raises(BackupError, match="changed or cut"):
        opened(text[:-cut])


def test_exchanged_repeated_and_borrowed_chunks_are_noticed() -> None:
    text, other = sealed(b"a" * 4 * CHUNK), sealed(b"b" * 4 * CHUNK)
    head = text[:HEADER]
    chunks = [text[at : at + SEALED_CHUNK] for at in range(HEADER, len(text), SEALED_CHUNK)]
    for order in ([1, 0, 2, 3], [0, 1, 1, 3], [0, 1, 3], [0, 1, 2, 3, 3]):
        with pytest.raises(BackupError):
            opened(head + b"".join(chunks[number] for number in order))
    with pytest.raises(BackupError):
        opened(head + other[HEADER:])


def test_another_key_and_another_kind_of_file_are_refused() -> None:
    with pytest.raises(BackupError, match="BACKUP_KEY"):
        opened(sealed(b"x"), "other" * 10)
    for text in (b"", b"PGDMP", sealing.MAGIC, b"iNSTAiNSTRU backup 2\n" + bytes(100)):
        with pytest.raises(BackupError):
            opened(text)


def test_a_signature_belongs_to_one_text_and_one_key() -> None:
    given = sealing.signature(b"text", KEY)
    assert sealing.is_signed(b"text", given, KEY)
    assert not sealing.is_signed(b"texts", given, KEY)
    assert not sealing.is_signed(b"text", given, "other" * 10)
