"""What a database holds, in numbers that a copy must share: rows and checksums by table."""

from typing import Any, Final

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]

# A row's text must not depend on who looks.
SESSION: Final = (
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0;"
    " SET LOCAL datestyle = 'ISO, MDY'; SET LOCAL intervalstyle = 'postgres';"
    " SET LOCAL timezone = 'UTC'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'"
)
TABLES: Final = """
SELECT relname FROM pg_catalog.pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' ORDER BY relname
"""
ROWS: Final = """
SELECT count(*)::text, coalesce(sum(pg_catalog.hashtextextended(t::text, 0)::numeric), 0)::text
  FROM public.{} AS t
"""
MIGRATIONS: Final = "SELECT app || '.' || name FROM public.django_migrations ORDER BY 1"
HAS_MIGRATIONS: Final = "SELECT pg_catalog.to_regclass('public.django_migrations') IS NOT NULL"


def table_sums(connection: Connection) -> dict[str, list[str]]:
    """Return number and checksum of the rows of every table; needs an open transaction."""
    connection.execute(SESSION)
    names = [str(row[0]) for row in connection.execute(TABLES).fetchall()]
    sums = {}
    for name in names:
        query = sql.SQL(ROWS).format(sql.Identifier(name))
        sums[name] = [str(value) for value in connection.execute(query).fetchone() or ()]
    return sums


def applied_migrations(connection: Connection) -> list[str]:
    """Return the migrations that a database has seen, such as `catalog.0001_catalogue`."""
    found = connection.execute(HAS_MIGRATIONS).fetchone()
    if found is None or not found[0]:
        return []
    return [str(row[0]) for row in connection.execute(MIGRATIONS).fetchall()]
