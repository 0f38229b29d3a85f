"""The audit of every database decision: append-only JSON lines in a hash chain.

One line per decision, written with O_APPEND under an exclusive file lock and flushed to disk
before anything acts on it. Imports nothing from Django. Spec: S1.21, S1.22.
"""

import fcntl
import hashlib
import json
import os
import pwd
import re
import socket
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from instainstru.database.refusals import TierRefusedError
from instainstru.database.state import ROOT

if TYPE_CHECKING:
    from instainstru.database.tiers import Decision

Result = Literal["allowed", "denied", "confirmed"]
FIRST_HASH: Final = "0" * 64
PATH_VARIABLE: Final = "DATABASE_AUDIT_LOG"
TAIL_BYTES: Final = 8192
ARGV_CHARACTERS: Final = 2000
MASK: Final = "***"
# Bounded, and begun at the telling part: a long text must not keep the next decision waiting.
SENSITIVE_NAME: Final = r"(?:pass|pwd|secret|token|key|credential|dsn)[\w-]{0,200}"
CREDENTIALS_IN_URL: Final = re.compile(r"(\w{1,20}://)\S*@")
SENSITIVE_ASSIGNMENT: Final = re.compile(
    rf"(?i)({SENSITIVE_NAME}['\"]?\s*[=:]\s*)('[^']*'|\"[^\"]*\"|\S+)"
)
SENSITIVE_OPTION: Final = re.compile(rf"(?i)^-[\w-]{{0,100}}{SENSITIVE_NAME}$")
SENSITIVE_VALUE: Final = re.compile(
    r"\b(?:sk|pk|rk|whsec)_[A-Za-z0-9_]{8,}|\beyJ[\w-]{10,}\.[\w.-]+"
)


@cache
def log_path() -> Path:
    """Return the log's path, fixed at first use (`DATABASE_AUDIT_LOG`, else `logs/`)."""
    given = os.environ.get(PATH_VARIABLE)
    return Path(given).absolute() if given else ROOT / "logs" / "database_audit.jsonl"


def record_decision(decision: "Decision") -> None:
    """Audit the resolver's result; on PROD an unwritable log refuses. Spec: S1.22."""
    record("resolve", "allowed", tier_wanted=decision.tier.value, reason=decision.reason)


def record_refusal(
    action: str, error: TierRefusedError, *, tier_wanted: str = "", tier_found: str = ""
) -> None:
    """Audit a refusal; a log that cannot be written does not soften it."""
    try:
        record(
            action,
            "denied",
            tier_wanted=tier_wanted,
            tier_found=tier_found,
            reason=error.reason,
        )
    except TierRefusedError:
        return


@contextmanager
def refusals(action: str, tier_wanted: str) -> Iterator[None]:
    """Audit a refusal raised in the block, and let it go on."""
    try:
        yield
    except TierRefusedError as error:
        record_refusal(action, error, tier_wanted=tier_wanted)
        raise


