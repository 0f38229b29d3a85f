import pytest

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
