"""Where backups lie: `BACKUP_DIR`, one archive and one manifest each.

A manifest is written last and removed first, so what has one is whole. Spec: S19.1
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from django.conf import settings

from instainstru.database.backups import manifest as manifests
from instainstru.database.backups.errors import BackupError
from instainstru.database.backups.manifest import Manifest

ARCHIVE: Final = ".sealed"
MANIFEST: Final = ".json"
PARTIAL: Final = ".partial"
READ_BYTES: Final = 1 << 20


def folder() -> Path:
    """Return the folder of backups, made for our eyes alone. Raises BackupError."""
    path: Path = settings.BACKUP_DIR
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BackupError(f"BACKUP_DIR {path} cannot be made: {error.strerror}") from None
    return path


@contextmanager
def locked() -> Iterator[None]:
    """Let one process at a time make, prove or prune backups. Raises BackupError for a second."""
    descriptor = os.open(folder() / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupError("another process is working on the backups") from None
        yield
    finally:
        os.close(descriptor)


def backups(tier: str | None = None) -> list[Manifest]:
    """Return what lies there, of one tier or all, newest first; unreadable files are left out."""
    found = []
    for path in settings.BACKUP_DIR.glob(f"*{MANIFEST}"):
        try:
            found.append(manifests.read(path.read_text(encoding="utf-8")))
        except (BackupError, OSError, UnicodeDecodeError):
            continue
    kept = [item for item in found if tier in {None, item.tier}]
    return sorted(kept, key=lambda item: (item.created_at, item.name), reverse=True)


def newest_times(tier: str) -> tuple[datetime | None, datetime | None]:
    """Return when a tier's newest backup was made, and when one was last proved."""
    found = backups(tier)
    made = [item.created for item in found]
    proved = [item.verified for item in found if item.verified]
    return max(made, default=None), max(proved, default=None)


def find(name: str, key: str) -> Manifest:
    """Return the signed manifest of one backup. Raises BackupError."""
    path = folder() / f"{Path(name).name.removesuffix(MANIFEST)}{MANIFEST}"
    try:
        found = manifests.read(path.read_text(encoding="utf-8"), key)
    except (OSError, UnicodeDecodeError):
        raise BackupError(f"there is no backup {name} in {settings.BACKUP_DIR}") from None
    if f"{found.name}{MANIFEST}" != path.name:
        raise BackupError(f"{path.name} is the manifest of {found.name}")
    return found


@contextmanager
def archive(name: str) -> Iterator[BinaryIO]:
    """Open the archive of a backup. Raises BackupError when it is missing."""
    try:
        file = (folder() / f"{name}{ARCHIVE}").open("rb")
    except OSError:
        raise BackupError(f"the archive of {name} is missing") from None
    with file:
        yield file


def measured(name: str) -> tuple[int, str]:
    """Return size and SHA-256 of an archive."""
    digest, size = hashlib.sha256(), 0
    with archive(name) as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
            size += len(piece)
    return size, digest.hexdigest()


@contextmanager
def new_archive(name: str) -> Iterator[BinaryIO]:
    """Open the file of a new archive; it gets its name when the block ends well, else it goes."""
    draft = folder() / f"{name}{PARTIAL}"
    try:
        with draft.open("xb") as file:
            draft.chmod(0o600)
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(draft.with_suffix(ARCHIVE))
    finally:
        draft.unlink(missing_ok=True)


def put(manifest: Manifest, key: str) -> None:
    """Write a manifest, also over an older one of the same backup, in one step."""
    draft = folder() / f"{manifest.name}.{secrets.token_hex(4)}{PARTIAL}"
    try:
        with draft.open("x", encoding="utf-8") as file:
            draft.chmod(0o600)
            file.write(manifests.write(manifest, key))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder() / f"{manifest.name}{MANIFEST}")
    finally:
        draft.unlink(missing_ok=True)


def remove(name: str) -> None:
    """Delete a backup."""
    for suffix in (MANIFEST, ARCHIVE):
        (folder() / f"{name}{suffix}").unlink(missing_ok=True)


def remove_leftovers() -> list[str]:
    """Delete what killed runs left: drafts, and archives without a manifest. Needs the lock."""
    known = {path.stem for path in folder().glob(f"*{MANIFEST}")}
    left = [*folder().glob(f"*{PARTIAL}")]
    left += [path for path in folder().glob(f"*{ARCHIVE}") if path.stem not in known]
    for path in left:
        path.unlink(missing_ok=True)
    return sorted(path.name for path in left)
