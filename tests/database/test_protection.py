from collections.abc import Callable

import pytest

from instainstru.database import protection, stamp, tiers
from instainstru.database.protection import ProtectionRefusedError
from instainstru.database.refusals import TierRefusedError
from tests.database.conftest import Decide, MakeDatabase

pytestmark = pytest.mark.S1

UrlOf = Callable[[str], str]


def test_a_bare_database_gets_extensions_and_stamps_once(
    decide: Decide, make_database: MakeDatabase, url_of: UrlOf
) -> None:
    """S1.16: idempotent, and says what it changed."""
    decision = decide({"INT_DATABASE_URL": url_of(make_database(None))})
    before = [item.what for item in protection.verify(decision)]
    assert before[-2:] == ["catalogue stamp", "row stamp"]
    assert [item.what for item in protection.protect(decision)] == before
    assert protection.protect(decision) == []
    assert protection.verify(decision) == []


def test_the_admin_url_installs_and_the_tiers_own_role_verifies(
    decide: Decide,
    make_database: MakeDatabase,
    url_of: UrlOf,
    connect: Callable[[str], stamp.Connection],
) -> None:
    name = make_database(None)
    with connect("postgres") as connection:
        connection.execute("DROP ROLE IF EXISTS plain_app")
        connection.execute("CREATE ROLE plain_app LOGIN")
    admin = url_of(name)
    own = admin.replace("postgres@", "plain_app@")
    decision = decide({"INT_DATABASE_URL": own, "INT_ADMIN_DATABASE_URL": admin})
    protection.protect(decision)
    assert protection.verify(decision) == []
    with connect("postgres") as connection:
        connection.execute("DROP ROLE plain_app")


def test_another_tiers_database_and_production_are_refused(
    decide: Decide, make_database: MakeDatabase, url_of: UrlOf
) -> None:
    decision = decide({"INT_DATABASE_URL": url_of(make_database("stg"))})
    with pytest.raises(TierRefusedError, match="stamped stg"):
        protection.protect(decision)
    url = url_of(make_database(None))
    decision = decide({tiers.P: "1", tiers.U: "1", "PROD_DATABASE_URL": url})
    with pytest.raises(ProtectionRefusedError, match="production"):
        protection.protect(decision)
