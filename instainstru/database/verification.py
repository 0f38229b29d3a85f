"""What `db_verify` does: try what each role may not do on the live server, and roll it back.

A probe changes nothing: it works on a table of its own or is refused before it takes a lock, and
waits for nobody. Spec: S1.25.
"""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import psycopg
from psycopg import sql

from instainstru.database import consent, installation, maintenance, stamp, targets, tiers, valkey
from instainstru.database.inspection import Findings, inspect
from instainstru.database.roles import Role
from instainstru.database.stamp import Connection

REFUSED: Final = "refused"
ACCEPTED: Final = "ACCEPTED"
PARTIAL: Final = "accepted, the server has no event triggers of ours"
ROLES: Final = (Role.APP, Role.READONLY, Role.MIGRATOR)
REFUSALS: Final = frozenset({"42501", "25006", "55006", "42809"})
"""Insufficient privilege, read-only transaction, in use, wrong kind of object."""
SESSION: Final = (
    "SET LOCAL lock_timeout = '200ms'; SET LOCAL statement_timeout = '10s';"
    " SELECT set_config('instainstru.migration', '', true)"
)
MAKE: Final = "CREATE TABLE {probe} (id bigint, name text);"
FILL: Final = "INSERT INTO {probe} SELECT n FROM pg_catalog.generate_series(1, {many}) AS n"
TABLES: Final = """
SELECT relname FROM pg_catalog.pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
 ORDER BY relname <> 'accounts_user', relname LIMIT 1
"""
ON_TABLE: Final = {
    Role.APP: {
        "TRUNCATE": "TRUNCATE {table}",
        "DROP TABLE": "DROP TABLE {table}",
        "ALTER TABLE": "ALTER TABLE {table} ADD COLUMN probe integer",
        "take a table over": "ALTER TABLE {table} OWNER TO ii_app",
    },
    Role.READONLY: {
        "DELETE": "DELETE FROM {table} WHERE false",
        "INSERT": "INSERT INTO {table} DEFAULT VALUES",
        "TRUNCATE": "TRUNCATE {table}",
        "DROP TABLE": "DROP TABLE {table}",
    },
}
GUARD: Final = {
    "unlock the brakes": "INSERT INTO instainstru_guard.unlock"
    " (database_oid, role_name, migration, reason) VALUES (0, 'probe', 'probe', 'probe')",
    "disarm the brakes": "UPDATE instainstru_guard.state SET armed_at = NULL WHERE false",
    "change the row stamp": "UPDATE instainstru_guard.stamp SET tier = tier WHERE false",
    "change the catalogue stamp": "ALTER DATABASE {database} SET instainstru.tier = 'int'",
    "SET ROLE ii_admin": "SET LOCAL ROLE ii_admin",
}
ALONE: Final = {
    Role.APP: {
        "CREATE TABLE": "{make}",
        "CREATE TEMP TABLE": "CREATE TEMP TABLE {probe} (id bigint)",
        "SET ROLE ii_migrator": "SET LOCAL ROLE ii_migrator",
        **GUARD,
    },
    Role.READONLY: {
        "CREATE TABLE": "{make}",
        "SET ROLE ii_app": "SET LOCAL ROLE ii_app",
        **GUARD,
    },
    Role.MIGRATOR: GUARD,
}
BRAKES: Final = {
    "DROP TABLE": "{make} DROP TABLE {probe}",
    "DROP COLUMN": "{make} ALTER TABLE {probe} DROP COLUMN name",
    "rewrite a table": "{make} ALTER TABLE {probe} ALTER COLUMN id TYPE text USING ''",
    "disable a brake": (
        "{make} {truncate_trigger}; ALTER TABLE {probe} DISABLE TRIGGER ii_brake_truncate"
    ),
}
"""What event triggers stop; a server without them accepts it."""
TABLE_BRAKES: Final = {
    "TRUNCATE": "{make} {truncate_trigger}; TRUNCATE {probe}",
    "DELETE of many rows": "{make} {row_triggers}; {fill}; DELETE FROM {probe}",
    "UPDATE of many rows": "{make} {row_triggers}; {fill}; UPDATE {probe} SET name = 'x'",
}


