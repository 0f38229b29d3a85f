"""Takes the people out of a copy of production, in batches that the brakes let pass.

Works on a raw connection, since no process may use a copy before. Spec: S1.9
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.apps import apps
from psycopg import sql

from instainstru.errors import ApplicationError
from privacy import registry
from privacy.registry import Holding

BATCH: Final = 500
LOCK: Final = 7_201_102
OWN_TABLES: Final = frozenset({"django_migrations"})
MAKE_PROGRESS: Final = """
CREATE TABLE IF NOT EXISTS instainstru_guard.anonymised (
    table_name text PRIMARY KEY, last_key text NOT NULL
)
"""
FORGET_PROGRESS: Final = "DELETE FROM instainstru_guard.anonymised"
READ_PROGRESS: Final = "SELECT last_key FROM instainstru_guard.anonymised WHERE table_name = %s"
NOTE_PROGRESS: Final = """
INSERT INTO instainstru_guard.anonymised VALUES (%s, %s)
ON CONFLICT (table_name) DO UPDATE SET last_key = excluded.last_key
"""
COLUMNS: Final = """
SELECT c.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'm', 'f')
"""
# The product's own triggers keep rows as they were written; the brakes stay.
TRIGGERS: Final = """
SELECT tgname FROM pg_catalog.pg_trigger
 WHERE tgrelid = pg_catalog.to_regclass(%s) AND NOT tgisinternal AND tgenabled <> 'D'
   AND tgname NOT LIKE 'ii\\_brake\\_%%'
