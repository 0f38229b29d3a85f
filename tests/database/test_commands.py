import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from instainstru.database import audit, classes, commands, tiers
from instainstru.database.refusals import TierRefusedError
from tests.database.conftest import Decide, MakeDatabase

pytestmark = pytest.mark.S1

ROOT = Path(__file__).resolve().parents[2]
UrlOf = Callable[[str], str]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(audit_log: Path, make_database: MakeDatabase, url_of: UrlOf) -> Run:
    """Runs a command line in a process of its own on a private STG or INT database."""

    def run(*words: str, tier: str = "int", stamped: str | None = None, **more: str) -> object:
        name = make_database(stamped or tier)
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        environ |= {
            "DATABASE_AUDIT_LOG": str(audit_log),
            "DJANGO_SETTINGS_MODULE": "instainstru.settings",
            f"{tier.upper()}_DATABASE_URL": url_of(name),
            f"{tier.upper()}_VALKEY_URL": "redis://nowhere.invalid/0",
            "PYTHONPATH": str(ROOT),
            "SECRET_KEY": "x" * 60,
            **more,
        }
        return subprocess.run(
            words,
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


CALL = """
import sys, django
django.setup()
from django.core.management import call_command
call_command(sys.argv[1])
"""
DOORS = [
    pytest.param([sys.executable, "manage.py"], id="manage.py"),
    pytest.param([sys.executable, "-m", "django"], id="python -m django"),
    pytest.param([str(Path(sys.executable).with_name("django-admin"))], id="django-admin"),
    pytest.param(
        [
            sys.executable,
            "-c",
            CALL,
        ],
        id="call_command",
    ),
]


@pytest.mark.parametrize("door", DOORS)
def test_every_door_meets_the_same_refusal(door: list[str], run: Run, audit_log: Path) -> None:
    """S1.24: exit 3, one line, audited."""
    done = run(*door, "flush", tier="stg", **{tiers.S: "true"})
    assert done.returncode == 3, done.stderr
    refusals = [line for line in done.stderr.splitlines() if line.startswith("Refused: ")]
    assert refusals == [f"Refused: flush destroys data and was not confirmed; {tiers.S} is set"]
    assert audit.tail(1, audit_log)[0]["result"] == "denied"


def test_the_badge_shows_and_start_and_end_are_audited(run: Run, audit_log: Path) -> None:
    """S1.7, S1.24."""
    done = run(sys.executable, "manage.py", "sqlmigrate", "contenttypes", "0001")
    assert done.returncode == 0, done.stderr
    assert "[INT]" in done.stderr
    lines = [line for line in audit.tail(9, audit_log) if line["action"] == "command sqlmigrate"]
    assert [str(line["reason"]).split()[0] for line in lines] == ["start", "end"]
    assert "exit=0" in str(lines[1]["reason"])
    assert audit.verify(audit_log).is_ok


def test_yes_on_the_command_line_is_a_stg_approval(run: Run) -> None:
    done = run(sys.executable, "manage.py", "loaddata", "--yes", tier="stg", **{tiers.S: "true"})
    assert done.returncode == 2, done.stderr
    assert "fixture" in done.stderr
    assert "Refused" not in done.stderr


def test_a_refused_connection_ends_a_plain_script_with_code_3(run: Run) -> None:
    """Section 1: also where no command wrapper stands around it."""
    code = (
        "import django; django.setup(); from django.db import connection;"
        "connection.ensure_connection(); print('went on')"
    )
    done = run(sys.executable, "-c", code, stamped="stg")
    assert (done.returncode, done.stdout) == (3, "")
    assert len(done.stderr.splitlines()) == 1


def test_help_groups_commands_by_class_under_the_badge() -> None:
    """S1.24."""
    text = commands.Utility(["manage.py", "help"]).main_help_text()
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert "[INT]" in headings[0]
    assert headings[1:] == [kind.value for kind in classes.CommandClass]


def test_a_called_command_passes_the_classifier(decide: Decide) -> None:
    """S1.24: `call_command` inside a process."""
    decide({tiers.P: "1", tiers.U: "1", "PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/x"})
    with pytest.raises(TierRefusedError, match="PROD_MIGRATOR_DATABASE_URL"):
        call_command("flush", interactive=False)


def test_a_reading_command_cannot_call_a_writing_one_on_prod(decide: Decide) -> None:
    decide({tiers.P: "1", tiers.U: "1", "PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/x"})
    with (
        classes.running("shell", classes.CommandClass.SHELL),
        pytest.raises(TierRefusedError, match="cannot run inside shell"),
    ):
        call_command("clearsessions")


def test_a_failing_command_is_audited_with_its_exit_code(audit_log: Path) -> None:
    class Command(BaseCommand):
        requires_system_checks = ()

        def handle(self, *_args: object, **_options: object) -> None:
            raise CommandError("no", returncode=7)

    with pytest.raises(CommandError):
        call_command(Command())
    assert "exit=7" in str(audit.tail(1, audit_log)[0]["reason"])


def test_a_server_process_needs_both_switches_on_prod(decide: Decide, audit_log: Path) -> None:
    """Section 4: server."""
    url = {"PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/x"}
    decide({tiers.U: "1", **url})
    with pytest.raises(TierRefusedError, match="wsgi"):
        commands.declare_server("wsgi")
    decide({tiers.P: "1", tiers.U: "1", **url})
    commands.declare_server("wsgi")
    assert audit.tail(1, audit_log)[0]["action"] == "command wsgi"


def test_status_and_protect_look_past_the_gate(run: Run) -> None:
    """S1.16: the only commands that may connect to a bare or mismatched database."""
    done = run(sys.executable, "manage.py", "db_status", "--json", stamped="stg")
    assert done.returncode == 3
    assert '"tier_found": "stg"' in done.stdout
    done = run(sys.executable, "manage.py", "db_protect", stamped="stg")
    assert done.returncode == 3
    assert "is stamped stg, not int" in done.stderr


@pytest.mark.parametrize("command", ["db_status", "sync_roles", "db_protect"])
def test_a_database_that_is_away_is_one_message(run: Run, command: str) -> None:
    nowhere = "postgresql://a@127.0.0.1:1/shop"
    done = run(sys.executable, "manage.py", command, INT_DATABASE_URL=nowhere)
    assert done.returncode == 1
    assert "The database does not answer: connection failed" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_the_codes_tables_is_one_message(run: Run) -> None:
    done = run(sys.executable, "manage.py", "sync_roles")
    assert done.returncode == 1
    assert done.stderr.endswith("is older than the code; run manage.py migrate first.\n")
    assert "Traceback" not in done.stderr


def test_the_audit_can_be_read_and_checked(audit_log: Path) -> None:
    """S1.22."""
    audit.record("test", "allowed", reason="first")
    out = io.StringIO()
    call_command("db_audit", "tail", stdout=out)
    assert "first" in out.getvalue()
    audit_log.write_text(audit_log.read_text().replace("first", "other"))
    with pytest.raises(SystemExit) as broken:
        call_command("db_audit", "verify", stdout=out)
    assert broken.value.code == 1
