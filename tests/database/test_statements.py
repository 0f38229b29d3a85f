"""What could end a read-only session, and what only looks like it. Spec: S1.17."""

import pytest

from instainstru.database.statements import could_lift

pytestmark = pytest.mark.S1

LIFTING = [
    "SET default_transaction_read_only = off",
    "SELECT 1; SET transaction_read_only = off",
    "BEGIN; SET TRANSACTION READ WRITE",
    "START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ\nWRITE",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "SELECT pg_catalog.\"set_config\"('transaction_read_only', 'off', false)",
    "RESET default_transaction_read_only",
    "RESET ALL",
    "DISCARD ALL",
    "DO $$ BEGIN PERFORM 1; END $$",
    "ALTER ROLE ii_app SET default_transaction_read_only = off",
    "SET ROLE ii_migrator",
    "UPDATE pg_settings SET setting = 'off' WHERE name = 'default_transaction_read_only'",
    "UPDATE ONLY pg_catalog.pg_settings SET setting = 'off'",
    # comments nest, and hide words
    "BEGIN READ /* /* */ x */ WRITE",
    "BEGIN READ --x\n WRITE",
    "SELECT 1; /* a */ SET transaction_read_only = off",
    # strings are no comments, and comments no strings
    "SELECT '--'; SET transaction_read_only = off",
    "SELECT '/*'; SET transaction_read_only = off; SELECT '*/'",
    "SELECT $$--$$; SET transaction_read_only = off",
    "SELECT $a$/*$a$; SET transaction_read_only = off; SELECT $a$*/$a$",
    "SELECT E'\\'--'; SET transaction_read_only = off",
    "SELECT \"--\" FROM t; SET transaction_read_only = off",
    "SELECT 1 -- '\n; SET transaction_read_only = off -- '",
    # other ways to run text
    "SELECT query_to_xml('select set_' || 'config(1)', true, true, '')",
    "SELECT * FROM ts_stat('select 1')",
    "SELECT U&\"set\\005fconfig\"('a', 'b', false)",
    "SELECT dblink_exec('dbname=x', 'DELETE')",
    # what cannot be read to its end
    "SELECT 'open",
    "SELECT /* open",
    'SELECT "open',
]  # fmt: skip
HARMLESS = [
    "SELECT 1",
    "SELECT email FROM accounts_user WHERE name = 'set me; SET x = 1'",
    "SELECT 'it''s -- fine', \"odd name\" FROM t -- SET x\n",
    "SELECT $q$ SET x; DO $q$, E'\\\\' FROM t /* RESET ALL */",
    "SET statement_timeout = 1000",
    "SET LOCAL statement_timeout = 1000",
    "SET CONSTRAINTS ALL IMMEDIATE",
    "SET TIME ZONE 'UTC'",
    "SELECT offset_at, do_it, set_up FROM t WHERE a$b = 1",
    "SELECT name, setting FROM pg_settings",
    "UPDATE accounts_user SET email = 'x'",
    "SELECT a FROM t WHERE b = '%s' AND c LIKE '%%x'",
    "DECLARE c CURSOR FOR SELECT 1",
    "EXPLAIN (ANALYZE, SETTINGS) SELECT 1",
    "",
]


@pytest.mark.parametrize("text", LIFTING)
def test_what_could_lift_the_session_is_found(text: str) -> None:
    assert could_lift(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_passes(text: str) -> None:
    """An UPDATE is not lifting: the session itself refuses it."""
    assert not could_lift(text)


def test_a_long_statement_is_read_in_linear_time() -> None:
    for text in ("/*" * 50_000, "'" * 100_001, "$a" * 50_000, "set " * 30_000):
        could_lift(text)
