"""What an operator does on production, done for real: nothing of it is hindered."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from instainstru.database import audit, stamp, tiers
from instainstru.database.roles import Role
from tests.database.production.conftest import (
    MANAGE,
    MARKER,
    ROOT,
    SKIP,
    Production,
    at_terminal,
    run,
)

pytestmark = [pytest.mark.S1, pytest.mark.slow, pytest.mark.xdist_group("production")]

READ = (
    "from accounts.models import User; from django.db import connection as c;"
    f"print('found', User.objects.filter(email='{MARKER}').count());"
    "print('as', c.cursor().execute('SELECT current_user').fetchone()[0])"
)
SERVE = (
    "from instainstru.wsgi import application; from django.test import Client;"
    "from django.db import connection as c; cursor = c.cursor();"
    "cursor.execute('SELECT current_user, current_setting($$transaction_read_only$$)');"
    "print('as', *cursor.fetchone());"
    "print(Client(headers={'host': 'example.com'}).get('/healthz', secure=True).status_code)"
)


@pytest.mark.parametrize(
    "step", ["install by hand", "migrate", "verify", "sync roles", "write grant"]
)
def test_setting_production_up_works_step_by_step(step: str, production: Production) -> None:
    """S1.16, S1.17: deploy, consented migrate, grant."""
    outcome = production.steps[step]
    assert outcome.code == 0, outcome.text


def test_the_deploy_step_gave_every_table_its_brakes(production: Production) -> None:
    assert "mended: brakes of table accounts_user" in production.steps["verify"].text
    assert "mended: armed brakes" in production.steps["verify"].text


@pytest.mark.parametrize("name", ["db_status", "db_verify"])
def test_the_reports_find_everything_in_place(name: str, production: Production) -> None:
    """S1.22, S1.25."""
    outcome = run([*MANAGE, name, "--json"], production.on_server(Role.MIGRATOR))
    assert outcome.code == (1 if "ACCEPTED" in outcome.text else 0), outcome.text
    report, _ = json.JSONDecoder().raw_decode(outcome.text[outcome.text.index("{") :])
    if name == "db_status":
        assert set(report["layers"].values()) == {"installed"}
        assert (report["tier_found"], report["role"]) == ("prod", "ii_app")
        assert report["audit_ok"]
    else:
        database = [probe for probe in report["probes"] if probe["role"] != "valkey"]
        assert {probe["result"] for probe in database} == {"refused"}
        assert report["differences"] == []


def test_web_serves_as_the_application_role(production: Production) -> None:
    """S1.13: both switches; may write."""
    outcome = run([sys.executable, "-c", SERVE], production.on_server())
    assert outcome.code == 0, outcome.text
    assert "as ii_app off" in outcome.text
    assert "200" in outcome.text.splitlines()


def test_a_worker_starts(production: Production) -> None:
    """S1.20."""
    words = [sys.executable, "-m", "celery", "-A", "instainstru", "worker", "--pool", "solo"]
    process = subprocess.Popen(
        [*words, "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
        cwd=ROOT,
        env={**production.on_server(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    deadline = time.monotonic() + 120
    for line in process.stdout:
        said.append(line)
        if " ready." in line or time.monotonic() > deadline:
            break
    process.terminate()
    process.communicate()
    assert " ready." in said[-1], "".join(said)


def test_a_person_reads_after_naming_the_database(production: Production) -> None:
    """S1.2: read-only PROD query."""
    outcome = at_terminal([*MANAGE, "shell", "-c", READ], production.by_hand(), production.name)
    assert outcome.code == 0, outcome.text
    assert "found 1" in outcome.text
    assert "as ii_readonly" in outcome.text


def test_dbshell_reads_and_shows_the_tier(production: Production) -> None:
    """S1.12."""
    words = [*MANAGE, "dbshell", "--", "-c", "SELECT current_user, count(*) FROM accounts_user"]
    outcome = at_terminal(words, production.by_hand(), production.name)
    assert outcome.code == 0, outcome.text
    assert "ii_readonly" in outcome.text


def test_maintenance_by_hand_runs_under_a_grant(production: Production) -> None:
    """S1.17."""
    words = [*MANAGE, "clearsessions", *SKIP]
    outcome = at_terminal(words, production.by_hand(), production.name, "tidy up")
    assert outcome.code == 0, outcome.text
    lines = audit.tail(20, production.audit)
    assert any(line["action"] == "grant" and "tidy up" in str(line["reason"]) for line in lines)


def test_maintenance_on_the_server_needs_nobody(production: Production) -> None:
    outcome = run([*MANAGE, "clearsessions", *SKIP], production.on_server())
    assert outcome.code == 0, outcome.text


def test_migrating_by_hand_runs_under_a_grant(production: Production) -> None:
    words = [*MANAGE, "migrate", "--verbosity", "0", *SKIP]
    outcome = at_terminal(words, production.by_hand(Role.MIGRATOR), production.name, "by hand")
    assert outcome.code == 0, outcome.text


def test_data_can_be_dumped(production: Production) -> None:
    """Section 4: read."""
    outcome = run([*MANAGE, "dumpdata", "accounts.user", *SKIP], production.on_server())
    assert outcome.code == 0, outcome.text[-500:]
    assert MARKER in outcome.text


# --- the same, refused --------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("words", "answers"),
    [
        ([*MANAGE, "clearsessions", *SKIP], ["NAME", ""]),
        ([*MANAGE, "clearsessions", *SKIP], ["wrong"]),
        ([*MANAGE, "shell", "--write", "-c", "print('went on')"], ["NAME", ""]),
        ([*MANAGE, "flush", "--noinput", *SKIP], ["NAME", "reason", "yes"]),
        ([*MANAGE, "flush", "--yes"], ["NAME", "reason", "DESTROY"]),
        ([*MANAGE, "migrate", "accounts", "zero", *SKIP], ["NAME", "reason", "NAME"]),
        ([*MANAGE, "seed"], []),
        ([*MANAGE, "reset_schema"], []),
        ([*MANAGE, "reset"], []),
        ([*MANAGE, "test"], []),
        ([*MANAGE, "up"], []),
        ([*MANAGE, "runserver"], []),
    ],
)
def test_a_wrong_answer_or_a_forbidden_command_changes_nothing(
    words: list[str], answers: list[str], production: Production
) -> None:
    before = production.fingerprint()
    given = [answer.replace("NAME", production.name) for answer in answers]
    outcome = at_terminal(words, production.by_hand(Role.MIGRATOR), *given)
    assert outcome.code == 3, outcome.text
    assert "Refused: " in outcome.text
    assert "went on" not in outcome.text
    assert production.fingerprint() == before


def test_a_destruction_still_meets_the_brakes(production: Production) -> None:
    """Section 4: layers 3 and 4 still apply; S1.18: rows shown, second phrase."""
    before = production.fingerprint()
    phrase = f"DESTROY {production.name}"
    outcome = at_terminal(
        [*MANAGE, "flush", *SKIP],
        production.on_server(Role.MIGRATOR),
        production.name,
        "test",
        phrase,
    )
    assert "accounts_user: 601 rows" in outcome.text
    assert outcome.code != 0
    assert "couldn't be flushed" in outcome.text
    assert production.fingerprint() == before


@pytest.fixture
def doomed(production: Production) -> Iterator[Production]:
    """Another production database with the same rows, to be destroyed."""
    made = replace(production, name="shop_doomed")
    with production.admin("postgres") as connection:
        connection.execute(f"CREATE DATABASE {made.name} TEMPLATE {production.name}")
        connection.execute(f"GRANT CONNECT ON DATABASE {made.name} TO ii_app, ii_migrator")
    with made.admin() as connection:
        stamp._write(connection, stamp.read_evidence(connection), tiers.Tier.PROD)
    yield made
    with production.admin("postgres") as connection:
        connection.execute(f"DROP DATABASE {made.name} WITH (FORCE)")


def test_a_destruction_that_a_person_means_is_possible(doomed: Production) -> None:
    """S1.14, S1.17, S1.18: unlocked with the admin's address, granted, shown, phrased, done."""
    words = [*MANAGE, "db_protect", "--unlock", "flush", "--reason", "the shop closes"]
    answers = (doomed.name, "the shop closes", doomed.name)
    unlocked = at_terminal(words, doomed.by_hand(Role.MIGRATOR, Role.ADMIN), *answers)
    assert unlocked.code == 0, unlocked.text
    answers = (doomed.name, "the shop closes", f"DESTROY {doomed.name}")
    outcome = at_terminal([*MANAGE, "flush", *SKIP], doomed.on_server(Role.MIGRATOR), *answers)
    assert outcome.code == 0, outcome.text
    with doomed.admin() as connection:
        assert connection.execute("SELECT count(*) FROM accounts_user").fetchone() == (0,)
        used = connection.execute("SELECT consumed_at FROM instainstru_guard.unlock").fetchone()
        assert used is not None
        assert used[0] is not None


