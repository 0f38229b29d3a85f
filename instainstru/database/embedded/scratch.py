"""A PostgreSQL for one process and a few minutes: where backups are proved. Spec: S19.2"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from instainstru.database.embedded.account import choose_account
from instainstru.database.embedded.layout import PORT, SCRATCH, SUPERUSER, Layout
from instainstru.database.embedded.postgres import postgres_server
from instainstru.database.embedded.server import wait_for_answers
from instainstru.database.embedded.supervisor import make_socket_folder

START_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Scratch:
    """Where the server listens; its folder goes with it."""

    host: str
    folder: Path
    port: int = PORT

    def connect(self, name: str = "postgres", user: str = SUPERUSER) -> psycopg.Connection[Any]:
        """Open an autocommit connection."""
        return psycopg.connect(
            host=self.host, port=self.port, user=user, dbname=name, autocommit=True
        )

    def url(self, name: str, user: str) -> str:
        """Return an address in the notation of the tiers' variables."""
        return f"postgresql://{user}@/{name}?host={self.host}&port={self.port}"


@contextmanager
def scratch_server(parent: Path) -> Iterator[Scratch]:
    """Run a server over a new folder below `parent`, and remove everything afterwards.

    It ends with this process, however that ends. Raises EmbeddedServersError.
    """
    parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="scratch-", dir=parent))
    folder.chmod(0o755)
    layout = Layout(tier=SCRATCH, var=folder)
    layout.run.mkdir()
    account = choose_account(layout.postgres_data)
    make_socket_folder(layout, account)
    log = os.open(layout.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    server = postgres_server(layout, account, log)
    try:
        server.start()
        wait_for_answers({server.name: server}, START_SECONDS)
        yield Scratch(str(layout.sockets), folder)
    finally:
        server.stop()
        os.close(log)
        for path in (Path(os.path.realpath(layout.postgres_data)), layout.sockets, folder):
            shutil.rmtree(path, ignore_errors=True)
