"""Make a backup: one snapshot of the database, dumped, sealed and described. Spec: S19.1"""

import errno
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import IO, BinaryIO, Final

import psycopg
from psycopg.conninfo import make_conninfo

from instainstru import clock
from instainstru.database import audit, grants, maintenance, stamp, tiers
from instainstru.database.backups import measure, sealing, shelf
from instainstru.database.backups.errors import BackupError
from instainstru.database.backups.manifest import Manifest
from instainstru.database.programs import client_program
from instainstru.database.roles import Role

READ_BYTES: Final = 1 << 20
SCHEMA: Final = "public"
"""Rows of the product. Guard schema, roles and rights come from the code that restores."""


def make_backup(decision: tiers.Decision, *, reason: str, key: str) -> Manifest:
    """Write a backup of the tier's database and return its manifest.

    Reads as `ii_readonly` in one snapshot. Whatever fails, older backups stay as they are. Raises
    BackupError; TierRefusedError for another tier's database.
    """
    name = f"{decision.tier}-{clock.now().astimezone(UTC):%Y%m%dT%H%M%S%fZ}"
    try:
        with maintenance.connect(decision, role=Role.READONLY) as connection:
            evidence = stamp.read_evidence(connection)
            stamp.require_tier(evidence, decision.tier)
            grants.check_connection(evidence)
            manifest = _write(connection, evidence, name=name, reason=reason, key=key)
    except OSError as error:
        what = "the disk is full" if error.errno in {errno.ENOSPC, errno.EDQUOT} else error.strerror
        raise BackupError(f"the backup could not be written: {what}") from error
    audit.record(
        "backup",
        "allowed",
        tier_wanted=decision.tier.value,
        tier_found=decision.tier.value,
        reason=f"{name}: {reason}",
        database=evidence.database,
    )
    return manifest


def _write(
    connection: stamp.Connection, evidence: stamp.Evidence, *, name: str, reason: str, key: str
) -> Manifest:
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        tables = measure.table_sums(connection)
        migrations = measure.applied_migrations(connection)
        row = connection.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
        created = clock.now().astimezone(UTC)
        with shelf.new_archive(name) as file, dumped(connection, str(row and row[0])) as data:
            sealing.seal(data, file, key)
    size, sha256 = shelf.measured(name)
    manifest = Manifest(
        name=name,
        tier=evidence.catalogue[0] if evidence.catalogue else evidence.rows[0].tier,
        database=evidence.database,
        system_identifier=evidence.system_identifier,
        database_oid=evidence.oid,
        created_at=created.isoformat(timespec="seconds"),
        reason=reason,
        git_sha=audit.git_sha(),
        server_version=connection.info.server_version,
        schema_version=schema_version(migrations),
        migrations=migrations,
        tables=tables,
        size=size,
        sha256=sha256,
    )
    try:
        shelf.put(manifest, key)
    except BaseException:
        shelf.remove(name)
        raise
    return manifest


def schema_version(migrations: list[str]) -> str:
    """Return a short name for a set of applied migrations."""
    return hashlib.sha256("\n".join(migrations).encode()).hexdigest()[:12]


@contextmanager
def dumped(connection: stamp.Connection, snapshot: str) -> Iterator[Iterator[bytes]]:
    """Yield the dump of a snapshot in pieces. Raises BackupError when `pg_dump` fails."""
    command = [client_program("pg_dump"), "--format=custom", "--compress=gzip:4"]
    command += ["--no-owner", "--no-acl", f"--schema={SCHEMA}", f"--snapshot={snapshot}"]
    command += ["--no-password", "--dbname", conninfo(connection)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, env=environment(connection), stdout=subprocess.PIPE, stderr=said
        )
        try:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            yield _pieces(process.stdout)
            if process.wait():
                raise BackupError(f"pg_dump failed: {last_line(said)}")
        finally:
            process.kill()
            process.wait()


def conninfo(connection: psycopg.Connection[object]) -> str:
    """Return where a connection leads, for a client program; the password goes by `environment`."""
    info = connection.info
    parts = info.get_parameters()
    kept = {name: value for name, value in parts.items() if name.startswith("ssl")}
    kept |= {"host": info.host, "hostaddr": info.hostaddr, "port": str(info.port)}
    kept |= {"dbname": info.dbname, "user": info.user}
    return make_conninfo("", **{name: value for name, value in kept.items() if value})


def environment(connection: psycopg.Connection[object]) -> dict[str, str]:
    """Return all that a client program may see of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "LC_ALL": "C", "PGPASSWORD": connection.info.password}


def last_line(file: BinaryIO) -> str:
    """Return the end of what a program said, for an error message."""
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(READ_BYTES):
        yield piece
