"""A production database on a server of its own, made the way an operator makes one."""

import os
import pty
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from instainstru.database import embedded, stamp, tiers
from instainstru.database.embedded.account import choose_account
from instainstru.database.embedded.valkey import valkey_program
from instainstru.database.roles import Role

ROOT = Path(__file__).resolve().parents[3]
MARKER = "marker.in.production@example.com"
SECONDS = 180
MANAGE = (sys.executable, "manage.py")
# Which payment gateway there is does not matter here.
SKIP = ("--skip-checks",)
PEOPLE = """
INSERT INTO accounts_user (public_id, password, is_superuser, email, first_name, last_name, zone,
                           phone, theme, is_active, is_staff, is_demo, joined_at)
SELECT lpad(n::text, 10, '0'), '!', false, 'person' || n || '@example.com', 'P', '', '', '', '',
       true, false, false, now()
  FROM generate_series(1, 600) AS n
"""
ADD_MARKER = (
    "from accounts.models import User;"
    f"User.objects.create_user('{MARKER}', 'x' * 20, first_name='Marker')"
)
ROWS = "SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) || count(*) FROM {} AS t"
WATCHED = "accounts_user", "django_migrations", "catalog_policy", "instainstru_guard.stamp"
CATALOGUE = """
SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
       (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting WHERE setrole = 0),
       (SELECT string_agg(datname, ',' ORDER BY datname) FROM pg_database
         WHERE datname NOT LIKE 'test_%')
"""


class Outcome(NamedTuple):
    code: int
    text: str


@dataclass
class Production:
    """The database, its addresses, and what each step of its making said."""

    server: embedded.EmbeddedServers
    name: str
    valkey: str
    audit: Path
    steps: dict[str, Outcome] = field(default_factory=dict)

    def url(self, user: str, name: str | None = None) -> str:
        where = f"host={self.server.database_host}&port={self.server.database_port}"
        return f"postgresql://{user}@/{name or self.name}?{where}"

    def environ(self, *roles: Role, **more: str) -> dict[str, str]:
        """Return an environment with production's URLs for some roles."""
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        for role in (Role.APP, *roles):
            user = "postgres" if role is Role.ADMIN else role.value
            environ[f"PROD_{role.suffix}"] = self.url(user)
        return environ | {
            "PYTHONPATH": str(ROOT),
            "PAGER": "cat",
            "DJANGO_SETTINGS_MODULE": "instainstru.settings",
            "DATABASE_AUDIT_LOG": str(self.audit),
            "PROD_VALKEY_URL": self.valkey,
            "SECRET_KEY": "x" * 60,
            "ALLOWED_HOSTS": "example.com",
            "SITE_URL": "https://example.com",
            "VAR_DIR": str(self.audit.parent),
            "EMAIL_URL": "smtp://127.0.0.1:9",
            "TAX_RECORD_KEYS": "t" * 32,
            "ATTACK_HOST": self.server.database_host,
            "ATTACK_NAME": self.name,
            **more,
        }

    def on_server(self, *roles: Role, **more: str) -> dict[str, str]:
        """Return the environment of a production server: both switches."""
        return self.environ(Role.READONLY, *roles, **{tiers.P: "true", tiers.U: "true"}, **more)

    def by_hand(self, *roles: Role, **more: str) -> dict[str, str]:
        """Return the environment of a person: one switch."""
        return self.environ(Role.READONLY, *roles, **{tiers.U: "true"}, **more)

    def admin(self, name: str | None = None) -> stamp.Connection:
        return psycopg.connect(
            host=self.server.database_host,
            user=self.server.database_user,
            dbname=name or self.name,
            autocommit=True,
        )

    def fingerprint(self) -> list[Any]:
        """Return what no attack may change: rows, tables, stamps, databases."""
        with self.admin() as connection:
            found = [connection.execute(CATALOGUE).fetchone()]
            found += [connection.execute(ROWS.format(table)).fetchone() for table in WATCHED]
        return found


def run(words: Sequence[str], environ: dict[str, str], said: str | None = None) -> Outcome:
    """Run a command without a terminal."""
    done = subprocess.run(
        words,
        cwd=ROOT,
        env=environ,
        input=said,
        stdin=subprocess.DEVNULL if said is None else None,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        start_new_session=True,
    )
    return Outcome(done.returncode, done.stdout + done.stderr)


def at_terminal(words: Sequence[str], environ: dict[str, str], *answers: str) -> Outcome:
    """Run a command on a pseudo-terminal and answer its questions one after the other."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        os.execvpe(words[0], list(words), environ)  # noqa: S606 - replaces the forked child
    text, unanswered, seen = b"", list(answers), 0
    while select.select([terminal], [], [], SECONDS)[0]:
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        text += data
        if unanswered and (found := text.find(b": ", seen)) >= 0 and is_question(text[seen:]):
            seen = len(text)
            os.write(terminal, f"{unanswered.pop(0)}\n".encode())
            del found
    else:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return Outcome(os.waitstatus_to_exitcode(status), text.decode(errors="replace"))


def is_question(text: bytes) -> bool:
    return text.endswith((b"to go on: ", b"for the audit: "))


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey with an address, as production has one."""
    with tempfile.TemporaryDirectory(prefix="ii-valkey-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        account = choose_account(Path(folder))
        port = secrets.randbelow(20_000) + 20_000
        words = [str(valkey_program(account)), "--port", str(port), "--save", "", "--daemonize"]
        process = subprocess.Popen(
            [*words, "no", "--bind", "127.0.0.1"], cwd="/", stdout=subprocess.DEVNULL
        )
        yield f"redis://127.0.0.1:{port}/0"
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="session")
def production_server() -> Iterator[embedded.EmbeddedServers]:
    """A server of production's own: beside its stamp no test database may be made."""
    folder = Path(tempfile.mkdtemp(prefix="ii-prod-", dir="/tmp"))
    folder.chmod(0o755)
    yield embedded.ensure_running("stg", folder)
    embedded.remove_data("stg", folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def production(
    production_server: embedded.EmbeddedServers,
    valkey_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Production:
    """Protected by hand, migrated and verified like a release, with 601 people in it."""
    folder = tmp_path_factory.mktemp("production")
    made = Production(production_server, "shop_production", valkey_url, folder / "audit.jsonl")
    with made.admin("postgres") as connection:
        connection.execute(f"CREATE DATABASE {made.name}")
    all_roles = (Role.MIGRATOR, Role.ADMIN)
    steps = made.steps
    steps["install by hand"] = at_terminal(
        [*MANAGE, "db_protect"], made.by_hand(*all_roles), made.name, "first set up", made.name
    )
    release = made.on_server(Role.MIGRATOR)
    steps["migrate"] = run([*MANAGE, "migrate", "--verbosity", "0", *SKIP], release)
    steps["verify"] = run([*MANAGE, "db_protect", "--verify"], release)
    steps["sync roles"] = run([*MANAGE, "sync_roles", *SKIP], release)
    steps["write grant"] = at_terminal(
        [*MANAGE, "shell", "--write", "-c", ADD_MARKER], made.by_hand(), made.name, "first person"
    )
    failures = {step: outcome.text for step, outcome in steps.items() if outcome.code}
    assert not failures, "\n".join(f"{step}: {text}" for step, text in failures.items())
    with made.admin() as connection:
        connection.execute(PEOPLE)
    return made
