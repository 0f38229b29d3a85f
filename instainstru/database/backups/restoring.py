"""Put a backup into an empty database, after every byte of it was proved. Spec: S19.2"""

import subprocess
import tempfile
from typing import Final

import psycopg

from instainstru.database import installation, stamp
from instainstru.database.backups import making, measure, sealing, shelf
from instainstru.database.backups.errors import BackupError
from instainstru.database.backups.manifest import Manifest
from instainstru.database.programs import client_program
from instainstru.database.roles import Role

MAJOR: Final = 10_000


def require_whole(manifest: Manifest, key: str) -> None:
    """Read the whole archive and write nothing. Raises BackupError unless all of it is ours."""
    if shelf.measured(manifest.name) != (manifest.size, manifest.sha256):
        raise BackupError(f"the archive of {manifest.name} was changed or cut")
    with shelf.archive(manifest.name) as file:
        for _ in sealing.opened(file, key):
            pass


def require_fitting(manifest: Manifest, server_version: int, known: frozenset[str]) -> None:
    """Raise BackupError for a server of another major version, or a schema newer than the code.

    `known` are the migrations of the code.
    """
    found, wanted = server_version // MAJOR, manifest.server_version // MAJOR
    if found != wanted:
        raise BackupError(f"the backup is of PostgreSQL {wanted}, the server is PostgreSQL {found}")
    if newer := sorted(set(manifest.migrations) - known):
        shown = ", ".join(newer[:3])
        raise BackupError(f"the backup is of a newer release ({shown}); use that release's code")


def fill(connection: stamp.Connection, manifest: Manifest, key: str) -> None:
    """Load a backup into the connected database, which is stamped and otherwise empty.

    The connection is the admin's. Roles, rights and the guard schema are those of this code.
    Raises BackupError, with nothing of the product's schema loaded.
    """
    installation.install_rights(connection)
    command = [client_program("pg_restore"), "--single-transaction", "--exit-on-error"]
    command += ["--no-owner", "--no-acl", f"--schema={making.SCHEMA}"]
    command += [f"--role={Role.MIGRATOR}", "--no-password"]
    command += ["--dbname", making.conninfo(connection)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            env=making.environment(connection),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            _feed(process, manifest, key)
            if process.wait():
                raise BackupError(f"pg_restore failed: {making.last_line(said)}")
        finally:
            process.kill()
            process.wait()
    installation.install_rights(connection)
    connection.execute("ANALYZE")


def _feed(process: "subprocess.Popen[bytes]", manifest: Manifest, key: str) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe was asked for
    try:
        with shelf.archive(manifest.name) as file, process.stdin as pipe:
            for piece in sealing.opened(file, key):
                pipe.write(piece)
    except BrokenPipeError:
        return  # it has ended, and its exit code and last words say why


def require_equal(connection: psycopg.Connection[object], manifest: Manifest) -> None:
    """Raise BackupError unless the database holds exactly what the snapshot held."""
    with connection.transaction():
        tables = measure.table_sums(connection)
        migrations = measure.applied_migrations(connection)
    names = sorted(
        name
        for name in tables.keys() | manifest.tables.keys()
        if tables.get(name) != manifest.tables.get(name)
    )
    if names or migrations != manifest.migrations:
        shown = ", ".join(names[:5]) or "its migrations"
        raise BackupError(f"what was restored differs from the snapshot: {shown}")
