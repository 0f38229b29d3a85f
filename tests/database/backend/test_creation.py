from collections.abc import Callable, Iterator

import pytest
from django.db.utils import ConnectionHandler

from instainstru.database import maintenance, stamp, targets, tiers
from instainstru.database.backend import creation
from instainstru.database.backend.base import DatabaseWrapper
from instainstru.database.backend.creation import MARK, TestDatabaseRefusedError
from instainstru.database.tiers import Tier
from tests.database.conftest import Decide, MakeDatabase

pytestmark = pytest.mark.S1

Connect = Callable[[str], stamp.Connection]
UrlOf = Callable[[str], str]


@pytest.fixture
def wrapper(decide: Decide, make_database: MakeDatabase, url_of: UrlOf) -> DatabaseWrapper:
    answer = decide({"INT_DATABASE_URL": url_of(make_database("int"))})
    values = ConnectionHandler(targets.database_settings(answer, {})).settings["default"]
    return DatabaseWrapper(values, alias="default")


@pytest.fixture
def test_name(wrapper: DatabaseWrapper) -> Iterator[str]:
    name = wrapper.creation._get_test_db_name()
    yield name
    with maintenance.connect(tiers.decision(), "postgres") as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'DROP DATABASE IF EXISTS "{name}_7" WITH (FORCE)')
    creation._give_up(name)


def exists(connect: Connect, name: str) -> bool:
    with connect("postgres") as connection:
        row = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    return row is not None


def test_a_test_database_appears_stamped_marked_and_with_extensions(
    wrapper: DatabaseWrapper, test_name: str, connect: Connect
) -> None:
    """S1.9: stamped in the step that creates it."""
    wrapper.creation._create_test_db(0, True)
    with connect(test_name) as connection:
        assert stamp.effective_tier(stamp.read_evidence(connection)) is Tier.INT
        found = connection.execute("SELECT extname FROM pg_extension").fetchall()
        assert {row[0] for row in found} >= set(stamp.EXTENSIONS)
        assert creation._comment(connection, test_name) == MARK


def test_a_clone_is_stamped_as_itself(
    wrapper: DatabaseWrapper, test_name: str, connect: Connect
) -> None:
    """S1.9: clones too, for parallel workers."""
    wrapper.creation._create_test_db(0, True)
    wrapper.settings_dict["NAME"] = test_name
    wrapper.creation._clone_test_db("7", 0)
    with connect(f"{test_name}_7") as connection:
        evidence = stamp.read_evidence(connection)
        assert stamp.effective_tier(evidence) is Tier.INT
        assert evidence.rows[0].database_oid == evidence.oid


def test_an_own_leftover_is_replaced_and_finally_dropped(
    wrapper: DatabaseWrapper, test_name: str, connect: Connect
) -> None:
    wrapper.creation._create_test_db(0, True)
    with connect(test_name) as connection:
        connection.execute("CREATE TABLE leftover ()")
    wrapper.creation._create_test_db(0, True)
    with connect(test_name) as connection:
        row = connection.execute("SELECT to_regclass('leftover')").fetchone()
        assert row == (None,)
    wrapper.creation._destroy_test_db(test_name, 0)
    assert not exists(connect, test_name)


def test_a_kept_database_keeps_its_tables(
    wrapper: DatabaseWrapper, test_name: str, connect: Connect
) -> None:
    wrapper.creation._create_test_db(0, True)
    with connect(test_name) as connection:
        connection.execute("CREATE TABLE kept ()")
    wrapper.creation._create_test_db(0, True, keepdb=True)
    with connect(test_name) as connection:
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == ("kept",)


def test_a_database_of_somebody_else_is_never_dropped(
    wrapper: DatabaseWrapper, test_name: str, connect: Connect
) -> None:
    """S1.5: only what this code created, whatever the name."""
    with connect("postgres") as connection:
        connection.execute(f'CREATE DATABASE "{test_name}"')
    for attempt in (
        lambda: wrapper.creation._create_test_db(0, True),
        lambda: wrapper.creation._destroy_test_db(test_name, 0),
    ):
        with pytest.raises(TestDatabaseRefusedError, match="was not created by the test runner"):
            attempt()
    assert exists(connect, test_name)


@pytest.mark.parametrize("name", ["shop", "testing", "Test_shop", "test_", "test_a b", "postgres"])
def test_a_name_that_is_no_test_name_is_refused(wrapper: DatabaseWrapper, name: str) -> None:
    """S1.5."""
    wrapper.settings_dict["TEST"]["NAME"] = name
    with pytest.raises(TestDatabaseRefusedError):
        wrapper.creation._get_test_db_name()
    with pytest.raises(TestDatabaseRefusedError):
        wrapper.creation._destroy_test_db(name, 0)


def test_a_configured_name_is_refused_even_when_it_begins_like_a_test(
    decide: Decide, url_of: UrlOf
) -> None:
    """S1.5."""
    decide({"INT_DATABASE_URL": url_of("test_precious")})
    with pytest.raises(TestDatabaseRefusedError):
        creation.refuse_other_names("test_precious")


@pytest.mark.parametrize(
    "environ",
    [
        {tiers.S: "1"},
        {tiers.P: "1", tiers.U: "1", "PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/shop"},
    ],
)
def test_other_tiers_are_refused_before_anything_connects(
    wrapper: DatabaseWrapper, decide: Decide, environ: dict[str, str]
) -> None:
    """S1.5: the test runner refuses any tier but INT."""
    decide(environ)
    for attempt in (
        wrapper.creation.create_test_db,
        lambda: wrapper.creation.clone_test_db("1"),
        lambda: wrapper.creation.destroy_test_db("test_x"),
    ):
        with pytest.raises(TestDatabaseRefusedError, match="INT only"):
            attempt()


def test_a_server_that_holds_a_prod_stamp_gets_no_test_databases(
    wrapper: DatabaseWrapper, test_name: str, make_database: MakeDatabase, connect: Connect
) -> None:
    make_database("prod")
    with pytest.raises(TestDatabaseRefusedError, match="prod stamp"):
        wrapper.creation._create_test_db(0, True)
    assert not exists(connect, test_name)


def test_a_name_in_use_by_another_run_is_left_alone(
    wrapper: DatabaseWrapper, test_name: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two runs at once do not drop each other's databases."""
    wrapper.creation._create_test_db(0, True)
    monkeypatch.setattr(creation, "_claims", {})
    second = wrapper.creation._get_test_db_name()
    assert second == f"{test_name}_2"
    creation._give_up(second)
    assert exists(connect, test_name)


def test_nothing_is_left_behind_when_stamping_fails(
    wrapper: DatabaseWrapper, test_name: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(stamp, "stamp_database", fail)
    with pytest.raises(RuntimeError):
        wrapper.creation._create_test_db(0, True)
    with connect("postgres") as connection:
        drafts = connection.execute(
            "SELECT datname FROM pg_database WHERE datname LIKE 'test_draft_%'"
        ).fetchall()
    assert drafts == []
    assert not exists(connect, test_name)
