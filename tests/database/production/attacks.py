"""Attempts to reach or change production's rows, run three times each in a process of its own.

`python -m tests.database.production.attacks GROUP` forks once per attack and prints one JSON line
each: what every attempt came to. Whoever started it looks for changed or leaked rows.
"""

import contextlib
import importlib
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from typing import Any

ATTEMPTS = 3
READ = "SELECT email FROM accounts_user"
# Few enough rows that no brake of the server hides what another layer lets through.
WRITE = "UPDATE accounts_user SET first_name = 'pwned' WHERE length(email) < 20"
Attack = Callable[[], Any]
GROUPS: dict[str, list[Attack]] = {}


def attack(*groups: str) -> Callable[[Attack], Attack]:
    """Register an attack for the groups, which are environments."""

    def register(function: Attack) -> Attack:
        for group in groups:
            GROUPS.setdefault(group, []).append(function)
        return function

    return register


def execute(statement: str, alias: str = "default") -> Any:
    from django.db import connections

    with connections[alias].cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def prod_location() -> dict[str, str]:
    """Return where production is, as an attacker who knows it would write it down."""
    host, name = os.environ["ATTACK_HOST"], os.environ["ATTACK_NAME"]
    return {"HOST": host, "PORT": "5432", "NAME": name, "USER": "ii_app"}


def users() -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model()._default_manager


def few() -> Any:
    return users().filter(email__in=[f"person{number}@example.com" for number in range(1, 9)])


def command(*words: str, **options: Any) -> str:
    from django.core.management import call_command

    out = io.StringIO()
    call_command(*words, stdout=out, **options)
    return out.getvalue()


def in_thread(function: Attack) -> Any:
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(function())
        except BaseException as error:  # noqa: BLE001 - whatever stops an attack is fine
            found.append(f"refused {error}")

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found


