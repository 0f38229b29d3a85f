"""The process that runs both servers of one tier while somebody needs them."""

import os
import shutil
import signal
import stat
import time
import traceback
from collections.abc import Mapping
from typing import Final, NoReturn

from instainstru.database.embedded.account import Account, choose_account
from instainstru.database.embedded.layout import (
    EmbeddedServersError,
    Layout,
    write_state,
)
from instainstru.database.embedded.locks import open_lock, try_exclusive, unlock
from instainstru.database.embedded.postgres import postgres_server, prepare_database
from instainstru.database.embedded.server import Server, wait_for_answers
from instainstru.database.embedded.valkey import valkey_server

LINGER_SECONDS: Final = 2.0
ANSWER_SECONDS: Final = 60.0
LOOK_SECONDS: Final = 0.2
MOST_RESTARTS: Final = 10
CALM_SECONDS: Final = 60.0
"""A server that ran this long has recovered: its restarts are forgotten."""


class StopAskedError(Exception):
    """Somebody sent the supervisor a signal to stop; the servers stop cleanly."""


class Supervisor:
    """Starts, watches, restarts and stops the servers of one tier."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.servers: dict[str, Server] = {}
        self.clients = open_lock(layout.lock("clients"))
        self.idle_since: float | None = None
        self.restarts: list[float] = []

    def run(self) -> None:
        """Run until nobody needs the servers; whatever happens, stop them before returning."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _raise_stop)
        try:
            self._start()
            while not self._is_idle():
                self._restart_dead()
                time.sleep(LOOK_SECONDS)
        except StopAskedError:
            self._say("stopping", "stopped by a signal")
        except EmbeddedServersError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the servers must stop
            traceback.print_exc()
            self._fail(error)
        self._stop()

    def _fail(self, error: Exception) -> NoReturn:
        self._stop()
        self._say("failed", reason=str(error))
        raise SystemExit(1)

    def _start(self) -> None:
        self._say("starting", "preparing the database folder")
        account = choose_account(self.layout.postgres_data)
        make_socket_folder(self.layout, account)
        if not (self.layout.postgres_data / "PG_VERSION").exists():
            self._say("starting", "creating the PostgreSQL cluster")
        self.servers["PostgreSQL"] = postgres_server(self.layout, account)
        self.servers["Valkey"] = valkey_server(self.layout, account)
        self._say("starting", "starting PostgreSQL and Valkey")
        self._start_servers(self.servers)
        self._say("starting", "preparing the database")
        prepare_database(self.layout)
        self._say("ready")

    def _start_servers(self, servers: Mapping[str, Server]) -> None:
        for server in servers.values():
            server.start()
        wait_for_answers(servers, ANSWER_SECONDS)

    def _restart_dead(self) -> None:
        dead = {name: server for name, server in self.servers.items() if not server.is_running}
        if not dead:
            return
        self._say("starting", f"restarting {' and '.join(dead)}")
        while True:
            self._count_restart()
            try:
                self._start_servers(dead)
            except EmbeddedServersError as error:
                # Shared memory of a killed PostgreSQL goes with its last backend.
                self._log(f"{error.message}; trying again")
                time.sleep(min(0.2 * 2 ** len(self.restarts), 5))
            else:
                break
        self._say("ready")

    def _count_restart(self) -> None:
        now = time.monotonic()
        self.restarts = [at for at in self.restarts if now - at < CALM_SECONDS] + [now]
        if len(self.restarts) > MOST_RESTARTS:
            raise EmbeddedServersError("a server keeps ending; see the log")

    def _is_idle(self) -> bool:
        """Whether nobody needed the servers for a while; if so, nobody can come any more.

        The clients' lock stays with this process then: who comes now waits for its end.
        """
        if not try_exclusive(self.clients):
            self.idle_since = None
            return False
        now = time.monotonic()
        self.idle_since = self.idle_since or now
        if now - self.idle_since >= LINGER_SECONDS or self.layout.hurry.exists():
            return True
        unlock(self.clients)
        return False

    def _stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        self._say("stopping")
        for server in self.servers.values():
            if server.process is not None and server.is_running:
                server.process.send_signal(server.stop_signals[0][0])
        for server in self.servers.values():
            server.stop()
        shutil.rmtree(self.layout.sockets, ignore_errors=True)
        self.layout.state.unlink(missing_ok=True)
        self.layout.hurry.unlink(missing_ok=True)

    def _say(self, state: str, step: str = "", reason: str = "") -> None:
        pids = {
            name: server.process.pid
            for name, server in self.servers.items()
            if server.process is not None
        }
        self._log(" ".join(filter(None, [state, step, reason])))
        write_state(
            self.layout, state=state, step=step, reason=reason, pid=os.getpid(), servers=pids
        )

    def _log(self, text: str) -> None:
        moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        os.write(2, f"{moment} UTC [{os.getpid()}] supervisor {text}\n".encode())


def _raise_stop(_number: int, _frame: object) -> None:
    raise StopAskedError


def make_socket_folder(layout: Layout, account: Account) -> None:
    """Make the sockets' folder for the servers' account alone.

    Raises EmbeddedServersError when somebody else has put something there.
    """
    folder = layout.sockets
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), account.uid}:
        raise EmbeddedServersError(f"{folder} belongs to somebody else; remove it")
    account.owns(folder)
