"""Restore into a new database, and put that in the place of the live one if asked. Spec: S19.2"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from psycopg import sql

from instainstru import clock
from instainstru.database import (
    audit,
    grants,
    installation,
    maintenance,
    protection,
    stamp,
    targets,
    tiers,
)
from instainstru.database.backups import restoring, shelf
from instainstru.database.backups.errors import BackupError
from instainstru.database.backups.manifest import Manifest
from instainstru.database.pending import code_migrations
from instainstru.database.roles import Role
from instainstru.database.tiers import Tier

EXISTS: Final = "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = %s)"
END_SESSIONS: Final = """
SELECT pg_catalog.pg_terminate_backend(pid, 10000)
  FROM pg_catalog.pg_stat_activity WHERE datname = %s
"""
COMMENT: Final = """
SELECT coalesce(pg_catalog.shobj_description(oid, 'pg_database'), '')
  FROM pg_catalog.pg_database WHERE datname = %s
"""


def restore(decision: tiers.Decision, name: str, key: str, *, database: str | None) -> str:
    """Restore a backup and return the name of the database that now holds it.

    With `database` a new one is made, and nothing else changes. Without, the new one takes the
    live name once it is complete and equal to the snapshot; production's former database stays
    under another name. A database that belongs to another tier keeps that tier's row stamp, so
    that nobody uses it before `db_protect --restamp`. Raises BackupError.
    """
    manifest = shelf.find(name, key)
    live = targets.location(decision).name
    if database is None and decision.tier not in {manifest.tier, Tier.INT}:
        what = f"a {manifest.tier} backup does not replace the {decision.tier} database"
        raise BackupError(f"{what}; use --database")
    protection.require_admin(decision)
    restoring.require_whole(manifest, key)
    with maintenance.connect(decision, maintenance.MAINTENANCE_DATABASE, role=Role.ADMIN) as server:
        restoring.require_fitting(manifest, server.info.server_version, code_migrations())
        target = database or f"restoring_{secrets.token_hex(6)}"
        with _new_database(server, target):
            _fill(decision, manifest, key, target, is_live=database is None)
            if database is None:
                _take_the_live_name(decision, server, target, live)
    _audit(decision, f"{manifest.name} restored", database or live)
    return database or live


@contextmanager
def _new_database(server: stamp.Connection, name: str) -> Iterator[None]:
    """Make a database that is dropped again when the block fails."""
    if (row := server.execute(EXISTS, [name]).fetchone()) is None or row[0]:
        raise BackupError(f"there is a database {name} already; a restore makes a new one")
    _on(server, "CREATE DATABASE {}", name)
    try:
        yield
    except BaseException:
        _on(server, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        raise


def _fill(
    decision: tiers.Decision, manifest: Manifest, key: str, target: str, *, is_live: bool
) -> None:
    with maintenance.connect(decision, target, role=Role.ADMIN) as connection:
        stamp.install_extensions(connection)
        if is_live and manifest.tier == decision.tier:
            stamp.stamp_database(connection, decision.tier)
        else:
            stamp.stamp_as_copy(
                connection, manifest.tier, manifest.system_identifier, manifest.database_oid
            )
        restoring.fill(connection, manifest, key)
        restoring.require_equal(connection, manifest)


def _take_the_live_name(
    decision: tiers.Decision, server: stamp.Connection, target: str, live: str
) -> None:
    """Exchange the names in one transaction, on the very server that was confirmed."""
    former = f"{live}_before_{clock.now():%Y%m%d_%H%M%S}"
    with maintenance.connect(decision, live, role=Role.ADMIN) as connection:
        grants.check_transaction(connection)
        has_brakes = installation.has_brakes(connection)
    if has_brakes:
        with maintenance.connect(decision, target, role=Role.ADMIN) as connection:
            installation.install_brakes(connection, decision.tier)
    comment = server.execute(COMMENT, [live]).fetchone()
    with _nobody_inside(server, live), server.transaction():
        _on(server, "ALTER DATABASE {} RENAME TO {}", live, sql.Identifier(former))
        _on(server, "ALTER DATABASE {} RENAME TO {}", target, sql.Identifier(live))
        if comment is not None and comment[0]:
            _on(server, "COMMENT ON DATABASE {} IS {}", live, sql.Literal(comment[0]))
    if decision.tier is not Tier.PROD:
        _on(server, "DROP DATABASE {} WITH (FORCE)", former)


@contextmanager
def _nobody_inside(server: stamp.Connection, name: str) -> Iterator[None]:
    """Close a database to everybody; when the block fails it is opened again."""
    _on(server, "ALTER DATABASE {} ALLOW_CONNECTIONS false", name)
    try:
        server.execute(END_SESSIONS, [name])
        yield
    except BaseException:
        _on(server, "ALTER DATABASE {} ALLOW_CONNECTIONS true", name)
        raise


def _on(server: stamp.Connection, statement: str, name: str, *more: sql.Composable) -> None:
    server.execute(sql.SQL(statement).format(sql.Identifier(name), *more))


def _audit(decision: tiers.Decision, reason: str, database: str) -> None:
    audit.record(
        "backup restore",
        "confirmed",
        tier_wanted=decision.tier.value,
        reason=reason,
        database=database,
    )
