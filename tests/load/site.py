"""A whole site of one's own for a proof: servers, city, web, worker and beat, as ``bin/run`` has.

Everything lives in a folder of its own and ends with the block; nothing else is ever signalled.
"""

import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from instainstru.database import embedded
from instainstru.database.embedded.layout import layout_of, read_state
from tests.bench.load import HOST, Lesson
from tests.bench.servers import TIER, json_of, private_environment, run_python, running


@dataclass(frozen=True)
class Site:
    """A running site and what can be booked there; ``pid`` is that of ``manage.py up``."""

    port: int
    pid: int
    folder: Path
    environment: dict[str, str]
    city: dict[str, Any]

    @property
    def lessons(self) -> list[Lesson]:
        """Lessons that can be booked, each with a student and a time of its own."""
        return [Lesson(**values) for values in self.city["lessons"]]

    @property
    def mails(self) -> Path:
        """The folder into which the relay sends."""
        return self.folder / "mails"

    @property
    def server_pids(self) -> dict[str, int]:
        """The numbers of ``PostgreSQL`` and ``Valkey``, as they are now."""
        state = read_state(layout_of(TIER, self.folder))
        return {name: int(pid) for name, pid in state.get("servers", {}).items()}


@contextmanager
def data(*, instructors: int) -> Iterator[tuple[Path, dict[str, str]]]:
    """Give a folder with running servers and a seeded city, and the environment that uses them."""
    # The servers' account must be able to enter it.
    folder = Path(tempfile.mkdtemp(prefix="ii-proof-", dir="/tmp"))
    folder.chmod(0o755)
    environment = private_environment(folder, free_port())
    # An absolute path in an address of files begins after a fourth stroke.
    environment["EMAIL_URL"] = f"filemail:///{folder / 'mails'}"
    try:
        embedded.ensure_running(TIER, folder)
        run_python(environment, "manage.py", "migrate", "--verbosity", "0")
        run_python(environment, "manage.py", "seed", "--instructors", str(instructors))
        yield folder, environment
    finally:
        embedded.remove_data(TIER, folder)
        shutil.rmtree(folder)


@contextmanager
def site(*, instructors: int, lessons: int, has_worker: bool) -> Iterator[Site]:
    """Run a site while the block runs; afterwards its processes have ended in order."""
    with (
        data(instructors=instructors) as (folder, environment),
        site_on(folder, environment, lessons=lessons, has_worker=has_worker) as found,
    ):
        yield found


@contextmanager
def site_on(
    folder: Path, environment: dict[str, str], *, lessons: int, has_worker: bool
) -> Iterator[Site]:
    """Run web, and with a worker also worker and beat, on data that is there."""
    city = json_of(environment, "tests.bench.product", "prepare", str(lessons))
    port = int(environment["PORT"])
    command = [sys.executable, "manage.py", "up", "--port", str(port)]
    command += [] if has_worker else ["--no-worker"]
    with running(command, environment, port, "/healthz") as pid:
        yield Site(port, pid, folder, environment, city)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
