"""What a server says it is: the two stamps inside a database, read and written.

The catalogue stamp is `ALTER DATABASE … SET instainstru.tier`, read from `pg_db_role_setting`
because `SHOW` can be forged by a client. The row stamp ties the tier to this server and this
database, so that a copy gives itself away. Imports nothing from Django. Spec: S1.8, S1.9.
"""

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from instainstru.database.refusals import TierRefusedError
from instainstru.database.tiers import Tier

Connection = psycopg.Connection[Any]
SETTING: Final = "instainstru.tier"
EXTENSIONS: Final = ("vector", "pg_trgm", "btree_gist", "unaccent")
OLDEST_SERVER: Final = 180000

# One round trip: the gate pays for it on every new connection. Each catalogue setting of the
# server that belongs to a whole database is a row, beside the row stamp if there is one.
EVIDENCE: Final = """
SELECT d.datname::text,
       d.oid::bigint,
       (pg_catalog.pg_control_system()).system_identifier::text,
       s.setdatabase = d.oid,
       s.setconfig,
       {stamp}
  FROM pg_catalog.pg_database d
  LEFT JOIN pg_catalog.pg_db_role_setting s ON s.setrole = 0
  {join}
 WHERE d.datname = pg_catalog.current_database()
"""
STAMPED: Final = EVIDENCE.format(
    stamp="t.tier::text, t.system_identifier::text, t.database_oid::bigint",
    join="LEFT JOIN instainstru_guard.stamp t ON true",
)
BARE: Final = EVIDENCE.format(stamp="NULL, NULL, NULL", join="")
# Which running server this is; a fail-over or a restart changes it. Safe inside a transaction.
INSTANCE: Final = """
SELECT (pg_catalog.pg_control_system()).system_identifier::text,
       d.oid::bigint,
       (pg_catalog.pg_control_checkpoint()).timeline_id::integer,
       pg_catalog.pg_postmaster_start_time()::text,
       t.tier,
       (SELECT s.setconfig::text FROM pg_catalog.pg_db_role_setting s
         WHERE s.setrole = 0 AND s.setdatabase = d.oid)
  FROM pg_catalog.pg_database d
  LEFT JOIN instainstru_guard.stamp t ON true
 WHERE d.datname = pg_catalog.current_database()
"""
INSTALL: Final = """
CREATE SCHEMA IF NOT EXISTS instainstru_guard;
CREATE TABLE IF NOT EXISTS instainstru_guard.stamp (
    tier text NOT NULL CHECK (tier IN ('int', 'stg', 'prod')),
    system_identifier bigint NOT NULL,
    database_oid oid NOT NULL,
    stamped_at timestamptz NOT NULL DEFAULT now(),
    stamped_by text NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS stamp_is_one_row ON instainstru_guard.stamp ((true));
GRANT USAGE ON SCHEMA instainstru_guard TO PUBLIC;
GRANT SELECT ON instainstru_guard.stamp TO PUBLIC;
"""


class StampError(TierRefusedError):
    """The stamps are missing, unreadable, contradictory or belong to another server."""

    code = "stamp"


@dataclass(frozen=True, slots=True, order=True)
class RowStamp:
    """The row of `instainstru_guard.stamp`."""

    tier: str
    system_identifier: str
    database_oid: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything a server says about a database's tier, before it is judged."""

    database: str
    oid: int
    system_identifier: str
    catalogue: tuple[str, ...]
    rows: tuple[RowStamp, ...]
    has_prod_neighbor: bool
    """Whether another database of the server is stamped `prod`."""

    @property
    def is_unstamped(self) -> bool:
        """Whether neither stamp is there."""
        return not self.catalogue and not self.rows


@dataclass(frozen=True, slots=True)
class Instance:
    """One run of one server, and what its database is stamped. Spec: S1.18."""

    system_identifier: str
    oid: int
    timeline: int
    started_at: str
    row: str | None
    catalogue: str | None


def read_instance(connection: Connection) -> Instance:
    """Return which running server answers; leaves a transaction as it is."""
    row = psycopg.Cursor(connection).execute(INSTANCE).fetchone()
    if row is None:
        raise StampError("the tier stamps cannot be read")
    return Instance(*row)