def record(
    action: str,
    result: Result,
    *,
    tier_wanted: str = "",
    tier_found: str = "",
    reason: str = "",
    database: str = "",
) -> None:
    """Append one line and flush it to disk.

    On PROD raises TierRefusedError when that is impossible; elsewhere warns once.
    """
    line = {
        "ts": datetime.now(UTC).isoformat(),
        "tier_wanted": tier_wanted,
        "tier_found": tier_found,
        "action": action,
        "result": result,
        "reason": redact(reason),
        "user": _user(),
        "uid": os.getuid(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "argv": redact_argv(sys.argv),
        "cwd": _cwd(),
        "git_sha": git_sha(),
        "database": database,
    }
    try:
        append(log_path(), line)
    except (OSError, ValueError) as error:
        if "prod" in (tier_wanted, tier_found):
            message = f"the audit log {log_path()} ({PATH_VARIABLE}) cannot be written"
            raise TierRefusedError(message) from error
        _warn_once(str(error))


def append(path: Path, line: dict[str, object]) -> None:
    """Chain `line` to the last one of `path` and write it. Raises OSError."""
    with _locked(path) as descriptor:
        last = _last_line(descriptor)
        previous = hashlib.sha256(last.rstrip(b"\n")).hexdigest() if last else FIRST_HASH
        text = json.dumps({**line, "prev_hash": previous}, separators=(",", ":"))
        # A line torn by a crash stays as evidence; the next one starts afresh behind it.
        start = b"\n" if last and not last.endswith(b"\n") else b""
        data = start + text.encode("ascii") + b"\n"
        if os.write(descriptor, data) != len(data):
            raise OSError("short write")
        os.fsync(descriptor)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o640)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{path} is not a regular file")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _last_line(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    wanted = TAIL_BYTES
    while True:
        start = max(0, size - wanted)
        tail = os.pread(descriptor, size - start, start)
        found = tail.rstrip(b"\n").rpartition(b"\n")
        if found[1] or start == 0:
            return tail[len(found[0]) + len(found[1]) :]
        wanted *= 2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What checking the chain found; `broken_line` counts from 1."""

    lines: int
    torn: int
    broken_line: int | None

    @property
    def is_ok(self) -> bool:
        """Whether the chain is whole."""
        return self.broken_line is None


def verify(path: Path | None = None) -> Verdict:
    """Check the hash chain from the first line to the last. Spec: S1.22."""
    expected, count, torn = FIRST_HASH, 0, 0
    for number, raw in enumerate(_raw_lines(path or log_path()), start=1):
        line = _parsed(raw)
        if line is None:
            torn += 1
        elif line.get("prev_hash") != expected:
            return Verdict(count, torn, number)
        else:
            count += 1
        expected = hashlib.sha256(raw).hexdigest()
    return Verdict(count, torn, None)


def tail(count: int, path: Path | None = None) -> list[dict[str, object]]:
    """Return the last `count` readable lines, oldest first."""
    lines = (_parsed(raw) for raw in _raw_lines(path or log_path()))
    return [line for line in lines if line is not None][-count:]


def _raw_lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            for raw in file:
                yield raw.rstrip(b"\n")


def _parsed(raw: bytes) -> dict[str, object] | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None


def redact(text: str) -> str:
    """Blank out credentials in a text."""
    masked = CREDENTIALS_IN_URL.sub(rf"\g<1>{MASK}@", text)
    masked = SENSITIVE_ASSIGNMENT.sub(rf"\g<1>{MASK}", masked)
    return SENSITIVE_VALUE.sub(MASK, masked)


def redact_argv(argv: list[str]) -> str:
    """Return a command line as one text with option values that look secret blanked out."""
    shown, hide_next = [], False
    for word in argv:
        shown.append(MASK if hide_next else redact(word))
        hide_next = bool(SENSITIVE_OPTION.match(word))
    return " ".join(shown)[:ARGV_CHARACTERS]


@cache
def git_sha() -> str:
    """Return the commit of the running code, or an empty text when it is unknown."""
    git = ROOT / ".git"
    try:
        if git.is_file():  # a second working tree
            git = ROOT / git.read_text(encoding="utf-8").strip().removeprefix("gitdir: ")
        head = (git / "HEAD").read_text(encoding="ascii").strip()
        if not head.startswith("ref: "):
            return head
        return _commit_of(git, head.removeprefix("ref: "))
    except (OSError, UnicodeDecodeError):
        return os.environ.get("GIT_SHA", "")


def _commit_of(git: Path, ref: str) -> str:
    shared = git / "commondir"
    if shared.exists():
        git = git / shared.read_text(encoding="utf-8").strip()
    if (git / ref).exists():
        return (git / ref).read_text(encoding="ascii").strip()
    packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
    return next((line.split()[0] for line in packed if line.endswith(f" {ref}")), "")


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return ""


def _cwd() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""


@cache
def _warn_once(reason: str) -> None:
    sys.stderr.write(f"Warning: the database audit log cannot be written: {redact(reason)}\n")
