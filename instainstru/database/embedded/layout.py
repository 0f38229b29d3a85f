"""Where the embedded servers keep their data, sockets, locks and log; starts nothing."""

import hashlib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from instainstru.errors import ApplicationError

TIERS: Final = ("int", "stg")
SCRATCH: Final = "scratch"
"""Takes the place of a tier for a server that lives for minutes and belongs to one process."""
SUPERUSER: Final = "postgres"
PORT: Final = 5432
"""Only part of the socket's file name: each pair of servers has a socket folder of its own."""


class EmbeddedServersError(ApplicationError):
    """The embedded servers cannot be started, reached or removed; the message says why."""

    status = 503
    code = "embedded_servers"


@dataclass(frozen=True, slots=True)
class EmbeddedServers:
    """Addresses of one tier's embedded PostgreSQL and Valkey."""

    tier: str
    database_host: str
    """Folder of the Unix socket, as libpq wants it in `host`."""
    database_port: int
    database_user: str
    """Superuser of the cluster."""
    database_name: str
    valkey_socket: Path

    def valkey_url(self, store: int = 0) -> str:
        """Address of one logical store as redis-py and django-redis read it."""
        return f"unix://{self.valkey_socket}?db={store}"

    def broker_url(self, store: int = 1) -> str:
        """Address of one logical store as Celery reads it."""
        return f"redis+socket://{self.valkey_socket}?virtual_host={store}"


@dataclass(frozen=True, slots=True)
class Layout:
    """Paths of one tier's servers under one `var` folder."""

    tier: str
    var: Path

    @property
    def postgres_data(self) -> Path:
        """PostgreSQL's data folder, or a link to it."""
        return self.var / f"pg-{self.tier}"

    @property
    def valkey_data(self) -> Path:
        """Valkey's data folder, or a link to it."""
        return self.var / f"valkey-{self.tier}"

    @property
    def run(self) -> Path:
        """Folder of locks, state and log."""
        return self.var / "run"

    def lock(self, name: str) -> Path:
        """Lock file: `clients`, `supervisor`, `postgres` or `valkey`."""
        return self.run / f"{self.tier}.{name}"

    @property
    def state(self) -> Path:
        """What the supervisor says about itself, as JSON."""
        return self.run / f"{self.tier}.state.json"

    @property
    def log(self) -> Path:
        """Output of the supervisor and both servers."""
        return self.run / f"{self.tier}.log"

    @property
    def hurry(self) -> Path:
        """Exists while the last client asks the supervisor not to linger."""
        return self.run / f"{self.tier}.hurry"

    @property
    def sockets(self) -> Path:
        """Folder of both sockets: short, since a socket's path holds about 100 bytes."""
        digest = hashlib.sha256(f"{self.var}\0{self.tier}".encode()).hexdigest()[:16]
        return Path("/tmp") / f"ii-{digest}"  # noqa: S108 - owner and mode are checked before use

    @property
    def postgres_socket(self) -> Path:
        """PostgreSQL's socket."""
        return self.sockets / f".s.PGSQL.{PORT}"

    @property
    def valkey_socket(self) -> Path:
        """Valkey's socket."""
        return self.sockets / "valkey.sock"


def layout_of(tier: str, var_dir: Path) -> Layout:
    """Return the paths for a tier; the folder's real path counts, so that links share servers.

    Raises EmbeddedServersError for a tier that is never embedded.
    """
    name = str(tier).lower()
    if name not in TIERS:
        raise EmbeddedServersError(f"there are no embedded servers for the tier {name!r}")
    return Layout(tier=name, var=Path(os.path.realpath(var_dir)))


def addresses(tier: str, var_dir: Path) -> EmbeddedServers:
    """Return where the servers of a tier listen, whether they run or not."""
    layout = layout_of(tier, var_dir)
    return EmbeddedServers(
        tier=layout.tier,
        database_host=str(layout.sockets),
        database_port=PORT,
        database_user=SUPERUSER,
        database_name=f"instainstru_{layout.tier}",
        valkey_socket=layout.valkey_socket,
    )


def write_state(layout: Layout, **values: Any) -> None:
    """Replace the supervisor's state in one step."""
    draft = layout.state.with_suffix(f".{secrets.token_hex(4)}")
    draft.write_text(json.dumps(values))
    draft.replace(layout.state)


def read_state(layout: Layout) -> Mapping[str, Any]:
    """Return the supervisor's last words, empty when there are none."""
    try:
        state = json.loads(layout.state.read_text())
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def log_tail(layout: Layout, lines: int = 15) -> str:
    """Return the end of the log for an error message."""
    try:
        text = layout.log.read_text(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])