def child(*words: str, **environ: str) -> str:
    done = subprocess.run(
        words,
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return done.stdout + done.stderr


# --- a developer's process that is on INT, on a machine that knows production's addresses --------
@attack("int")
def environment_changed_at_run_time() -> Any:
    os.environ |= {"USE_PROD_DATABASE": "true", "INSTAINSTRU_PRODUCTION_MODE": "true"}
    return execute(READ)


@attack("int")
def production_url_from_the_environment() -> Any:
    return {name: value for name, value in os.environ.items() if "PROD_" in name and "URL" in name}


@attack("int", "copy", "wrong")
def default_edited_at_run_time() -> Any:
    from django.db import connections

    connections["default"].settings_dict.update(prod_location())
    return execute(READ)


@attack("int")
def only_the_name_edited() -> Any:
    from django.db import connections

    connections["default"].settings_dict["NAME"] = prod_location()["NAME"]
    return execute(READ)


@attack("int")
def only_the_options_edited() -> Any:
    from django.db import connections

    where = prod_location()
    connections["default"].settings_dict["OPTIONS"] |= {"dbname": where["NAME"]}
    return execute(READ)


@attack("int")
def service_option() -> Any:
    from django.db import connections

    connections["default"].settings_dict["OPTIONS"]["service"] = "prod"
    return execute(READ)


@attack("int")
def settings_databases_edited() -> Any:
    from django.conf import settings
    from django.db import connections

    settings.DATABASES["default"].update(prod_location())
    connections.close_all()
    del connections["default"]
    return execute(READ)


@attack("int")
def settings_overridden() -> Any:
    from django.conf import settings
    from django.test import override_settings

    databases = {"default": {**settings.DATABASES["default"], **prod_location()}}
    with override_settings(DATABASES=databases):
        from django.db import connections

        del connections["default"]
        return execute(READ)


@attack("int")
def settings_configured_again() -> Any:
    from django.conf import settings

    settings.configure(DATABASES={"default": prod_location()})
    return execute(READ)


@attack("int")
def settings_reloaded() -> Any:
    os.environ |= {"USE_PROD_DATABASE": "true", "INSTAINSTRU_PRODUCTION_MODE": "true"}
    import instainstru.settings

    importlib.reload(instainstru.settings)
    return execute(READ)


@attack("int")
def setup_again() -> Any:
    os.environ["USE_PROD_DATABASE"] = "true"
    import django

    django.setup()
    return execute(READ)


@attack("int")
def alias_added() -> Any:
    from django.db import connections

    connections.databases["prod"] = {**connections.databases["default"], **prod_location()}
    return execute(READ, "prod")


@attack("int")
def another_handler() -> Any:
    from django.db import connections
    from django.db.utils import ConnectionHandler

    values = {**connections.databases["default"], **prod_location()}
    with ConnectionHandler({"default": values})["default"].cursor() as cursor:
        cursor.execute(READ)
        return cursor.fetchall()


@attack("int")
def another_wrapper() -> Any:
    from django.db import connections

    from instainstru.database.backend.base import DatabaseWrapper

    values = {**connections["default"].settings_dict, **prod_location()}
    with DatabaseWrapper(values, alias="reports").cursor() as cursor:
        cursor.execute(READ)
        return cursor.fetchall()


@attack("int")
def pool_of_ones_own() -> Any:
    from django.db import connections
    from psycopg_pool import ConnectionPool

    where = prod_location()
    pool = ConnectionPool(
        f"host={where['HOST']} dbname={where['NAME']} user=ii_app", min_size=1, max_size=1
    )
    wrapper: Any = connections["default"]
    wrapper.settings_dict["OPTIONS"]["pool"] = {"max_size": 1}
    type(wrapper)._connection_pools["default"] = pool
    try:
        return execute(READ)
    finally:
        pool.close()


@attack("int")
def libpq_variables() -> Any:
    import psycopg

    names = ("PGHOST", "PGDATABASE", "PGUSER", "PGSERVICE", "PGHOSTADDR", "PGSERVICEFILE")
    left = [name for name in names if name in os.environ]
    if left:
        with psycopg.connect("") as connection:
            return connection.execute(READ).fetchall()
    return execute("SELECT current_database()")


@attack("int")
def libpq_variables_set_later() -> Any:
    where = prod_location()
    os.environ |= {"PGHOST": where["HOST"], "PGDATABASE": where["NAME"], "PGHOSTADDR": "127.0.0.1"}
    return execute(READ)


@attack("int")
def child_process() -> Any:
    code = (
        "import os, django; os.environ['USE_PROD_DATABASE'] = 'true';"
        "os.environ['INSTAINSTRU_PRODUCTION_MODE'] = 'true'; django.setup();"
        f"from django.db import connection as c; u = c.cursor(); u.execute('{READ}');"
        "print(u.fetchall())"
    )
    return child(sys.executable, "-c", code)


@attack("int", "wrong", "copy")
def thread() -> Any:
    os.environ["USE_PROD_DATABASE"] = "true"
    return in_thread(lambda: execute(READ))


@attack("int", "wrong", "copy")
def forked_process() -> Any:
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            os.write(writing, str(execute(READ)).encode())
        except BaseException as error:  # noqa: BLE001 - whatever stops an attack is fine
            os.write(writing, f"refused {error}".encode())
        os._exit(0)
    os.waitpid(pid, 0)
    return os.read(reading, 65536).decode()


@attack("int")
def database_option() -> Any:
    return command("dumpdata", "accounts.user", database="prod")


@attack("int")
def using_another_alias() -> Any:
    return list(users().using("prod").values_list("email"))


@attack("int")
def object_of_another_alias() -> Any:
    user = users().model(email="a@b.example", first_name="pwned")
    user._state.db = "prod"
    user.save()


@attack("int")
def dbshell_with_a_host() -> Any:
    where = prod_location()
    return command("dbshell", "--", "-h", where["HOST"], "-d", where["NAME"], "-c", READ)


@attack("int")
def dbshell_that_reconnects() -> Any:
    where = prod_location()
    return command("dbshell", "--", "-c", rf"\c {where['NAME']} ii_app {where['HOST']}")


@attack("int")
def old_constant() -> Any:
    from instainstru import settings

    return settings.PROD_DATABASE_URL  # type: ignore[attr-defined]


@attack("int")
def decision_forgotten() -> Any:
    from django.db import connections

    from instainstru.database import tiers

    os.environ |= {"USE_PROD_DATABASE": "true", "INSTAINSTRU_PRODUCTION_MODE": "true"}
    tiers._frozen = None
    connections.close_all()
    return execute(READ)


@attack("int")
def decision_edited() -> Any:
    from instainstru.database import tiers

    tiers.decision().tier = tiers.Tier.PROD  # type: ignore[misc]
    return execute(READ)


@attack("int")
def test_database_named_like_production() -> Any:
    from django.db import connections

    connections["default"].settings_dict["TEST"]["NAME"] = prod_location()["NAME"]
    return connections["default"].creation.create_test_db(verbosity=0)


@attack("int")
def production_destroyed_as_a_test_database() -> Any:
    from django.db import connections

    return connections["default"].creation._destroy_test_db(prod_location()["NAME"], 0)


@attack("int")
def production_as_a_template() -> Any:
    execute(f"CREATE DATABASE mine TEMPLATE {prod_location()['NAME']}")


@attack("int", "script")
def foreign_data() -> Any:
    execute("CREATE EXTENSION dblink")
    return execute(f"SELECT dblink_exec('dbname={prod_location()['NAME']}', $$ {WRITE} $$)")


# --- a process whose own URL leads to production, or to a copy of it -----------------------------
@attack("wrong", "copy")
def raw_cursor() -> Any:
    return execute(READ)


@attack("wrong", "copy")
def objects() -> Any:
    return list(users().values_list("email"))


@attack("wrong", "copy")
def objects_changed() -> Any:
    return few().update(first_name="pwned")


@attack("wrong", "copy")
def reports() -> Any:
    return execute(READ, "reports")


@attack("wrong", "copy")
def pooled() -> Any:
    from django.db import connections

    connections["default"].settings_dict["OPTIONS"]["pool"] = {"min_size": 1, "max_size": 2}
    connections["default"].settings_dict["CONN_MAX_AGE"] = 0
    return execute(READ)


@attack("wrong", "copy")
def dumped() -> Any:
    return command("dumpdata", "accounts.user")


@attack("wrong", "copy")
def migrated() -> Any:
    return command("migrate", "accounts", "zero", interactive=False)


@attack("wrong", "copy")
def flushed() -> Any:
    return command("flush", interactive=False)


@attack("wrong", "copy")
def shelled() -> Any:
    return command("shell", command=f"from tests.database.production.attacks import *; {WRITE!r}")


@attack("wrong", "copy")
def dbshelled() -> Any:
    return command("dbshell", "--", "-c", READ)


@attack("wrong", "copy")
def tested() -> Any:
    from django.db import connections

    return connections["default"].creation.create_test_db(verbosity=0)


@attack("wrong", "copy")
def session_opened() -> Any:
    from django.contrib.sessions.backends.db import SessionStore

    store = SessionStore()
    store["a"] = 1
    store.create()


@attack("wrong")
def protected_as_something_weaker() -> Any:
    return command("db_protect")


@attack("wrong")
def stamp_function_called() -> Any:
    from instainstru.database import maintenance, stamp, tiers

    with maintenance.connect(tiers.decision()) as connection:
        stamp.stamp_database(connection, "int")


@attack("wrong")
def schema_recreated() -> Any:
    return command("reset_schema")


@attack("wrong")
def seeded() -> Any:
    return command("seed", instructors=1)


# --- a script on the production server: it may read, and nothing else ---------------------------
@attack("script")
def script_updates_objects() -> Any:
    return few().update(first_name="pwned")


@attack("script")
def script_deletes_objects() -> Any:
    return few().delete()


@attack("script")
def script_creates_objects() -> Any:
    return users().create_user("new@example.com", "x" * 20, first_name="pwned")


@attack("script")
def script_writes_by_cursor() -> Any:
    return execute(WRITE)


@attack("script")
def script_lifts_the_setting() -> Any:
    execute("SET default_transaction_read_only = off")
    return execute(WRITE)


@attack("script")
def script_lifts_it_in_a_transaction() -> Any:
    return execute(f"BEGIN; SET TRANSACTION READ WRITE; {WRITE}; COMMIT")


@attack("script")
def script_lifts_it_by_function() -> Any:
    execute("SELECT pg_catalog.set_config('transaction_read_only', 'off', false)")
    return execute(WRITE)


@attack("script")
def script_lifts_it_in_a_block() -> Any:
    return execute(f"DO $$ BEGIN SET TRANSACTION READ WRITE; {WRITE}; END $$")


@attack("script")
def script_uses_the_drivers_own_cursor() -> Any:
    import psycopg
    from django.db import connection

    connection.ensure_connection()
    cursor = psycopg.Cursor(connection.connection)
    cursor.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE")
    cursor.execute("SET default_transaction_read_only = off")
    return cursor.execute(WRITE).rowcount


@attack("script")
def script_uses_the_protocol_itself() -> Any:
    from django.db import connection

    connection.ensure_connection()
    result = connection.connection.pgconn.exec_(
        f"SET default_transaction_read_only = off; {WRITE}".encode()
    )
    return result.error_message


@attack("script")
def script_copies_in() -> Any:
    from django.db import connection

    statement = "COPY accounts_user (email, first_name) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write_row(("a@b.example", "pwned"))


@attack("script")
def script_writes_many() -> Any:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.executemany(f"{WRITE} AND id < %s", [(100_000,), (200_000,)])


@attack("script")
def script_writes_in_atomic() -> Any:
    from django.db import transaction

    with transaction.atomic():
        return execute(WRITE)


@attack("script")
def script_edits_the_options() -> Any:
    from django.db import connections

    connections["default"].settings_dict["OPTIONS"]["options"] = "-c transaction_read_only=off"
    return execute(WRITE)


@attack("script")
def script_writes_through_reports() -> Any:
    return few().using("reports").update(first_name="pwned")


@attack("script")
def script_sets_pgoptions() -> Any:
    os.environ["PGOPTIONS"] = "-c default_transaction_read_only=off"
    return execute(WRITE)


@attack("script")
def script_writes_in_a_thread() -> Any:
    return in_thread(lambda: execute(WRITE))


@attack("script")
def script_truncates() -> Any:
    return execute("TRUNCATE accounts_user CASCADE")


@attack("script")
def script_locks() -> Any:
    return execute("LOCK TABLE accounts_user IN ACCESS EXCLUSIVE MODE")


@attack("script")
def script_flushes() -> Any:
    return command("flush", interactive=False)


@attack("script")
def script_pastes_sqlflush() -> Any:
    from django.db import connection

    statements = command("sqlflush") or "TRUNCATE accounts_user CASCADE"
    with connection.cursor() as cursor:
        cursor.execute(statements)


@attack("script")
def script_migrates_to_zero() -> Any:
    return command("migrate", "accounts", "zero", interactive=False)


@attack("script")
def script_loads_fixtures() -> Any:
    return command("loaddata", "people.json")


@attack("script")
def script_seeds() -> Any:
    return command("seed", instructors=1)


@attack("script")
def script_resets() -> Any:
    return (in_thread(lambda: command("reset")), in_thread(lambda: command("reset_schema")))


@attack("script")
def script_runs_tests() -> Any:
    return command("test")


@attack("script")
def script_writes_in_the_shell_command() -> Any:
    code = f"from django.db import connection as c; c.cursor().execute({WRITE!r})"
    return command("shell", command=code)


@attack("script")
def script_pipes_into_dbshell() -> Any:
    words = [sys.executable, "manage.py", "dbshell", "--", "-c", WRITE]
    return child(*words, PGOPTIONS="-c default_transaction_read_only=off")


@attack("script")
def script_lifts_it_in_dbshell() -> Any:
    lifted = f"SET default_transaction_read_only = off; {WRITE}"
    return command("dbshell", "--", "-c", lifted)


@attack("script")
def script_drops_the_database() -> Any:
    return execute(f"DROP DATABASE {prod_location()['NAME']}")


@attack("script")
def script_changes_the_stamp() -> Any:
    return execute(f"ALTER DATABASE {prod_location()['NAME']} SET instainstru.tier = 'int'")


# --- engines, doors and commands that are not meant for it ---------------------------------------
PLAIN = "django.db.backends.postgresql"


@attack("int")
def raw_driver_with_the_configured_values() -> Any:
    """What is configured is INT, whatever else the machine knows."""
    import psycopg
    from django.conf import settings

    values = settings.DATABASES["default"]
    where = {"host": values["HOST"], "dbname": values["NAME"], "user": values["USER"]}
    with psycopg.connect("", **where) as connection:
        return connection.execute(READ).fetchall()


@attack("int", "wrong", "copy")
def plain_engine_in_a_handler() -> Any:
    from django.db.utils import ConnectionHandler

    handler = ConnectionHandler({"default": {"ENGINE": PLAIN, **prod_location()}})
    with handler["default"].cursor() as cursor:
        cursor.execute(READ)
        return cursor.fetchall()


@attack("int", "script")
def plain_engine_as_a_new_alias() -> Any:
    from django.db import connections

    connections.databases["old"] = {"ENGINE": PLAIN, **prod_location()}
    return execute(WRITE, "old"), execute(READ, "old")


@attack("int", "wrong")
def plain_wrapper() -> Any:
    from django.db import connections
    from django.db.backends.postgresql.base import DatabaseWrapper

    values = {**connections["default"].settings_dict, **prod_location(), "OPTIONS": {}}
    with DatabaseWrapper(values, alias="default").cursor() as cursor:
        cursor.execute(READ)
        return cursor.fetchall()


@attack("int")
def child_with_both_switches() -> Any:
    code = (
        "import django; django.setup(); from django.db import connection as c;"
        f"u = c.cursor(); u.execute({READ!r}); print(u.fetchall())"
    )
    switches = {"USE_PROD_DATABASE": "true", "INSTAINSTRU_PRODUCTION_MODE": "true"}
    return child(sys.executable, "-c", code, **switches)


@attack("int", "wrong", "script")
def maintenance_door_of_the_engine() -> Any:
    from django.db import connections

    connections["default"].settings_dict["NAME"] = prod_location()["NAME"]
    wrapper: Any = connections["default"]
    with wrapper._nodb_cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {prod_location()['NAME']} RENAME TO gone")


@attack("wrong", "copy")
def asynchronous_objects() -> Any:
    import asyncio

    return asyncio.run(users().afirst())


@attack("wrong", "copy")
def streamed_objects() -> Any:
    return [user.email for user in users().iterator()]


@attack("wrong", "script")
def migrations_without_the_command() -> Any:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    return MigrationExecutor(connection).migrate([("accounts", None)])


@attack("wrong", "script", "fallback")
def schema_editor() -> Any:
    from django.db import connection

    with connection.schema_editor() as editor:
        editor.delete_model(users().model)


@attack("wrong", "script", "fallback")
def command_without_its_wrapper() -> Any:
    from django.core.management.commands.flush import Command

    return Command().handle(
        database="default", verbosity=0, interactive=False, reset_sequences=True,
        allow_cascade=True, inhibit_post_migrate=True,
    )  # fmt: skip


@attack("wrong", "script")
def test_runner_without_its_command() -> Any:
    from django.test.runner import DiscoverRunner

    runner = DiscoverRunner(interactive=False, keepdb=True)
    return runner.teardown_databases(runner.setup_databases())


@attack("wrong", "script", "fallback")
def objects_out_of_a_file() -> Any:
    from django.core import serializers

    text = json.dumps([{"model": "accounts.user", "pk": 1, "fields": {"first_name": "pwned"}}])
    for item in serializers.deserialize("json", text):
        item.save()


@attack("script", "fallback")
def statements_of_a_flush() -> Any:
    from django.db import connection

    return connection.ops.execute_sql_flush(["TRUNCATE accounts_user CASCADE"])


@attack("script", "fallback")
def thread_that_outlives_a_command() -> Any:
    """A connection opened while a command may write must not write after its end."""
    may_connect, may_write = threading.Event(), threading.Event()

    def work() -> Any:
        may_connect.wait(60)
        execute("SELECT 1")
        may_write.set()
        has_ended.wait(60)
        return execute(WRITE)

    class Door(io.StringIO):
        def write(self, text: str) -> int:
            may_connect.set()
            may_write.wait(60)
            return super().write(text)

    from django.core.management import call_command

    has_ended = threading.Event()
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(run(work)))
    thread.start()
    call_command("sync_roles", stdout=Door())
    has_ended.set()
    thread.join()
    return found


