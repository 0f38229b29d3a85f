"""Attempts to get round the guard, against a real production database. Spec: 01 section 7."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from instainstru.database import installation, stamp, tiers
from tests.database.production import attacks
from tests.database.production.conftest import MANAGE, MARKER, ROOT, Production, run

pytestmark = [pytest.mark.S1, pytest.mark.slow, pytest.mark.xdist_group("production")]

FEWEST = 120
CASES = [(group, item.__name__) for group, items in attacks.GROUPS.items() for item in items]
RECORDED = Path(attacks.__file__).with_suffix("")


def test_there_are_enough_attacks() -> None:
    assert len(CASES) >= FEWEST


def without_reader(environ: dict[str, str]) -> dict[str, str]:
    return {name: url for name, url in environ.items() if name != "PROD_READONLY_DATABASE_URL"}


@pytest.fixture(scope="session")
def environments(production: Production) -> Iterator[dict[str, dict[str, str]]]:
    """The environment of each group of attacks."""
    with production.admin("postgres") as connection:
        connection.execute("CREATE DATABASE shop_int")
        connection.execute(
            "UPDATE pg_database SET datistemplate = false WHERE datname = %s", [production.name]
        )
        connection.execute(f"CREATE DATABASE shop_copy TEMPLATE {production.name}")
        connection.execute(
            "UPDATE pg_database SET datistemplate = true WHERE datname = %s", [production.name]
        )
        connection.execute("GRANT CONNECT ON DATABASE shop_copy TO ii_app, ii_readonly")
    with production.admin("shop_int") as connection:
        # Stamped as on a server of its own, where no prod stamp is near.
        evidence = stamp.read_evidence(connection)
        stamp._write(connection, evidence, tiers.Tier.INT)
        installation.install_rights(connection)
    known = production.environ(
        DATABASE_URL=production.url("ii_app"),
        USE_TEST_DATABASE="true",
        PGHOST=production.server.database_host,
        PGDATABASE=production.name,
        PGUSER="ii_app",
        PGOPTIONS="-c default_transaction_read_only=off",
        INT_VALKEY_URL=production.valkey,
    )

    def on_int(name: str) -> dict[str, str]:
        return {**known, "INT_DATABASE_URL": production.url("ii_app", name)}

    wrong = on_int(production.name)
    # Two tiers that name one database are refused before anything else.
    for name in [name for name in wrong if name.startswith("PROD_")]:
        del wrong[name]
    yield {
        "int": on_int("shop_int"),
        "wrong": wrong,
        "copy": on_int("shop_copy"),
        "script": production.on_server(),
        "fallback": without_reader(production.on_server()),
    }
    with production.admin("postgres") as connection:
        for name in ("shop_int", "shop_copy"):
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def mended(production: Production) -> list[Any]:
    """Undo what an attack did, so that the next one is seen too."""
    with production.admin() as connection:
        connection.execute("UPDATE accounts_user SET first_name = 'P' WHERE first_name = 'pwned'")
    return production.fingerprint()


@pytest.fixture(scope="session")
def results(
    production: Production, environments: dict[str, dict[str, str]]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Run every attack, one process each, and look at production after each."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    before = production.fingerprint()
    for group, environ in environments.items():
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.database.production.attacks", group],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            result = json.loads(line)
            result["is_unchanged"] = production.fingerprint() == before
            if not result["is_unchanged"]:
                before = mended(production)
            found[group, result["attack"]] = result
            process.stdin.write("next\n")
            process.stdin.flush()
        process.communicate()
    return found


@pytest.mark.parametrize(("group", "name"), CASES)
def test_attack_neither_changes_nor_reads_production(
    group: str, name: str, results: dict[tuple[str, str], dict[str, Any]]
) -> None:
    """Section 7: 0 of 60 and more, each tried three times in one process."""
    result = results[group, name]
    assert len(result["outcomes"]) == attacks.ATTEMPTS + 1
    assert result["is_unchanged"], result
    assert MARKER not in str(result["outcomes"]), result


# --- attempts that are about how a process starts ------------------------------------------------
READ = f"from accounts.models import User; print(User.objects.get(email='{MARKER}').email)"
OTHER_SETTINGS = """
from instainstru.settings import *
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "%s",
                         "HOST": "%s", "USER": "ii_app"}}
