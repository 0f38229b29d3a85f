"""Processes and waits for the tests of the embedded servers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from instainstru.database.embedded.layout import addresses, layout_of, read_state
from instainstru.database.embedded.locks import open_lock, try_exclusive

ROOT = Path(__file__).resolve().parents[3]
CLIENT = """
import sys
from pathlib import Path
from instainstru.database import embedded
embedded.ensure_running("int", Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
"""


def eventually(look: Callable[[], Any], seconds: float = 30, what: str = "it") -> Any:
    """Return the first true answer; fail after the given seconds."""
    deadline = time.monotonic() + seconds
    while not (answer := look()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)
    return answer


class Client:
    """A separate process that uses the servers of a folder until it is closed or killed."""

    def __init__(
        self, var: Path, *, prefix: tuple[str, ...] = (sys.executable,), **environment: str
    ) -> None:
        self.process = subprocess.Popen(
            [*prefix, "-c", CLIENT, str(var)],
            cwd="/",
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)} | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_until_ready(self) -> "Client":
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if line != "ready\n":
            raise AssertionError(self.process.communicate()[1])
        return self

    def close(self) -> None:
        self.process.communicate("", timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@contextmanager
def using(var: Path, **options: Any) -> Iterator[Client]:
    client = Client(var, **options)
    try:
        yield client.wait_until_ready()
    finally:
        client.kill()


def pids(var: Path) -> dict[str, int]:
    """Return the numbers of `supervisor`, `PostgreSQL` and `Valkey` while they are ready."""
    state = eventually(
        lambda: (found := read_state(layout_of("int", var))).get("state") == "ready" and found,
        what="ready servers",
    )
    return {"supervisor": state["pid"], **state["servers"]}


def is_free(var: Path, lock: str) -> bool:
    """Whether no process at all holds a lock: the supervisor or server is really gone."""
    descriptor = open_lock(layout_of("int", var).lock(lock))
    try:
        return try_exclusive(descriptor)
    finally:
        os.close(descriptor)


def is_down(var: Path) -> bool:
    return all(is_free(var, lock) for lock in ("supervisor", "postgres", "valkey"))


def query(var: Path, statement: str) -> Any:
    where = addresses("int", var)
    with psycopg.connect(
        host=where.database_host,
        port=where.database_port,
        user=where.database_user,
        dbname=where.database_name,
        autocommit=True,
    ) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


def answers(var: Path) -> bool:
    try:
        return query(var, "SELECT 1") == 1
    except psycopg.OperationalError:
        return False


def log_of(var: Path) -> str:
    return layout_of("int", var).log.read_text()