# --- the read-only session itself, also where there is no reading role to fall back on -----------
@attack("script", "fallback")
def nested_comment() -> Any:
    return execute(f"COMMIT; BEGIN READ /* /* */ x */ WRITE; {WRITE}; COMMIT")


@attack("script", "fallback")
def string_that_looks_like_a_comment() -> Any:
    execute("SELECT '--'; SET default_transaction_read_only = off")
    return execute(WRITE)


@attack("script", "fallback")
def string_that_opens_a_comment() -> Any:
    lifted = "SET SESSION CHARACTERISTICS AS TRANSACTION READ /* x */ WRITE"
    execute(f"SELECT '/*'; {lifted}; SELECT '*/'")
    return execute(WRITE)


@attack("script", "fallback")
def quoted_function() -> Any:
    execute("""SELECT pg_catalog."set_config"('default_transaction_read_only', 'off', false)""")
    return execute(WRITE)


@attack("script", "fallback")
def settings_as_a_table() -> Any:
    execute("UPDATE pg_settings SET setting = 'off' WHERE name = 'default_transaction_read_only'")
    return execute(WRITE)


@attack("script", "fallback")
def text_run_by_a_function() -> Any:
    lifted = "set_config(''default_transaction_read_only'', ''off'', false)"
    halves = f"select to_tsvector({lifted})".replace("set_config", "set_' || 'config")
    execute(f"SELECT * FROM ts_stat('{halves}')")
    return execute(WRITE)