"""


@pytest.mark.parametrize("command", ["shell", "dumpdata", "dbshell", "script", "bare"])
def test_settings_of_ones_own_are_refused(
    command: str, production: Production, environments: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    """S1.4: `--settings` of another module with Django's plain engine."""
    text = OTHER_SETTINGS % (production.name, production.server.database_host)
    if command == "bare":
        # Without the building's app nothing of it starts with Django.
        text += "INSTALLED_APPS = [name for name in INSTALLED_APPS if 'instainstru' not in name]"
    (tmp_path / "other_settings.py").write_text(text)
    environ = {**environments["int"], "PYTHONPATH": f"{ROOT}:{tmp_path}"}
    words = {
        "bare": [*MANAGE, "shell", "--settings", "other_settings", "-c", READ],
        "shell": [*MANAGE, "shell", "--settings", "other_settings", "-c", READ],
        "dumpdata": [*MANAGE, "dumpdata", "accounts.user", "--settings", "other_settings"],
        "dbshell": [*MANAGE, "dbshell", "--settings", "other_settings", "--", "-c", "SELECT 1"],
        "script": [sys.executable, "-c", f"import django; django.setup(); {READ}"],
    }[command]
    if command == "script":
        environ["DJANGO_SETTINGS_MODULE"] = "other_settings"
    outcome = run(words, environ)
    assert outcome.code == 3, outcome.text
    assert MARKER not in outcome.text


def test_a_linked_script_meets_the_same_guard(
    environments: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    """S1.4."""
    link = tmp_path / "manage.py"
    link.symlink_to(ROOT / "manage.py")
    outcome = run([sys.executable, str(link), "shell", "-c", READ], environments["wrong"])
    assert outcome.code == 3, outcome.text


def test_a_dotenv_file_is_no_road_to_production(production: Production, tmp_path: Path) -> None:
    """S1.4: a clone with production in its `.env` does not start."""
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("manage.py", "instainstru"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, clone / name)
    (clone / ".env").write_text(f"PROD_DATABASE_URL={production.url('ii_app')}\n")
    environ = {**production.environ(), "PYTHONPATH": str(clone)}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=clone,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3, done.stderr
    assert ".env may not contain PROD_DATABASE_URL" in done.stderr


def test_a_log_that_cannot_be_written_stops_production(production: Production) -> None:
    """S1.22."""
    environ = production.on_server(DATABASE_AUDIT_LOG="/proc/audit.jsonl")
    outcome = run([sys.executable, "-c", f"import django; django.setup(); {READ}"], environ)
    assert outcome.code == 3, outcome.text
    assert MARKER not in outcome.text


# --- each client-side layer taken away: its attack succeeds --------------------------------------
GATE = "from instainstru.database import gate; gate.admit = lambda *_: None"
ROUTER = (
    "from instainstru.database.router import TierRouter;"
    "TierRouter.db_for_write = lambda *_, **__: 'default'"
)
SESSION = "from instainstru.database import session; session.is_read_only = lambda _: False"
WRITE = f"User.objects.filter(email='{MARKER}').update(last_name='changed'); print('changed')"


@pytest.mark.parametrize(
    ("group", "removed", "code", "succeeds"),
    [
        ("wrong", GATE, READ, True),
        ("wrong", "", READ, False),
        ("script", SESSION, WRITE, True),
        ("script", ROUTER, WRITE, False),
        ("script", "", WRITE, False),
    ],
)
def test_without_its_layer_an_attack_succeeds(
    group: str,
    removed: str,
    code: str,
    succeeds: bool,
    production: Production,
    environments: dict[str, dict[str, str]],
) -> None:
    """Section 7: the attacks above can fail; a layer behind another one still holds."""
    before = production.fingerprint()
    script = f"import django; django.setup(); {removed}; from accounts.models import User; {code}"
    outcome = run([sys.executable, "-c", script], environments[group])
    has_succeeded = production.fingerprint() != before or f"{MARKER}\n" in outcome.text
    with production.admin() as connection:
        connection.execute("UPDATE accounts_user SET last_name = '' WHERE email = %s", [MARKER])
    assert has_succeeded is succeeds, outcome.text
