import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from instainstru.database import audit, embedded, session, stamp, targets, tiers
from instainstru.database.roles import Role

Decide = Callable[..., tiers.Decision]
MakeDatabase = Callable[[str | None], str]
Connect = Callable[..., stamp.Connection]
UrlOf = Callable[..., str]


@pytest.fixture(autouse=True)
def audit_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An audit log of the test's own."""
    path = tmp_path / "audit.jsonl"
    monkeypatch.setattr(audit, "log_path", lambda: path)
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[embedded.EmbeddedServers]:
    """A PostgreSQL of our own that may hold a prod stamp without disturbing other tests."""
    folder = Path(tempfile.mkdtemp(prefix="ii-guard-", dir="/tmp"))
    folder.chmod(0o755)
    yield embedded.ensure_running("stg", folder)
    embedded.remove_data("stg", folder)
    shutil.rmtree(folder)


@pytest.fixture
def connect(server: embedded.EmbeddedServers) -> Callable[..., stamp.Connection]:
    """Connects to a database of the private server, as its superuser or a role."""

    def connect(name: str = "postgres", role: Role | None = None) -> stamp.Connection:
        return psycopg.connect(
            host=server.database_host,
            port=server.database_port,
            user=role.value if role else server.database_user,
            dbname=name,
            autocommit=True,
        )

    return connect


@pytest.fixture
def make_database(connect: Callable[[str], stamp.Connection]) -> Iterator[MakeDatabase]:
    """Makes databases with the stamp asked for, or bare ones, and drops them again."""
    names: list[str] = []

    def make(tier: str | None) -> str:
        name = f"shop_{secrets.token_hex(4)}"
        names.append(name)
        with connect("postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        if tier is not None:
            with connect(name) as connection:
                stamp.stamp_database(connection, tier)
        return name

    yield make
    with connect("postgres") as connection:
        for name in names:
            connection.execute(
                "UPDATE pg_database SET datistemplate = false WHERE datname = %s", [name]
            )
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
def url_of(server: embedded.EmbeddedServers) -> Callable[..., str]:
    """The URL of a database of the private server, for its superuser or a role."""

    def url_of(name: str, user: str | None = None) -> str:
        if user in {None, Role.ADMIN}:
            user = server.database_user
        where = f"host={server.database_host}&port={server.database_port}"
        return f"postgresql://{user}@/{name}?{where}"

    return url_of


@pytest.fixture
def decide(monkeypatch: pytest.MonkeyPatch) -> Iterator[Decide]:
    """Makes this process believe another decision for the length of a test."""

    def forget() -> None:
        targets._expected.cache_clear()
        targets.configured_names.cache_clear()

    def decide(environ: dict[str, str], *, is_terminal: bool = True) -> tiers.Decision:
        answer = tiers.resolve_tier(environ, is_terminal=is_terminal)
        monkeypatch.setattr(tiers, "_frozen", answer)
        forget()
        return answer

    yield decide
    monkeypatch.undo()
    session.allow_writes(is_allowed=False)
    forget()
