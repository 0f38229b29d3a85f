import pytest

from instainstru.database import targets, tiers
from instainstru.database.refusals import TierRefusedError
from instainstru.database.targets import database_settings, valkey_urls

pytestmark = pytest.mark.S1

PROD = {tiers.P: "1", tiers.U: "1", "PROD_DATABASE_URL": "postgresql://a@db.example/shop"}


def decided(environ: dict[str, str]) -> tiers.Decision:
    return tiers.resolve_tier(environ, is_terminal=False)


def test_a_url_becomes_an_alias_of_the_projects_engine() -> None:
    """S1.11."""
    url = "postgresql://a%40b:p%3Aw@db.example:6000/shop?sslmode=require"
    settings = database_settings(decided({"INT_DATABASE_URL": url}), {})
    assert list(settings) == ["default", "reports"]
    values = settings["default"]
    assert (values["ENGINE"], values["NAME"]) == (targets.ENGINE, "shop")
    assert (values["USER"], values["PASSWORD"]) == ("a@b", "p:w")
    assert (values["HOST"], values["PORT"]) == ("db.example", "6000")
    assert values["OPTIONS"] == {"connect_timeout": 5, "sslmode": "require"}


def test_int_and_stg_have_embedded_servers_of_their_own() -> None:
    """Section 1."""
    hosts = {
        database_settings(decided(environ), {})["default"]["HOST"]
        for environ in ({}, {tiers.S: "1"})
    }
    assert len(hosts) == 2


def test_only_a_process_that_asks_gets_a_pool() -> None:
    """S16.7."""
    answer = decided({})
    assert "pool" not in database_settings(answer, {})["default"]["OPTIONS"]
    values = database_settings(answer, {targets.POOL_VARIABLE: "7"})["default"]
    pool = values["OPTIONS"]["pool"]
    assert (pool["min_size"], pool["max_size"], pool["timeout"]) == (2, 7, 2)
    assert values["CONN_MAX_AGE"] == 0
    with pytest.raises(TierRefusedError, match=targets.POOL_VARIABLE):
        database_settings(answer, {targets.POOL_VARIABLE: "many"})


def test_a_pool_finds_a_database_again_that_was_away_for_long() -> None:
    """S16.5: the pool's own tries become rare, so a request must soon be allowed a new one."""
    values = database_settings(decided({}), {targets.POOL_VARIABLE: "4"})["default"]
    assert values["OPTIONS"]["pool"]["reconnect_timeout"] <= 5


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"INT_VALKEY_URL": "redis://cache.example:6379"},
        {"INT_VALKEY_URL": "valkeys://u:p@cache.example:6379/4"},
        {"INT_VALKEY_URL": "redis://cache.example/15"},
        {"INT_VALKEY_URL": "redis://a.example/0", "INT_CACHE_URL": "redis://b.example/0"},
        {"INT_CACHE_URL": "redis://b.example/0"},
    ],
)
def test_cache_and_broker_are_different_stores(environ: dict[str, str]) -> None:
    """S1.19."""
    urls = valkey_urls(decided(environ))
    assert urls.cache != urls.broker
    assert "/16" not in urls.cache


def test_a_cache_address_of_ones_own_is_used_beside_the_embedded_broker() -> None:
    urls = valkey_urls(decided({"INT_CACHE_URL": "redis://b.example/3"}))
    assert urls.cache == "redis://b.example/3"
    assert urls.broker.startswith("redis+socket://")


@pytest.mark.parametrize("cache", ["redis://u:p@a.example:6379/4", "valkey://A.example/4"])
def test_one_store_for_cache_and_broker_is_refused(cache: str) -> None:
    """S1.19: clearing the cache would empty the queue."""
    with pytest.raises(TierRefusedError, match="INT_CACHE_URL and INT_VALKEY_URL"):
        valkey_urls(decided({"INT_VALKEY_URL": "redis://a.example/4", "INT_CACHE_URL": cache}))


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, True),
        ({"INT_DATABASE_URL": "postgresql://a@db.example/shop"}, True),
        ({"INT_VALKEY_URL": "redis://a.example"}, True),
        (
            {
                "INT_DATABASE_URL": "postgresql://a@db.example/shop",
                "INT_VALKEY_URL": "redis://a.example",
            },
            False,
        ),
        (PROD, False),
    ],
)
def test_embedded_servers_run_while_one_address_is_missing(
    environ: dict[str, str], expected: bool
) -> None:
    """S1.19."""
    assert decided(environ).needs_embedded_servers is expected


def test_production_has_no_default_valkey() -> None:
    """S1.19."""
    with pytest.raises(TierRefusedError, match="PROD_VALKEY_URL"):
        valkey_urls(decided(PROD))


@pytest.mark.parametrize(
    "url", ["http://x", "redis://", "redis://a,b/0", "redis://a/shop", "redis://a/0?db=1"]
)
def test_an_unusable_valkey_url_is_refused_by_name(url: str) -> None:
    with pytest.raises(TierRefusedError, match="INT_VALKEY_URL"):
        valkey_urls(decided({"INT_VALKEY_URL": url}))