"""

Connection = psycopg.Connection[Any]
Say = Callable[[str], None]


class CopyRefusedError(ApplicationError):
    """The copy cannot be freed of its people by this code."""

    status = 409
    code = "copy"


@dataclass(frozen=True, slots=True)
class Table:
    """One table of people: which columns get which expression, or that its rows go."""

    name: str
    key: str
    key_type: str
    columns: dict[str, str]
    is_left_out: bool

    @property
    def identifier(self) -> sql.Identifier:
        """The table for a statement."""
        return sql.Identifier("public", self.name)

    def expression(self, column: str) -> sql.Composed:
        """Return what stands in a column afterwards; missing and empty values stay."""
        name = sql.Identifier(column)
        given = self.columns[column].format(
            pk=sql.Identifier(self.key).as_string(None), column=name.as_string(None)
        )
        return sql.SQL("CASE WHEN {c} IS NULL OR {c}::text = '' THEN {c} ELSE {e} END").format(
            c=name, e=sql.SQL(given)
        )


def anonymise(connection: Connection, say: Say) -> None:
    """Replace or delete everything personal, as declared in the registry.

    Interrupted at any point it goes on where it was. Raises CopyRefusedError for a schema that
    this code does not know, while another process does the same, and when something is left.
    """
    if not _one(connection, "SELECT pg_catalog.pg_try_advisory_lock(%s)", [LOCK]):
        raise CopyRefusedError("another process is at work on this copy")
    tables = list(_tables(connection))
    connection.execute(MAKE_PROGRESS)
    for table in tables:
        count = sum(_batches(connection, table))
        say(f"{table.name}: {count:,} rows {'deleted' if table.is_left_out else 'replaced'}")
    if left := [table.name for table in tables if _has_people(connection, table)]:
        raise CopyRefusedError(f"people are left in {', '.join(left)}; was a row added meanwhile?")
    for table in tables:
        # Rewritten, so that neither old rows nor the planner's samples stay in the files.
        connection.execute(sql.SQL("VACUUM (FULL, ANALYZE) {}").format(table.identifier))
    # The brakes of the copy would not let the table go.
    connection.execute(FORGET_PROGRESS)


def _tables(connection: Connection) -> Iterator[Table]:
    """Yield what is to do, after holding the whole schema against the models.

    A table or column that the code does not know may hold anything, so it is refused; what an
    older release did not have yet is simply not there.
    """
    found = {(row[0], row[1]): row[2] for row in _rows(connection, COLUMNS)}
    wanted = {
        (model._meta.db_table, field.column)  # noqa: SLF001 - Django's public name for it
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed  # noqa: SLF001
        for field in model._meta.concrete_fields  # noqa: SLF001
    }
    present = {place for place in found if place[0] not in OWN_TABLES}
    if other := sorted(f"{table}.{column}" for table, column in present - wanted):
        shown = ", ".join(other[:5])
        raise CopyRefusedError(f"the copy is of another release ({shown}); use that release's code")
    for holding in registry.holdings():
        table = _table(holding, found)
        if table is not None and (table.columns or table.is_left_out):
            yield table


def _table(holding: Holding, types: dict[tuple[str, str], str]) -> Table | None:
    options = apps.get_model(holding.model)._meta  # noqa: SLF001
    name, key = options.db_table, options.pk.column
    if (name, key) not in types:
        return None
    columns = {options.get_field(field).column: text for field, text in holding.personal.items()}
    return Table(
        name=name,
        key=key,
        key_type=types[name, key],
        columns={column: text for column, text in columns.items() if (name, column) in types},
        is_left_out=holding.is_left_out_of_copies,
    )


def _batches(connection: Connection, table: Table) -> Iterator[int]:
    """Work through a table by its key and yield how many rows each transaction has done."""
    while True:
        with connection.transaction(), _without_triggers(connection, table):
            keys = _next_keys(connection, table)
            if not keys:
                return
            connection.execute(_statement(table, keys))
            connection.execute(NOTE_PROGRESS, [table.name, str(keys[-1])])
        yield len(keys)


def _next_keys(connection: Connection, table: Table) -> list[Any]:
    last = _one(connection, READ_PROGRESS, [table.name])
    after: sql.Composable = sql.SQL("")
    if last is not None and not table.is_left_out:
        after = sql.SQL("WHERE {key} > {last}::{type}").format(
            key=sql.Identifier(table.key), last=sql.Literal(last), type=sql.SQL(table.key_type)
        )
    query = sql.SQL("SELECT {key} FROM {table} {after} ORDER BY {key} LIMIT {batch}").format(
        key=sql.Identifier(table.key), table=table.identifier, after=after, batch=sql.Literal(BATCH)
    )
    return [row[0] for row in _rows(connection, query)]


def _statement(table: Table, keys: list[Any]) -> sql.Composed:
    where = sql.SQL("WHERE {} = ANY ({}::{}[])").format(
        sql.Identifier(table.key), sql.Literal(keys), sql.SQL(table.key_type)
    )
    if table.is_left_out:
        return sql.SQL("DELETE FROM {} {}").format(table.identifier, where)
    changes = sql.SQL(", ").join(
        sql.SQL("{} = {}").format(sql.Identifier(column), table.expression(column))
        for column in table.columns
    )
    return sql.SQL("UPDATE {} SET {} {}").format(table.identifier, changes, where)


def _has_people(connection: Connection, table: Table) -> bool:
    differences: Iterable[sql.Composable] = (
        sql.SQL("{} IS DISTINCT FROM {}").format(sql.Identifier(column), table.expression(column))
        for column in table.columns
    )
    condition = sql.SQL("true") if table.is_left_out else sql.SQL(" OR ").join(differences)
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {})").format(table.identifier, condition)
    return bool(_one(connection, query))


@contextmanager
def _without_triggers(connection: Connection, table: Table) -> Iterator[None]:
    """Switch the table's own triggers off for one transaction; no failure leaves them off."""
    names = [row[0] for row in _rows(connection, TRIGGERS, [f"public.{table.name}"])]
    for name in names:
        _switch(connection, table, name, "DISABLE")
    yield
    for name in names:
        _switch(connection, table, name, "ENABLE")


def _switch(connection: Connection, table: Table, trigger: str, way: str) -> None:
    statement = sql.SQL("ALTER TABLE {} {} TRIGGER {}")
    connection.execute(statement.format(table.identifier, sql.SQL(way), sql.Identifier(trigger)))


def _rows(connection: Connection, query: Any, values: Any = None) -> list[tuple[Any, ...]]:
    return connection.execute(query, values).fetchall()


def _one(connection: Connection, query: Any, values: Any = None) -> Any:
    row = connection.execute(query, values).fetchone()
    return None if row is None else row[0]