def refuse_old_server(connection: Connection) -> None:
    """Raise StampError for a server older than PostgreSQL 18. Spec: S1.16."""
    if connection.info.server_version < OLDEST_SERVER:
        raise StampError("the server is older than PostgreSQL 18")


def read_evidence(connection: Connection) -> Evidence:
    """Read both stamps and the server's identity in a transaction of its own.

    Raises StampError when they cannot be read: no evidence means no.
    """
    try:
        with _in_autocommit(connection):
            return _read(connection)
    except psycopg.Error as error:
        if connection.broken or connection.closed:
            raise
        raise StampError(f"the tier stamps cannot be read ({type(error).__name__})") from error


def _read(connection: Connection) -> Evidence:
    cursor = psycopg.Cursor(connection)
    try:
        found = cursor.execute(STAMPED).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        found = cursor.execute(BARE).fetchall()
    if not found:
        raise StampError("the tier stamps cannot be read")
    database, oid, system_identifier = found[0][:3]
    settings = {(bool(row[3]), text) for row in found for text in row[4] or ()}
    prefix = f"{SETTING}="
    return Evidence(
        database=database,
        oid=oid,
        system_identifier=system_identifier,
        catalogue=tuple(
            sorted(
                text.removeprefix(prefix)
                for is_here, text in settings
                if is_here and text.startswith(prefix)
            )
        ),
        rows=tuple(sorted({RowStamp(*row[5:]) for row in found if row[5] is not None})),
        has_prod_neighbor=(False, f"{prefix}{Tier.PROD}") in settings,
    )


def effective_tier(evidence: Evidence) -> Tier:
    """Return the stronger of both stamps.

    Raises StampError for an unstamped database, a copy, or a stamp that says anything but a
    tier. Spec: S1.8, S1.9.
    """
    if evidence.is_unstamped:
        counts = " and its server holds a prod stamp" if evidence.has_prod_neighbor else ""
        raise StampError(f"database {evidence.database} carries no tier stamp{counts}")
    if len(evidence.rows) > 1 or len(evidence.catalogue) > 1:
        raise StampError(f"database {evidence.database} carries several tier stamps")
    for row in evidence.rows:
        if (row.system_identifier, row.database_oid) != (evidence.system_identifier, evidence.oid):
            raise StampError(f"database {evidence.database} is a copy of a {row.tier} database")
    tiers = [_tier(text) for text in (*evidence.catalogue, *(row.tier for row in evidence.rows))]
    return max(tiers, key=lambda tier: tier.strength)


def require_tier(evidence: Evidence, tier: Tier) -> None:
    """Raise StampError unless the evidence says exactly this tier."""
    if (found := effective_tier(evidence)) is not tier:
        raise StampError(f"database {evidence.database} is stamped {found}, not {tier}")


def _tier(text: str) -> Tier:
    try:
        return Tier(text)
    except ValueError:
        raise StampError(f"the tier stamp says {text!r}") from None


def stamp_database(connection: Connection, tier: str) -> None:
    """Write both stamps into the connected database; doing it twice changes nothing.

    Raises StampError when the database carries another tier, is a copy, or when its server
    holds a prod stamp and something weaker is asked for. Spec: S1.8, S1.9.
    """
    wanted = Tier(tier)
    evidence = read_evidence(connection)
    if evidence.is_unstamped:
        if evidence.has_prod_neighbor and wanted is not Tier.PROD:
            raise StampError(f"the server of database {evidence.database} holds a prod stamp")
    elif (found := effective_tier(evidence)) is not wanted:
        raise StampError(f"database {evidence.database} is stamped {found}, not {wanted}")
    if not (evidence.catalogue and evidence.rows):
        _write(connection, evidence, wanted)


def restamp_clone(connection: Connection) -> None:
    """Stamp a test database that was just copied from a stamped test database.

    Raises StampError for anything that is not an INT test database of this server.
    """
    evidence = read_evidence(connection)
    copied = [(row.tier, row.system_identifier) for row in evidence.rows]
    is_ours = copied == [(Tier.INT.value, evidence.system_identifier)]
    if not evidence.database.startswith("test_") or evidence.catalogue or not is_ours:
        raise StampError(f"database {evidence.database} is no copy of a test database")
    _write(connection, evidence, Tier.INT)


