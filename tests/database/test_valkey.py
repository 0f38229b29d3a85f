import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery.contrib.testing.worker import start_worker
from celery.exceptions import Reject
from django.conf import settings

from instainstru import celery
from instainstru.database import audit, embedded, targets, tiers, valkey
from instainstru.database.valkey import TIER_KEY, StoreRefusedError
from tests.database.conftest import Decide

pytestmark = pytest.mark.S1


@pytest.fixture
def stg(server: embedded.EmbeddedServers, decide: Decide) -> Iterator[tiers.Decision]:
    """A STG decision whose stores are two of the private server's, empty before and after."""
    url = f"unix://{server.valkey_socket}?db="
    decision = decide({tiers.S: "1"})
    stores = targets.ValkeyUrls(cache=f"{url}8", broker=f"{url}9")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets, "valkey_urls", lambda _: stores)
        yield decision
    for address in stores:
        redis.Redis.from_url(address).flushdb()


def test_both_stores_are_claimed_and_then_belong_to_the_tier(stg: tiers.Decision) -> None:
    """S1.19: the tier key lives in each logical store and never ends."""
    valkey.require_tier(stg)
    valkey.require_tier(stg)
    for url in targets.valkey_urls(stg):
        store = redis.Redis.from_url(url)
        assert store.get(TIER_KEY) == b"stg"
        assert store.ttl(TIER_KEY) == -1


@pytest.mark.parametrize("name", ["cache", "broker"])
def test_another_tiers_store_is_refused_on_every_try(
    name: str, stg: tiers.Decision, audit_log: Any
) -> None:
    redis.Redis.from_url(getattr(targets.valkey_urls(stg), name)).set(TIER_KEY, "prod")
    for _ in range(3):
        with pytest.raises(StoreRefusedError, match=f"STG_VALKEY_URL leads to a {name} store"):
            valkey.require_tier(stg)
    assert audit.tail(1, audit_log)[0]["tier_found"] == "prod"


def test_a_worker_waits_for_stores_that_do_not_answer_yet(
    stg: tiers.Decision, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[float] = []

    def require(_: tiers.Decision) -> None:
        calls.append(0)
        if len(calls) < 4:
            raise redis.ConnectionError

    monkeypatch.setattr(valkey, "require_tier", require)
    monkeypatch.setattr(time, "sleep", calls.append)
    valkey.wait_for_tier(stg)
    assert calls == [0, 1.0, 0, 2.0, 0]


def test_the_embedded_server_evicts_only_what_has_a_lifetime(
    server: embedded.EmbeddedServers,
) -> None:
    """S1.19, S16.5."""
    client: Any = redis.Redis(unix_socket_path=str(server.valkey_socket))
    assert client.info("memory")["maxmemory_policy"] == "volatile-lfu"


def test_productions_user_may_not_flush_list_configure_or_debug(
    server: embedded.EmbeddedServers, monkeypatch: pytest.MonkeyPatch, decide: Decide
) -> None:
    """S1.19: the probes are refused with the ACL of the handbook and found without it."""
    admin: Any = redis.Redis(unix_socket_path=str(server.valkey_socket))
    admin.execute_command(
        *["ACL", "SETUSER", "shop", "on", "nopass", "~*", "&*", "+@all"],
        *["-flushall", "-flushdb", "-keys", "-config", "-debug"],
    )
    url = f"unix://shop:x@{server.valkey_socket}?db=0"
    monkeypatch.setattr(targets, "valkey_urls", lambda _: targets.ValkeyUrls(url, url))
    try:
        found = {what: result for _, what, result in valkey.probe_rights(tiers.decision())}
        assert found == dict.fromkeys(valkey.PROBES, "refused")
        script = redis.Redis.from_url(url).script_load("return 1")
        assert script
        admin.execute_command(*["ACL", "SETUSER", "shop", "+flushall", "+keys"])
        found = {what: result for _, what, result in valkey.probe_rights(tiers.decision())}
        assert {what for what, result in found.items() if result == "ACCEPTED"} == {
            "FLUSHALL",
            "KEYS",
        }
    finally:
        admin.execute_command("ACL", "DELUSER", "shop")


# --- messages ------------------------------------------------------------------------------------
@pytest.mark.parametrize("found", ["prod", "stg", None])
def test_a_message_of_another_tier_is_rejected_without_running(
    found: str | None, audit_log: Any
) -> None:
    """S1.20."""
    with pytest.raises(Reject) as rejection:
        celery._refuse_other_tier("mail", found)
    assert rejection.value.requeue is False
    assert audit.tail(1, audit_log)[0]["action"] == "task mail"


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_real_worker_runs_its_own_messages_and_no_others() -> None:
    """S1.20: through the broker, with the header that publishing sets."""
    name, ran = f"probe.{uuid.uuid4().hex}", []
    seen, tried_again = threading.Event(), threading.Event()

    @celery.app.task(name=name, bind=True)
    def probe(task: Any, word: str) -> None:
        ran.append((word, task.request.retries))
        if word == "own" and not task.request.retries:
            raise task.retry(countdown=0, max_retries=1)
        if word == "own":
            tried_again.set()
        if word == "last":
            seen.set()

    queue = f"probe-{uuid.uuid4().hex}"
    with start_worker(celery.app, perform_ping_check=False, queues=[queue], pool="solo"):
        probe.apply_async(["own"], queue=queue)
        celery.signals.before_task_publish.disconnect(celery._mark_tier)
        try:
            probe.apply_async(["unmarked"], queue=queue)
            probe.apply_async(["foreign"], queue=queue, headers={celery.TIER_HEADER: "prod"})
        finally:
            celery.signals.before_task_publish.connect(celery._mark_tier)
        probe.apply_async(["last"], queue=queue)
        assert seen.wait(30)
        assert tried_again.wait(30)
    words = [word for word, _ in ran]
    assert words.count("own") == 2
    assert set(words) == {"own", "last"}
    del celery.app.tasks[name]
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"].startswith("ii:int:")
