"""Which account runs the servers, and files where that account can reach them.

PostgreSQL refuses to run as root. A supervisor of root therefore gives the servers to an
unprivileged account; where that account cannot enter the clone, their data (linked from `var/`)
and a copy of their programs live under `STORE`.
"""

import hashlib
import os
import pwd
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from instainstru.database.embedded.layout import EmbeddedServersError

CANDIDATES: Final = ("postgres", "nobody")
STORE: Final = Path("/var/lib/instainstru")
ROOT_ID: Final = 0


@dataclass(frozen=True, slots=True)
class Account:
    """The user that the servers run as."""

    uid: int
    gid: int

    @property
    def is_current(self) -> bool:
        """Whether the servers run as whoever runs the supervisor."""
        return self.uid == os.geteuid()

    def credentials(self) -> dict[str, Any]:
        """Arguments for `subprocess.Popen` that drop to this account for good."""
        if self.is_current:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def owns(self, path: Path) -> None:
        """Make this account the owner of a folder and everything in it, for nobody else."""
        path.chmod(0o700)
        if self.is_current or path.stat().st_uid == self.uid:
            return
        os.chown(path, self.uid, self.gid)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder, name), self.uid, self.gid, follow_symlinks=False)


def choose_account(data: Path) -> Account:
    """Return the account for a data folder named `data`, which need not exist yet.

    Ourselves; for root whoever owns the data or the folder around it, else a known account.
    Raises EmbeddedServersError when the data belongs to somebody else, or root finds no account.
    """
    owner = data.stat() if data.exists() else data.parent.stat()
    if os.geteuid() != ROOT_ID:
        if data.exists() and owner.st_uid != os.geteuid():
            raise EmbeddedServersError(f"{data} belongs to user {owner.st_uid}; run as that user")
        return Account(os.geteuid(), os.getegid())
    if owner.st_uid != ROOT_ID:
        return Account(owner.st_uid, owner.st_gid)
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in CANDIDATES:
        if name in known:
            return Account(known[name].pw_uid, known[name].pw_gid)
    raise EmbeddedServersError(
        f"PostgreSQL cannot run as root, and no account of {CANDIDATES} exists"
    )


def can_reach(account: Account, path: Path) -> bool:
    """Whether the account can enter a folder or run a file; asks the kernel.

    Must be called while the process has one thread, since it forks.
    """
    if account.is_current:
        return True
    child = os.fork()
    if child == 0:  # pragma: no cover - measured in the parent
        try:
            os.setgroups([])
            os.setgid(account.gid)
            os.setuid(account.uid)
            os._exit(0 if os.access(path, os.R_OK | os.X_OK) else 1)
        finally:
            os._exit(2)
    return os.waitpid(child, 0)[1] == 0


def place_data(account: Account, wanted: Path) -> Path:
    """Return the real path for a data folder named `wanted`, linked where it must live elsewhere.

    The folder itself need not exist yet; an existing link is always followed.
    """
    target = Path(os.path.realpath(wanted))
    if wanted.is_symlink() and target.exists():
        return target
    if can_reach(account, wanted.parent):
        if wanted.is_symlink():
            wanted.unlink()
        return wanted
    return _place_in_store(account, wanted)


def _place_in_store(account: Account, wanted: Path) -> Path:
    STORE.mkdir(mode=0o755, parents=True, exist_ok=True)
    # A name of its own: a clone that was moved still uses the folder its link names.
    target = Path(tempfile.mkdtemp(prefix=f"{wanted.name}-", dir=STORE))
    if wanted.is_symlink():
        wanted.unlink()
    elif wanted.exists():
        target.rmdir()
        shutil.move(wanted, target)
    wanted.symlink_to(target)
    account.owns(target)
    return target


def reachable_program(account: Account, program: Path, package: Path) -> Path:
    """Return a path of a packaged program that the account can run.

    Where the installed `package` is out of its reach, the package and the libraries that were
    bundled beside it are copied to `STORE`, once per version.
    """
    if can_reach(account, program):
        return program
    found = program.stat()
    key = f"{program}\0{found.st_size}\0{found.st_mtime_ns}"
    copy = STORE / f"programs-{hashlib.sha256(key.encode()).hexdigest()[:16]}"
    if not copy.exists():
        _copy_package(package, copy)
    return copy / package.name / program.relative_to(package)


def _copy_package(package: Path, copy: Path) -> None:
    STORE.mkdir(mode=0o755, parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".programs-", dir=STORE))
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():
            shutil.copytree(part, draft / part.name, symlinks=True)
    # Installed under a strict umask, the files would be out of reach here too.
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0))
    draft.replace(copy)
