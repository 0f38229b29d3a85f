"""Child processes under one parent: prefixed output, restarts, a clean end of all."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from instainstru.database.embedded.server import die_with_parent

STOP_SECONDS: Final = 30.0
"""Requests and tasks get this long to finish (Spec: S16.4)."""
CALM_SECONDS: Final = 60.0
MOST_RESTARTS: Final = 5
LONGEST_WAIT_SECONDS: Final = 8.0
"""Short enough that jobs go on within 10 s of a database's return (Spec: S16.5)."""
READ_BYTES: Final = 65_536

Say = Callable[[str, str], None]
"""Receives the name of a process and one line that it wrote."""


class ProcessEndedError(Exception):
    """A process ended that should have gone on; the message names it and its exit code."""


@dataclass
class Process:
    """One program that is kept running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)
    rest: bytes = field(default=b"", init=False)
    ends: list[float] = field(default_factory=list, init=False)
    start_at: float = field(default=0.0, init=False)

    def start(self) -> None:
        """Start the program in a process group of its own.

        Ctrl-C in the terminal thus reaches the parent alone, which decides the order of the
        end; the kernel ends the program when the parent is killed.
        """
        self.child = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - one thread
        )

    @property
    def is_running(self) -> bool:
        """Whether the program lives; reaps it otherwise."""
        return self.child is not None and self.child.poll() is None

    def signal_main(self, number: signal.Signals) -> None:
        """Signal the program itself, so that it can end its own children in order."""
        if self.child is not None and self.is_running:
            self.child.send_signal(number)

    def kill_group(self) -> None:
        """Kill whatever is left of the program and its children."""
        if self.child is None:
            return
        try:
            os.killpg(self.child.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return

    def lines(self, data: bytes) -> list[str]:
        """Return the whole lines that are complete after reading more output."""
        *whole, self.rest = (self.rest + data).split(b"\n")
        return [line.decode(errors="replace").rstrip() for line in whole]


class ProcessGroup:
    """Runs processes side by side in one thread.

    A process that ends is started again after 1, 2, 4, 8, 8 … seconds, for ever: worker and beat
    cannot start while the database is away, and the site answers meanwhile. Only a first process
    that ends before the group was declared ready, or more than `MOST_RESTARTS` times within a
    minute, ends all.
    """

    def __init__(self, processes: Sequence[Process], say: Say) -> None:
        self.processes = list(processes)
        self.say = say
        self.is_ready = False
        self._selector = selectors.DefaultSelector()

    def start(self) -> None:
        """Start the first process; the others wait until the group is declared ready.

        The page that somebody waits for should not share its start with the rest.
        """
        self._start(self.processes[0])

    def declare_ready(self) -> None:
        """Start the remaining processes; from now on a process that ends is started again."""
        self.is_ready = True
        for process in self.processes[1:]:
            self._start(process)

    def tick(self, seconds: float) -> None:
        """Pass on output for a while, then look after processes that ended.

        Raises ProcessEndedError when the rules above say that all must end.
        """
        self._pass_on(seconds)
        for process in self.processes if self.is_ready else self.processes[:1]:
            if not process.is_running:
                self._look_after(process)

    def stop(self) -> None:
        """Ask every process to end, and kill what has not after `STOP_SECONDS`."""
        deadline = time.monotonic() + STOP_SECONDS
        for process in self.processes:
            process.signal_main(signal.SIGTERM)
        while any(p.is_running for p in self.processes) and time.monotonic() < deadline:
            self._pass_on(0.1)
        for process in self.processes:
            if process.is_running:
                self.say(process.name, f"killed: did not end within {STOP_SECONDS:.0f} s")
            process.kill_group()
            if process.child is not None:
                process.child.wait()
        self._pass_on(0)
        self._selector.close()

    def _start(self, process: Process) -> None:
        process.start()
        if process.child is not None and process.child.stdout is not None:
            os.set_blocking(process.child.stdout.fileno(), False)
            self._selector.register(process.child.stdout, selectors.EVENT_READ, process)

    def _pass_on(self, seconds: float) -> None:
        if not self._selector.get_map():
            time.sleep(min(seconds, 0.1))
            return
        for key, _ in self._selector.select(seconds):
            process: Process = key.data
            data = os.read(key.fd, READ_BYTES)
            if not data:
                self._selector.unregister(key.fileobj)
            for line in process.lines(data):
                self.say(process.name, line)

    def _look_after(self, process: Process) -> None:
        now = time.monotonic()
        if process.child is not None:
            self._note_end(process, process.child.returncode, now)
        elif now >= process.start_at:
            self._start(process)

    def _note_end(self, process: Process, code: int, now: float) -> None:
        process.kill_group()
        process.child = None
        process.ends = [at for at in process.ends if now - at < CALM_SECONDS] + [now]
        what = f"{process.name} ended with code {code}"
        is_first = process is self.processes[0]
        if is_first and (not self.is_ready or len(process.ends) > MOST_RESTARTS):
            raise ProcessEndedError(what)
        wait = min(2.0 ** (len(process.ends) - 1), LONGEST_WAIT_SECONDS)
        process.start_at = now + wait
        self.say(process.name, f"ended with code {code}; starting again in {wait:.0f} s")
