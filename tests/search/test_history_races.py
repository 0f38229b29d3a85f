"""Searches that really happen at once: no duplicates, no lost counts (Spec: S2.3, S2.4)."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Sum

from search.history import PATIENCE
from search.models import SearchHistory
from tests.bookings.payments.conftest import in_parallel
from tests.factories.accounts import student

pytestmark = [pytest.mark.S2, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)


def search(query: str, **owner: Any) -> Callable[[], Any]:
    return lambda: SearchHistory.objects.record(query=query, results_count=1, now=NOW, **owner)


@pytest.mark.parametrize("is_guest", [True, False], ids=["guest", "user"])
def test_fifty_people_cannot_lose_a_count(is_guest: bool) -> None:
    owner = {"guest_key": "guest-key"} if is_guest else {"user_id": student().pk}
    answers = in_parallel(
        [search(["Piano", "PIANO!", " piano "][n % 3], **owner) for n in range(50)]
    )
    assert sum(is_created for _, is_created in answers) == 1
    row = SearchHistory.objects.get()
    assert row.search_count == 50
    assert max(answer.search_count for answer, _ in answers) == 50


def test_hot_keys_in_any_order_neither_deadlock_nor_lose_anything() -> None:
    owner = {"user_id": student().pk}
    queries = [f"piano {number}" for number in range(10)]

    def run(shift: int) -> Callable[[], Any]:
        def many() -> None:
            for number in range(20):
                search(queries[(number * (1 if shift % 2 else -1) + shift) % 10], **owner)()

        return many

    assert in_parallel([run(shift) for shift in range(12)]) == [None] * 12
    assert SearchHistory.objects.count() == 10
    assert SearchHistory.objects.aggregate(all=Sum("search_count"))["all"] == 240


def test_merging_while_searching_loses_nothing() -> None:
    """Two sign-ins with one guest key, and both go on searching. Spec: S2.4"""
    maya = student()
    for number in range(5):
        search(f"piano {number}", guest_key="guest-key")()

    def merge() -> None:
        SearchHistory.objects.merge_guest(user_id=maya.pk, guest_key="guest-key")

    calls: list[Callable[[], Any]] = [merge, merge]
    for number in range(10):
        calls.append(search(f"piano {number % 5}", guest_key="guest-key"))
        calls.append(search(f"piano {number % 5}", user_id=maya.pk))
    answers = in_parallel(calls)
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    merge()
    assert SearchHistory.objects.filter(user=maya).count() == SearchHistory.objects.count() == 5
    assert SearchHistory.objects.aggregate(all=Sum("search_count"))["all"] == 25


def test_nobody_waits_for_a_history_that_somebody_holds() -> None:
    """The search goes on after a quarter of a second, and counts again later. Spec: S2.7"""
    owner = {"user_id": student().pk}
    search("piano", **owner)()
    is_held, may_end = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            SearchHistory.objects.select_for_update().get()
            is_held.set()
            may_end.wait(30)

    def try_it() -> Any:
        is_held.wait(30)
        try:
            return SearchHistory.objects.record(
                query="piano", results_count=1, now=NOW, patience=PATIENCE, **owner
            )
        finally:
            may_end.set()

    held, tried = in_parallel([hold, try_it])
    assert held is None
    assert isinstance(tried, OperationalError)
    assert SearchHistory.objects.get().search_count == 1
    search("piano", **owner)()
    assert SearchHistory.objects.get().search_count == 2


def test_the_patience_of_a_search_ends_with_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        before = cursor.fetchone()
        SearchHistory.objects.record(
            query="piano", results_count=1, now=NOW, patience=PATIENCE, guest_key="guest-key"
        )
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == before