@dataclass(frozen=True, slots=True)
class Probe:
    """One forbidden thing, tried as one role."""

    role: str
    what: str
    result: str

    @property
    def is_ok(self) -> bool:
        """Whether nothing forbidden was possible."""
        return self.result != ACCEPTED


@dataclass(slots=True)
class Report:
    """What was tried, what is missing, and what could not be tried."""

    tier: str
    database: str = ""
    probes: list[Probe] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    @property
    def is_ok(self) -> bool:
        """Whether every layer holds."""
        return not self.differences and all(probe.is_ok for probe in self.probes)

    def as_dict(self) -> dict[str, Any]:
        """Return the report for `--json`."""
        return {**asdict(self), "ok": self.is_ok}


def verify(decision: tiers.Decision) -> Report:
    """Prove the installed layers on the live server.

    Raises TierRefusedError for another tier's database and psycopg.OperationalError when the
    server does not answer.
    """
    report = Report(tier=decision.tier.value)
    with maintenance.connect(decision) as connection:
        evidence = stamp.read_evidence(connection)
        if decision.needs_confirmation:
            consent.require_named_database(decision, evidence)
        stamp.require_tier(evidence, decision.tier)
        report.database = evidence.database
        findings = inspect(connection, decision.tier)
    report.differences = [item.what for item in findings.differences]
    for role in ROLES:
        if targets.role_location(decision, role) is None and role is not Role.APP:
            report.skipped.append(f"{role}: {decision.tier.variable(role.suffix)} is not set")
            continue
        with maintenance.connect(decision, role=role) as connection:
            report.probes += _try_all(connection, role, findings)
    if decision.tier is tiers.Tier.PROD:
        report.probes += [Probe(*found) for found in valkey.probe_rights(decision)]
    return report


def _try_all(connection: Connection, role: Role, findings: Findings) -> Iterator[Probe]:
    row = psycopg.Cursor(connection).execute(TABLES).fetchone()
    table = None if row is None else str(row[0])
    for what, statement in ALONE[role].items():
        yield Probe(role, what, _try(connection, role, statement, table))
    for what, statement in ON_TABLE.get(role, {}).items():
        if table is not None:
            yield Probe(role, what, _try(connection, role, statement, table))
    if role is not Role.MIGRATOR:
        return
    has_event_triggers = not any(text.startswith("event trigger") for text in findings.impossible)
    for what, statement in BRAKES.items():
        result = _try(connection, role, statement, table)
        is_partial = result == ACCEPTED and not has_event_triggers
        yield Probe(role, what, PARTIAL if is_partial else result)
    for what, statement in TABLE_BRAKES.items():
        yield Probe(role, what, _try(connection, role, statement, table))


def _try(connection: Connection, role: Role, statement: str, table: str | None) -> str:
    name = f"ii_probe_{secrets.token_hex(6)}"
    is_temporary = "TEMP" in statement
    probe = sql.Identifier(name) if is_temporary else sql.Identifier("public", name)
    text = sql.SQL(statement).format(
        probe=probe,
        make=sql.SQL(MAKE).format(probe=probe),
        fill=sql.SQL(FILL).format(probe=probe, many=sql.Literal(installation.MOST_ROWS + 1)),
        truncate_trigger=sql.SQL(installation.TRUNCATE_TRIGGER).format(table=probe),
        row_triggers=sql.SQL(installation.ROW_TRIGGERS).format(table=probe),
        table=sql.Identifier("public", table or ""),
        database=sql.Identifier(connection.info.dbname),
    )
    try:
        with connection.transaction(force_rollback=True):
            if role is Role.READONLY:
                # What the role begins with, anybody can lift: its rights must do.
                connection.execute("SET TRANSACTION READ WRITE")
            connection.execute(SESSION)
            connection.execute(text)
    except psycopg.Error as error:
        if error.sqlstate in REFUSALS:
            return REFUSED
        return f"refused by error {error.sqlstate}"
    return ACCEPTED
