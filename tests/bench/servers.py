"""The private servers of a run: PostgreSQL, Valkey, the product and the floor app."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from instainstru.database import embedded
from instainstru.database.embedded.layout import layout_of, read_state
from instainstru.web_server import granian_command, pool_size
from tests.bench.load import HOST, Address, BenchError, ask

ROOT: Final = Path(__file__).resolve().parents[2]
TIER: Final = "int"
START_SECONDS: Final = 120
STOP_SECONDS: Final = 60
FLOOR_STORE: Final = 3
NOT_INHERITED: Final = (
    "USE_STG_DATABASE",
    "USE_PROD_DATABASE",
    "INSTAINSTRU_PRODUCTION_MODE",
    "DATABASE_POOL_SIZE",
    "DATABASE_AUDIT_LOG",
    "MEDIA_ROOT",
    "LOG_LEVEL",
    "SECRET_KEY",
    "DJANGO_SETTINGS_MODULE",
)


@dataclass(frozen=True)
class Server:
    """A web server that answers on the loopback address."""

    port: int
    pid: int


@dataclass(frozen=True)
class Stage:
    """Everything that runs during the measurement; ``database_pid`` started both data servers."""

    product: Server
    floor: Server
    database_pid: int
    city: dict[str, Any]
    floor_session: str
    environment: dict[str, str]


@contextmanager
def stage(*, instructors: int, lessons: int, say: Callable[[str], None]) -> Iterator[Stage]:
    """Start all servers in a folder of their own; stop them and delete it in the end.

    ``lessons`` are made ready to be booked. Raises BenchError when something does not start.
    """
    _remove_leftovers()
    folder = ROOT / "var" / f"bench-{os.getpid()}"
    folder.mkdir(parents=True)
    port, floor_port = _free_ports()
    environment = private_environment(folder, port)
    try:
        data = embedded.ensure_running(TIER, folder)
        say(f"Migrating and seeding {instructors:,} instructors")
        run_python(environment, "manage.py", "migrate", "--verbosity", "0")
        size = ("--profile", "bench", "--instructors", str(instructors))
        run_python(environment, "manage.py", "seed", *size)
        say("Choosing pages and lessons")
        city = json_of(environment, "tests.bench.product", "prepare", str(lessons))
        floor_environment = environment | _floor_variables(data)
        session = json_of(floor_environment, "tests.bench.floor.prepare")["session"]
        product = [sys.executable, "manage.py", "up", "--no-worker", "--port", str(port)]
        floor = granian_command("tests.bench.floor.wsgi:application", host=HOST, port=floor_port)
        say("Starting the product and the floor app")
        with (
            running(product, environment, port, "/healthz") as product_pid,
            running(floor, floor_environment, floor_port, "/bare/") as floor_pid,
        ):
            yield Stage(
                product=Server(port, product_pid),
                floor=Server(floor_port, floor_pid),
                database_pid=int(read_state(layout_of(TIER, folder))["pid"]),
                city=city,
                floor_session=session,
                environment=environment,
            )
    finally:
        embedded.remove_data(TIER, folder)
        shutil.rmtree(folder)


def _remove_leftovers() -> None:
    """Delete the data of runs that were killed; a run that goes on keeps its own."""
    for folder in (ROOT / "var").glob("bench-*"):
        with contextlib.suppress(embedded.EmbeddedServersError):
            embedded.remove_data(TIER, folder)
            shutil.rmtree(folder)


def connection_times(environment: dict[str, str]) -> dict[str, float]:
    """Return milliseconds of new connections, without and with the tier gate."""
    found: dict[str, float] = json_of(environment, "tests.bench.product", "connect")
    return found


def sign_in_times(environment: dict[str, str]) -> dict[str, float]:
    """Return milliseconds of answers to a wrong password, for known and unknown addresses."""
    found: dict[str, float] = json_of(environment, "tests.bench.product", "sign-in")
    return found


def reconciliation_time(environment: dict[str, str]) -> dict[str, float]:
    """Return how many payments were compared with the gateway's books, and the seconds."""
    found: dict[str, float] = json_of(environment, "tests.bench.product", "reconcile")
    return found


def private_environment(folder: Path, port: int) -> dict[str, str]:
    """Return production's settings on the private servers, whatever this shell is set up for."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in NOT_INHERITED and "_URL" not in name
    }
    return kept | {
        "VAR_DIR": str(folder),
        "DATABASE_AUDIT_LOG": str(folder / "audit.jsonl"),
        "SITE_URL": f"http://{HOST}:{port}",
        "PORT": str(port),
        "DEBUG": "false",
        # The load generator stands for a proxy that names the clients' addresses.
        "TRUSTED_PROXY_COUNT": "1",
    }


def _floor_variables(data: embedded.EmbeddedServers) -> dict[str, str]:
    database = {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": data.database_host,
        "PORT": str(data.database_port),
        "USER": data.database_user,
        "NAME": "floor",
        "OPTIONS": {"pool": {"min_size": 1, "max_size": pool_size()}},
    }
    return {
        "FLOOR_DATABASE": json.dumps(database),
        "FLOOR_CACHE_URL": data.valkey_url(FLOOR_STORE),
        "DJANGO_SETTINGS_MODULE": "tests.bench.floor.settings",
    }


def _free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        first.bind((HOST, 0))
        second.bind((HOST, 0))
        return first.getsockname()[1], second.getsockname()[1]


def json_of(environment: dict[str, str], module: str, *arguments: str) -> Any:
    return json.loads(run_python(environment, "-m", module, *arguments).splitlines()[-1])


def run_python(environment: dict[str, str], *arguments: str) -> str:
    """Return what a Python program says; its complaints are shown when it fails."""
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise BenchError(f"{' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout


@contextmanager
def running(command: list[str], environment: dict[str, str], port: int, path: str) -> Iterator[int]:
    """Run a web server while the block runs; its log is shown when it does not answer."""
    log = Path(environment["VAR_DIR"]) / f"web-{port}.log"
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _wait_for_answer(process, port, path, log)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_answer(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if ask(port, Address(path)).status == 200:
                return
        time.sleep(0.1)
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise BenchError(f"nothing answers on port {port}:\n{tail}")
