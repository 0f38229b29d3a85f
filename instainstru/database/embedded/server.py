"""One server as a child process that cannot outlive its supervisor."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from instainstru.database.embedded.account import Account
from instainstru.database.embedded.layout import EmbeddedServersError
from instainstru.database.embedded.locks import is_alive, wait_exclusive

PR_SET_PDEATHSIG: Final = 1
GONE_SECONDS: Final = 60.0
ENVIRONMENT: Final = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def die_with_parent(with_signal: signal.Signals) -> Callable[[], None]:
    """Return a hook for `preexec_fn`: the kernel signals the child when its parent dies.

    Popen runs the hook after dropping privileges, which would clear the wish. Where the system
    knows no such signal (macOS), leftovers are stopped by the next start.
    """
    parent = os.getpid()
    library = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def hook() -> None:
        if library is not None:
            library.prctl(PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return hook


@dataclass
class Server:
    """A server program with its lock; the lock is held while any of its processes lives.

    The processes inherit the lock's descriptor, so that "really gone" (backends and forked
    writers included) is a question to the kernel, not to a process number.
    """

    name: str
    command: list[str]
    folder: Path
    """Data folder; also the working folder and the mark that tells our process from others."""
    lock: Path
    account: Account
    stop_signals: tuple[tuple[signal.Signals, float], ...]
    """Each signal with the seconds to wait for its effect, gentlest first."""
    answers: Callable[[], bool]
    before_start: Callable[[], None]
    output: int | None = None
    """Descriptor that the program writes to; None: where this process writes."""
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start the program once every process of an earlier run is gone.

        Raises EmbeddedServersError when an earlier run does not end.
        """
        lock = self._wait_for_lock()
        try:
            self.before_start()
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=self.output,
                stderr=self.output,
                pass_fds=(lock,),
                preexec_fn=die_with_parent(self.stop_signals[0][0]),  # noqa: PLW1509 - one thread
                **self.account.credentials(),
            )
            os.truncate(self.lock, 0)
            os.pwrite(lock, str(self.process.pid).encode(), 0)
        finally:
            os.close(lock)

    @property
    def is_running(self) -> bool:
        """Whether the main process lives; reaps it otherwise."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """End the program, ever more firmly, and wait until it is gone."""
        if self.process is None:
            return
        for number, seconds in self.stop_signals:
            if self.process.poll() is None:
                self.process.send_signal(number)
            try:
                self.process.wait(seconds)
                return
            except subprocess.TimeoutExpired:
                continue

    def _wait_for_lock(self) -> int:
        lock = wait_exclusive(self.lock, 0.5)
        if lock is None:
            self._stop_leftover()
            lock = wait_exclusive(self.lock, GONE_SECONDS)
        if lock is None:
            raise EmbeddedServersError(f"an earlier {self.name} does not end")
        return lock

    def _stop_leftover(self) -> None:
        """Ask an earlier run's main process to stop, if it is provably that process."""
        pid = _read_pid(self.lock)
        if pid is not None and is_serving(pid, self.folder):
            os.kill(pid, self.stop_signals[0][0])


def is_serving(pid: int, folder: Path) -> bool:
    """Whether a process of that number lives and was started for that data folder."""
    if not is_alive(pid):
        return False
    return str(folder) in _arguments(pid)


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
    except OSError:
        shown = subprocess.run(
            ["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
        )
        return shown.stdout.split()


def _read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def wait_for_answers(servers: Mapping[str, Server], seconds: float) -> None:
    """Return once every server answers.

    Raises EmbeddedServersError when one ends or the time is over.
    """
    deadline = time.monotonic() + seconds
    waiting = dict(servers)
    while waiting:
        for name, server in list(waiting.items()):
            if server.answers():
                del waiting[name]
            elif not server.is_running:
                raise EmbeddedServersError(f"{name} ended while starting")
        if time.monotonic() > deadline:
            raise EmbeddedServersError(f"{', '.join(waiting)} does not answer")
        time.sleep(0.02)
