"""The life of the embedded servers. Spec: 01 section 1; 12 section 1."""

import os
import stat
from pathlib import Path

import pytest
import redis

from instainstru.database import embedded
from instainstru.database.embedded.layout import EmbeddedServersError, layout_of
from tests.database.embedded.processes import (
    Client,
    answers,
    eventually,
    is_down,
    is_free,
    log_of,
    pids,
    query,
    using,
)

pytestmark = pytest.mark.S1


def test_addresses_start_nothing(tmp_path: Path) -> None:
    where = embedded.addresses("int", tmp_path / "var")

    assert where.database_user == "postgres"
    assert where.database_name == "instainstru_int"
    assert len(f"{where.database_host}/.s.PGSQL.{where.database_port}") < 100
    assert not (tmp_path / "var").exists()
    assert not Path(where.database_host).exists()


def test_each_tier_and_folder_has_sockets_of_its_own(tmp_path: Path) -> None:
    hosts = {
        embedded.addresses(tier, tmp_path / name).database_host
        for tier in ("int", "stg")
        for name in ("a", "b")
    }

    assert len(hosts) == 4


def test_a_link_to_the_folder_means_the_same_servers(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert embedded.addresses("stg", tmp_path / "link") == embedded.addresses(
        "stg", tmp_path / "real"
    )


def test_production_is_never_embedded(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedServersError, match="prod"):
        embedded.ensure_running("prod", tmp_path)


def test_servers_start_answer_and_stop_cleanly_with_their_last_client(var: Path) -> None:
    where = embedded.ensure_running("int", var)

    assert query(var, "SHOW data_checksums") == "on"
    assert query(var, "SHOW listen_addresses") == ""
    assert query(var, "SHOW server_encoding") == "UTF8"
    with redis.Redis.from_url(where.valkey_url()) as valkey:
        assert valkey.config_get("port") == {"port": "0"}
        assert valkey.config_get("maxmemory-policy") == {"maxmemory-policy": "volatile-lfu"}
    assert stat.S_IMODE(Path(where.database_host).stat().st_mode) == 0o700

    assert embedded.stop_and_wait("int", var)
    assert is_down(var)
    assert not Path(where.database_host).exists()
    assert "database system is shut down" in log_of(var)


def test_new_database_carries_extensions_and_both_stamps(var: Path) -> None:
    """S1.8, S1.9"""
    embedded.ensure_running("int", var)

    found = query(var, "SELECT array_agg(extname::text) FROM pg_extension")
    assert {"vector", "pg_trgm", "btree_gist", "unaccent"} <= set(found)
    assert query(var, "SELECT tier FROM instainstru_guard.stamp") == "int"
    setting = query(
        var,
        "SELECT array_to_string(setconfig, ',') FROM pg_db_role_setting s JOIN pg_database d"
        " ON d.oid = s.setdatabase WHERE datname = current_database() AND setrole = 0",
    )
    assert "instainstru.tier=int" in setting
    embedded.stop_and_wait("int", var)


@pytest.mark.slow
def test_a_stamp_that_somebody_removed_is_not_put_back(var: Path) -> None:
    """S1.9"""
    embedded.ensure_running("int", var)
    query(var, "DELETE FROM instainstru_guard.stamp")
    embedded.stop_and_wait("int", var)

    embedded.ensure_running("int", var)

    assert query(var, "SELECT count(*) FROM instainstru_guard.stamp") == 0
    embedded.stop_and_wait("int", var)


def test_data_of_both_servers_outlives_them(var: Path) -> None:
    where = embedded.ensure_running("int", var)
    query(var, "CREATE TABLE kept AS SELECT 7 AS value")
    with redis.Redis.from_url(where.valkey_url()) as valkey:
        valkey.set("kept", "7")
    embedded.stop_and_wait("int", var)

    embedded.ensure_running("int", var)

    assert query(var, "SELECT value FROM kept") == 7
    with redis.Redis.from_url(where.valkey_url()) as valkey:
        assert valkey.get("kept") == b"7"
    embedded.stop_and_wait("int", var)


def test_one_off_command_leaves_a_running_site_alone(var: Path) -> None:
    with using(var):
        before = pids(var)
        one_off = Client(var).wait_until_ready()
        assert pids(var) == before
        one_off.close()

        assert not embedded.stop_and_wait("int", var)
        assert answers(var)
        assert pids(var) == before

    eventually(lambda: is_down(var), what="the end after the last client")


@pytest.mark.slow
def test_servers_stop_when_their_only_client_is_killed(var: Path) -> None:
    client = Client(var).wait_until_ready()

    client.kill()

    eventually(lambda: is_down(var), what="the end")
    assert "database system is shut down" in log_of(var)


@pytest.mark.slow
def test_letting_go_in_a_parent_keeps_servers_for_its_forked_child(var: Path) -> None:
    embedded.ensure_running("int", var)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    os.close(reading)

    embedded.release("int", var)

    assert not is_free(var, "clients")
    os.close(writing)
    os.waitpid(child, 0)
    eventually(lambda: is_down(var), what="the end with the child")


def test_data_in_use_is_not_removed(var: Path) -> None:
    with using(var):
        with pytest.raises(EmbeddedServersError, match="in use"):
            embedded.remove_data("int", var)
        assert answers(var)


@pytest.mark.slow
def test_removed_data_is_gone_and_the_next_start_begins_anew(var: Path) -> None:
    embedded.ensure_running("int", var)
    query(var, "CREATE TABLE gone ()")

    removed = embedded.remove_data("int", var)

    assert len(removed) == 2
    assert not (var / "pg-int").exists()
    embedded.ensure_running("int", var)
    assert query(var, "SELECT to_regclass('gone') IS NULL")
    embedded.stop_and_wait("int", var)


def test_a_cluster_that_cannot_start_is_reported_with_the_log(var: Path) -> None:
    embedded.ensure_running("int", var)
    embedded.stop_and_wait("int", var)
    (var / "pg-int" / "PG_VERSION").write_text("9.6\n")

    with pytest.raises(EmbeddedServersError, match="incompatible") as refused:
        embedded.ensure_running("int", var)

    assert str(layout_of("int", var).log) in str(refused.value)
    embedded.release("int", var)


def test_socket_folder_of_somebody_else_is_refused(var: Path, tmp_path: Path) -> None:
    sockets = Path(embedded.addresses("int", var).database_host)
    sockets.symlink_to(tmp_path)

    with pytest.raises(EmbeddedServersError, match="belongs to somebody else"):
        embedded.ensure_running("int", var)

    embedded.release("int", var)
    assert list(tmp_path.iterdir()) == []
    sockets.unlink()
