"""What a database lacks of its protection, read from the catalogue. Imports nothing from Django.

Nothing here changes anything, and everything can be read by any of the four roles. Spec: S1.16.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import psycopg

from instainstru.database import installation, stamp
from instainstru.database.stamp import Connection
from instainstru.database.tiers import Tier

IS_INSTALLED: Final = "SELECT to_regclass('instainstru_guard.state') IS NOT NULL"
STATE: Final = "SELECT armed_at IS NOT NULL, release, impossible FROM instainstru_guard.state"
ROLES: Final = """
SELECT 'role ' || wanted || ' is missing'
  FROM unnest(ARRAY['ii_admin', 'ii_migrator', 'ii_app', 'ii_readonly']) AS wanted
 WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = wanted)
UNION ALL
SELECT 'role ' || rolname || ' may create databases or roles, or is a superuser'
  FROM pg_catalog.pg_roles
 WHERE rolname IN ('ii_admin', 'ii_migrator', 'ii_app', 'ii_readonly')
   AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication)
UNION ALL
SELECT 'role ' || child.rolname || ' is a member of ' || parent.rolname
  FROM pg_catalog.pg_auth_members m
  JOIN pg_catalog.pg_roles child ON child.oid = m.member
  JOIN pg_catalog.pg_roles parent ON parent.oid = m.roleid
 WHERE child.rolname IN ('ii_migrator', 'ii_app', 'ii_readonly')
UNION ALL
SELECT 'the owner of the database is ' || pg_catalog.pg_get_userbyid(d.datdba)
  FROM pg_catalog.pg_database d
 WHERE d.datname = pg_catalog.current_database()
   AND pg_catalog.pg_get_userbyid(d.datdba) <> 'ii_admin'
UNION ALL
SELECT 'everybody may connect' WHERE pg_catalog.has_database_privilege(
    'public', pg_catalog.current_database(), 'CONNECT, TEMPORARY, CREATE')
UNION ALL
SELECT 'schema instainstru_guard belongs to ' || pg_catalog.pg_get_userbyid(nspowner)
  FROM pg_catalog.pg_namespace
 WHERE nspname = 'instainstru_guard' AND pg_catalog.pg_get_userbyid(nspowner) <> 'ii_admin'
UNION ALL
SELECT 'table ' || relname || ' belongs to ' || pg_catalog.pg_get_userbyid(relowner)
  FROM pg_catalog.pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
   AND pg_catalog.pg_get_userbyid(relowner) <> 'ii_migrator'
"""
RIGHTS: Final = """
SELECT 'rights on table ' || c.relname
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_roles app ON app.rolname = 'ii_app'
  JOIN pg_catalog.pg_roles reader ON reader.rolname = 'ii_readonly'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
   AND pg_catalog.pg_get_userbyid(c.relowner) = 'ii_migrator'
   AND (NOT pg_catalog.has_table_privilege(app.oid, c.oid, 'SELECT')
        OR NOT pg_catalog.has_table_privilege(app.oid, c.oid, 'INSERT')
        OR NOT pg_catalog.has_table_privilege(app.oid, c.oid, 'UPDATE')
        OR NOT pg_catalog.has_table_privilege(app.oid, c.oid, 'DELETE')
        OR pg_catalog.has_table_privilege(app.oid, c.oid, 'TRUNCATE, TRIGGER, REFERENCES')
        OR NOT pg_catalog.has_table_privilege(reader.oid, c.oid, 'SELECT')
        OR pg_catalog.has_table_privilege(
            reader.oid, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER, REFERENCES'))
UNION ALL
SELECT 'rights on sequence ' || c.relname
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles app ON app.rolname = 'ii_app'
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'S'
   AND pg_catalog.pg_get_userbyid(c.relowner) = 'ii_migrator'
   AND (NOT pg_catalog.has_sequence_privilege(app.oid, c.oid, 'USAGE')
        OR pg_catalog.has_sequence_privilege(app.oid, c.oid, 'UPDATE'))
"""
EVENT_TRIGGERS: Final = """
SELECT evtname FROM pg_catalog.pg_event_trigger WHERE evtenabled IN ('O', 'A')
"""
IS_TEMPLATE: Final = """
SELECT datistemplate FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()
"""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is missing, in words for a person."""

    what: str
    layer: str
    """`stamp`, `roles` or `brakes`."""
    is_repairable: bool = False
    """Whether the owner of the tables can mend it, as the deploy step does."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What an inspection found; `impossible` is what the server itself does not allow."""

    differences: tuple[Difference, ...]
    impossible: tuple[str, ...] = ()

    def layer(self, name: str) -> str:
        """Return `installed`, `partial` or `missing` for one layer."""
        if any(item.layer == name for item in self.differences):
            return "missing"
        is_partial = any(self._layer(text) == name for text in self.impossible)
        return "partial" if is_partial else "installed"

    def _layer(self, text: str) -> str:
        return "stamp" if text == installation.CATALOGUE_STAMP else "brakes"


def inspect(connection: Connection, tier: Tier) -> Findings:
    """Return what is missing in the connected database.

    Raises TierRefusedError for a server before PostgreSQL 18 and evidence that cannot be read.
    """
    stamp.refuse_old_server(connection)
    found = list(_stamps(connection))
    if not _one(connection, IS_INSTALLED):
        missing = (Difference("roles and rights", "roles"), Difference("brakes", "brakes"))
        return Findings((*found, *missing))
    found += [Difference(text, "roles") for text in _texts(connection, ROLES)]
    for role, name, value in installation.missing_settings(connection):
        found.append(Difference(f"{name}={value} of role {role}", "roles"))
    found += [Difference(text, "roles", True) for text in _texts(connection, RIGHTS)]
    row = psycopg.Cursor(connection).execute(STATE).fetchone()
    is_armed, release, impossible = row or (False, "none", [])
    found = [item for item in found if item.what not in impossible]
    if release != installation.release():
        found.append(Difference(f"guard schema of this release (found {release})", "roles"))
    found += _brakes(connection, is_armed, set(impossible))
    if tier is Tier.PROD and not _one(connection, IS_TEMPLATE):
        found.append(Difference("protection against DROP DATABASE", "roles"))
    return Findings(tuple(found), tuple(impossible))


def _stamps(connection: Connection) -> Iterator[Difference]:
    present = set(_texts(connection, "SELECT extname FROM pg_catalog.pg_extension"))
    for name in stamp.EXTENSIONS:
        if name not in present:
            yield Difference(f"extension {name}", "stamp")
    evidence = stamp.read_evidence(connection)
    if not evidence.catalogue:
        yield Difference(installation.CATALOGUE_STAMP, "stamp")
    if not evidence.rows:
        yield Difference("row stamp", "stamp")


def _brakes(connection: Connection, is_armed: bool, impossible: set[str]) -> Iterator[Difference]:
    present = set(_texts(connection, EVENT_TRIGGERS))
    for name in installation.EVENT_TRIGGERS:
        text = f"event trigger {name}"
        if name not in present and text not in impossible:
            yield Difference(text, "brakes")
    for table, *_ in installation.bare_tables(connection):
        yield Difference(f"brakes of table {table}", "brakes", True)
    if not is_armed:
        yield Difference("armed brakes", "brakes", True)


def _one(connection: Connection, query: str) -> bool:
    row = psycopg.Cursor(connection).execute(query).fetchone()
    return row is not None and bool(row[0])


def _texts(connection: Connection, query: str) -> list[str]:
    return [str(row[0]) for row in psycopg.Cursor(connection).execute(query).fetchall()]