@attack("script", "fallback")
def cursor_on_the_server() -> Any:
    from django.db import connection

    with connection.chunked_cursor() as cursor:
        cursor.execute("SELECT set_config('default_transaction_read_only', 'off', false)")
        cursor.fetchall()
    return execute(WRITE)


@attack("script", "fallback")
def prepared_statement() -> Any:
    execute("PREPARE lift AS SELECT set_config('default_transaction_read_only', 'off', false)")
    execute("EXECUTE lift")
    return execute(WRITE)


@attack("fallback")
def dbshell_without_a_reading_role() -> Any:
    words = [sys.executable, "manage.py", "dbshell", "--"]
    return child(*words, "-c", "SET default_transaction_read_only = off", "-c", WRITE)


def run(function: Attack) -> list[str]:
    """Attempt an attack as often as it takes to get past a check that looks only once."""
    outcomes = []
    for _ in range(ATTEMPTS):
        try:
            outcomes.append(f"ran: {function()!r}"[:2000])
        except BaseException as error:  # noqa: BLE001 - whatever stops an attack is fine
            outcomes.append(f"{type(error).__name__}: {error}"[:2000])
    return outcomes


def main() -> None:
    """Fork once per attack of a group and print what came of it."""
    import django

    with contextlib.suppress(SystemExit):
        django.setup()
    for function in GROUPS[sys.argv[1]]:
        reading, writing = os.pipe()
        if (pid := os.fork()) == 0:
            os.close(reading)
            with tempfile.TemporaryFile() as said, os.fdopen(writing, "w") as pipe:
                os.dup2(os.open(os.devnull, os.O_RDWR), 0)
                os.dup2(said.fileno(), 1)
                os.dup2(said.fileno(), 2)
                outcomes = run(function)
                said.seek(0)
                json.dump([*outcomes, said.read().decode(errors="replace")], pipe)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            outcomes = json.load(pipe)
        os.waitpid(pid, 0)
        sys.stdout.write(json.dumps({"attack": function.__name__, "outcomes": outcomes}) + "\n")
        sys.stdout.flush()
        # The caller compares the rows before the next attack begins.
        if sys.stdin.readline() != "next\n":
            return


if __name__ == "__main__":
    main()
