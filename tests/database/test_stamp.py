from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from instainstru.database import stamp
from instainstru.database.stamp import Evidence, RowStamp, StampError
from instainstru.database.tiers import Tier
from tests.database.conftest import MakeDatabase

pytestmark = pytest.mark.S1

Connect = Callable[[str], stamp.Connection]
HERE = Evidence(
    database="shop",
    oid=7,
    system_identifier="42",
    catalogue=("int",),
    rows=(RowStamp("int", "42", 7),),
    has_prod_neighbor=False,
)


@pytest.mark.parametrize(
    ("catalogue", "row", "wanted"),
    [
        (("int",), "int", Tier.INT),
        (("int",), "prod", Tier.PROD),
        (("prod",), "int", Tier.PROD),
        (("stg",), "int", Tier.STG),
        ((), "stg", Tier.STG),
        (("prod",), None, Tier.PROD),
    ],
)
def test_the_stronger_stamp_counts(
    catalogue: tuple[str, ...], row: str | None, wanted: Tier
) -> None:
    """S1.8."""
    rows = () if row is None else (RowStamp(row, "42", 7),)
    assert stamp.effective_tier(replace(HERE, catalogue=catalogue, rows=rows)) is wanted


@pytest.mark.parametrize(
    "evidence",
    [
        replace(HERE, rows=(RowStamp("int", "43", 7),)),
        replace(HERE, rows=(RowStamp("int", "42", 8),)),
        replace(HERE, catalogue=(), rows=()),
        replace(HERE, catalogue=(), rows=(), has_prod_neighbor=True),
        replace(HERE, catalogue=("test",)),
        replace(HERE, catalogue=("int", "stg")),
        replace(HERE, rows=HERE.rows * 2),
    ],
)
def test_doubtful_evidence_is_refused(evidence: Evidence) -> None:
    """S1.9: copies, unstamped databases, nonsense."""
    with pytest.raises(StampError):
        stamp.effective_tier(evidence)


def test_stamping_writes_both_stamps_once(make_database: MakeDatabase, connect: Connect) -> None:
    with connect(make_database("stg")) as connection:
        first = stamp.read_evidence(connection)
        stamp.stamp_database(connection, "stg")
        assert stamp.read_evidence(connection) == first
        assert first.catalogue == ("stg",)
        assert stamp.effective_tier(first) is Tier.STG


def test_a_stamp_is_never_changed_to_another_tier(
    make_database: MakeDatabase, connect: Connect
) -> None:
    with connect(make_database("stg")) as connection, pytest.raises(StampError):
        stamp.stamp_database(connection, "int")


def test_a_client_cannot_forge_the_catalogue_stamp(
    make_database: MakeDatabase, connect: Connect
) -> None:
    """S1.8: SET, role settings and temporary tables are not evidence."""
    with connect(make_database("prod")) as connection:
        connection.execute("SET instainstru.tier = 'int'")
        connection.execute("CREATE TEMP TABLE pg_database AS SELECT * FROM pg_catalog.pg_database")
        connection.execute("SET search_path = pg_temp, pg_catalog")
        assert stamp.effective_tier(stamp.read_evidence(connection)) is Tier.PROD


def test_a_copy_of_a_database_gives_itself_away(
    make_database: MakeDatabase, connect: Connect
) -> None:
    """S1.9: a template copy carries the row of another database."""
    source, target = make_database("stg"), make_database(None)
    with connect("postgres") as connection:
        connection.execute(f'DROP DATABASE "{target}"')
        connection.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
    with connect(target) as connection:
        with pytest.raises(StampError, match="copy"):
            stamp.effective_tier(stamp.read_evidence(connection))
        with pytest.raises(StampError, match="copy"):
            stamp.stamp_database(connection, "stg")


def test_beside_a_prod_stamp_a_bare_database_is_not_stamped_weaker(
    make_database: MakeDatabase, connect: Connect
) -> None:
    """S1.9: on that server it counts as PROD."""
    make_database("prod")
    with connect(make_database(None)) as connection, pytest.raises(StampError, match="prod stamp"):
        stamp.stamp_database(connection, "int")


def test_a_plain_role_can_read_the_evidence(make_database: MakeDatabase, connect: Connect) -> None:
    with connect(make_database("int")) as connection:
        connection.execute("CREATE ROLE plain")
        connection.execute("SET ROLE plain")
        assert stamp.effective_tier(stamp.read_evidence(connection)) is Tier.INT
        connection.execute("RESET ROLE")
        connection.execute("DROP ROLE plain")


def test_evidence_that_cannot_be_read_is_a_refusal(
    make_database: MakeDatabase, connect: Connect
) -> None:
    """S1.9."""
    with connect(make_database("int")) as connection:
        connection.execute("CREATE ROLE barred")
        connection.execute("REVOKE ALL ON SCHEMA instainstru_guard FROM PUBLIC")
        connection.execute("SET ROLE barred")
        with pytest.raises(StampError, match="cannot be read"):
            stamp.read_evidence(connection)
        connection.execute("RESET ROLE")
        connection.execute("DROP ROLE barred")


def test_reading_leaves_no_transaction_open(make_database: MakeDatabase, connect: Connect) -> None:
    with connect(make_database("int")) as connection:
        connection.autocommit = False
        stamp.read_evidence(connection)
        assert connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE
        assert connection.autocommit is False