def restamp_moved(connection: Connection) -> None:
    """Stamp a production database that is now on another server; the caller has asked a person.

    Raises StampError for anything that is not stamped `prod` alone.
    """
    evidence = read_evidence(connection)
    said = {*evidence.catalogue, *(row.tier for row in evidence.rows)}
    if said != {Tier.PROD.value}:
        raise StampError(f"database {evidence.database} is stamped {', '.join(sorted(said))}")
    _write(connection, evidence, Tier.PROD)


def require_foreign_copy(evidence: Evidence) -> None:
    """Raise StampError unless the database is a copy, away from the server of its production.

    Its row stamp, which travels with the rows, must name another server or database. Spec: S1.9.
    """
    if len(evidence.rows) != 1:
        raise StampError(f"database {evidence.database} carries no row stamp to know a copy by")
    row = evidence.rows[0]
    if (row.system_identifier, row.database_oid) == (evidence.system_identifier, evidence.oid):
        raise StampError(f"database {evidence.database} is no copy but the {row.tier} one itself")
    is_at_home = row.tier == Tier.PROD and row.system_identifier == evidence.system_identifier
    if is_at_home or evidence.has_prod_neighbor:
        raise StampError(f"the server of database {evidence.database} is production's own")


def stamp_as_copy(
    connection: Connection, tier: str, system_identifier: str, database_oid: int
) -> None:
    """Mark an unstamped database as a copy of another one, so that nobody takes it for his own.

    Raises StampError for a database that carries a stamp.
    """
    evidence = read_evidence(connection)
    if not evidence.is_unstamped:
        raise StampError(f"database {evidence.database} is stamped already")
    _write_row(connection, RowStamp(tier, system_identifier, database_oid))


def restamp_copy(connection: Connection, tier: Tier) -> None:
    """Stamp a copy whose personal data has been replaced as a database of a test tier.

    Raises StampError for production, and for anything that is no foreign copy.
    """
    if tier is Tier.PROD:
        raise StampError("a copy does not become production")
    evidence = read_evidence(connection)
    require_foreign_copy(evidence)
    _write(connection, evidence, tier)


def _write(connection: Connection, evidence: Evidence, tier: Tier) -> None:
    with _in_autocommit(connection), connection.transaction():
        _write_row(connection, RowStamp(tier.value, evidence.system_identifier, evidence.oid))
        _write_catalogue_stamp(connection, evidence.database, tier)


def _write_row(connection: Connection, row: RowStamp) -> None:
    with connection.transaction():
        cursor = psycopg.Cursor(connection)
        cursor.execute(INSTALL)
        cursor.execute("DELETE FROM instainstru_guard.stamp")
        cursor.execute(
            "INSERT INTO instainstru_guard.stamp"
            " (tier, system_identifier, database_oid, stamped_by) VALUES (%s, %s, %s, %s)",
            [row.tier, int(row.system_identifier), row.database_oid, _person()],
        )


def _write_catalogue_stamp(connection: Connection, database: str, tier: Tier) -> None:
    statement = sql.SQL("ALTER DATABASE {} SET {} = {}").format(
        sql.Identifier(database), sql.SQL(SETTING), sql.Literal(tier.value)
    )
    try:
        with connection.transaction():
            psycopg.Cursor(connection).execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        # Only a superuser may set a parameter that the server does not know: on a managed
        # server the row stamp stands alone.
        return


def install_extensions(connection: Connection) -> None:
    """Install the extensions that the schema needs; needs a superuser once per database."""
    with _in_autocommit(connection):
        for name in EXTENSIONS:
            statement = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name))
            psycopg.Cursor(connection).execute(statement)


def _person() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


@contextmanager
def _in_autocommit(connection: Connection) -> Iterator[None]:
    """Leave no transaction open behind, whatever the connection's mode is."""
    before = connection.autocommit
    if not before:
        connection.autocommit = True
    try:
        yield
    finally:
        if not before and not connection.closed:
            connection.autocommit = False