REFUSED_STARTS: dict[str, Callable[[Production], dict[str, str]]] = {
    "continuous integration": lambda made: made.on_server(CI="true"),
    "one switch without a terminal": lambda made: made.by_hand(),
    "only the mode": lambda made: made.environ(INSTAINSTRU_PRODUCTION_MODE="true"),
    "contradiction": lambda made: made.on_server(USE_STG_DATABASE="true"),
    "no word for yes": lambda made: made.environ(USE_PROD_DATABASE="yes"),
    "an admin's address on a server": lambda made: made.on_server(Role.ADMIN),
}


@pytest.mark.parametrize("case", REFUSED_STARTS)
def test_a_server_that_is_set_up_wrongly_does_not_start(case: str, production: Production) -> None:
    """S1.1, S1.3, S1.13."""
    outcome = run([sys.executable, "-c", SERVE], REFUSED_STARTS[case](production))
    assert outcome.code == 3, outcome.text
    assert outcome.text.count("Refused: ") == 1


def test_yes_in_a_pipe_is_no_grant(production: Production) -> None:
    """S1.2."""
    answers = f"{production.name}\nreason\n" * 3
    for words in (
        [*MANAGE, "shell", "--write"],
        [*MANAGE, "clearsessions", *SKIP],
        [*MANAGE, "shell"],
    ):
        outcome = run(words, production.by_hand(), said=answers)
        assert outcome.code == 3, outcome.text
