"""File locks that the kernel drops when the last process holding them is gone."""

import fcntl
import os
import time
from pathlib import Path

from instainstru.database.embedded.layout import EmbeddedServersError


def open_lock(path: Path) -> int:
    """Open a lock file and return its descriptor, closed on exec.

    Raises EmbeddedServersError when the file belongs to another user.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except PermissionError:
        raise EmbeddedServersError(
            f"{path.parent.parent} belongs to another user; run as that user or use another folder"
        ) from None


def try_exclusive(descriptor: int) -> bool:
    """Take the lock for this process alone, or say that somebody holds it."""
    return _try(descriptor, fcntl.LOCK_EX)


def try_shared(descriptor: int) -> bool:
    """Take the lock beside others, or say that somebody holds it alone."""
    return _try(descriptor, fcntl.LOCK_SH)


def unlock(descriptor: int) -> None:
    """Give the lock back; never used on a descriptor that children may share."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)


def wait_exclusive(path: Path, seconds: float) -> int | None:
    """Return a descriptor that holds the lock alone, or None after the given seconds."""
    descriptor = open_lock(path)
    deadline = time.monotonic() + seconds
    while not try_exclusive(descriptor):
        if time.monotonic() > deadline:
            os.close(descriptor)
            return None
        time.sleep(0.05)
    return descriptor


def is_alive(pid: int) -> bool:
    """Whether a process of that number exists, whoever owns it; sends nothing."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
