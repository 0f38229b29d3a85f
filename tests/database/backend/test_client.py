import pytest
from django.db import connection
from psycopg.conninfo import conninfo_to_dict

from instainstru.database.backend import client
from instainstru.database.backend.client import refuse_connection_arguments
from instainstru.database.refusals import TierRefusedError

pytestmark = pytest.mark.S1


@pytest.mark.parametrize(
    "arguments",
    [
        ["-h", "db.example"],
        ["-hdb.example"],
        ["--host=db.example"],
        ["-p", "1"],
        ["-U", "postgres"],
        ["--username=postgres"],
        ["-d", "shop"],
        ["--dbname=shop"],
        ["shop"],
        ["postgresql://a@db.example/shop"],
        ["service=prod"],
        ["-Ath", "db.example"],
        ["-c", r"\c shop"],
        ["-c", r"SELECT 1 \connect shop"],
        [r"--command=\c postgresql://a@db.example/shop"],
        ["-c", "SELECT 1", "shop"],
        ["--", "shop"],
        ["-w"],
    ],
)
def test_arguments_that_say_where_to_connect_are_refused(arguments: list[str]) -> None:
    """S1.12."""
    with pytest.raises(TierRefusedError, match="dbshell"):
        refuse_connection_arguments(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["-c", "SELECT 1"],
        ["-Atc"[:3], "-c", "SELECT 1"],
        ["--csv", "--command=SELECT 1", "-o", "out.csv"],
        ["-v", "ON_ERROR_STOP=1", "-f", "report.sql"],
    ],
)
def test_arguments_about_input_and_output_pass(arguments: list[str]) -> None:
    refuse_connection_arguments(arguments)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Command lines and environments of the psql processes that would run."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def run(arguments: list[str], *, env: dict[str, str], **_options: object) -> None:
        found.append((arguments, env))

    monkeypatch.setattr(client.subprocess, "run", run)
    return found


@pytest.mark.django_db
def test_the_shell_opens_on_the_verified_connection_and_names_the_tier(
    started: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1.7, S1.12."""
    monkeypatch.setenv("PGHOSTADDR", "10.0.0.9")
    monkeypatch.setenv("PGOPTIONS", "-c role=postgres")

    connection.client.runshell(["-c", "SELECT 1"])

    ((arguments, environ),) = started
    where = conninfo_to_dict(arguments[-1])
    assert where["dbname"] == connection.settings_dict["NAME"]
    assert where["host"] == connection.settings_dict["HOST"]
    assert any("[INT]" in word for word in arguments if word.startswith("PROMPT1="))
    assert arguments[1] == "-X"
    assert not [name for name in environ if name.startswith(("PGHOST", "PGOPTIONS"))]


@pytest.mark.django_db
def test_the_shell_does_not_start_with_connection_arguments(
    started: list[tuple[list[str], dict[str, str]]],
) -> None:
    """S1.12."""
    with pytest.raises(TierRefusedError, match="dbshell takes no connection arguments"):
        connection.client.runshell(["-h", "db.example"])
    assert started == []
