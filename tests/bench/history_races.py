"""Sign-ins amid searches, and writers that are killed: everything said to be kept is (S2.4)."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from secrets import token_urlsafe
from threading import Barrier
from typing import Any, Final

QUERIES: Final = [f"piano {number}" for number in range(10)]
SEARCHERS, EACH = 6, 10
WRITERS: Final = 4
ACKNOWLEDGED: Final = 300


def merge_while_searching(rounds: int) -> dict[str, int]:
    """Sign in twice at once while guest and person go on searching; add up what is left."""
    from django.db import DatabaseError, connection
    from django.db.models import Sum

    from accounts.models import User
    from instainstru import clock
    from search.models import SearchHistory

    user = User.objects.create_user(email=f"bench-{token_urlsafe(6)}@example.com")
    done = failed = 0

    def search(guest_key: str, number: int) -> int:
        owner: dict[str, Any] = {"guest_key": guest_key} if number % 2 else {"user_id": user.pk}
        for step in range(EACH):
            query = QUERIES[(step * (number + 1) + number) % len(QUERIES)]
            SearchHistory.objects.record(query=query, results_count=1, now=clock.now(), **owner)
        return EACH

    def merge(guest_key: str) -> int:
        SearchHistory.objects.merge_guest(user_id=user.pk, guest_key=guest_key)
        return 0

    def run(barrier: Barrier, guest_key: str, number: int) -> int | None:
        try:
            barrier.wait(30)
            return merge(guest_key) if number >= SEARCHERS else search(guest_key, number)
        except DatabaseError:
            return None
        finally:
            connection.close()

    for _ in range(rounds):
        guest_key, barrier = token_urlsafe(24), Barrier(SEARCHERS + 2)
        with ThreadPoolExecutor(SEARCHERS + 2) as pool:
            jobs = [pool.submit(run, barrier, guest_key, one) for one in range(SEARCHERS + 2)]
            answers = [job.result() for job in jobs]
        merge(guest_key)
        done += sum(answer or 0 for answer in answers)
        failed += sum(answer is None for answer in answers)
        if SearchHistory.objects.filter(guest_key=guest_key).exists():
            failed += 1
    rows = SearchHistory.objects.filter(user=user)
    counted = rows.aggregate(total=Sum("search_count"))["total"] or 0
    found = {
        "rounds": rounds,
        "searches": done,
        "lost": done - counted,
        "duplicates": rows.count() - len(QUERIES),
        "failed": failed,
    }
    rows.delete()
    user.delete()
    return found


def kill_writers(times: int) -> dict[str, int]:
    """Kill writing processes amid their work; what they had been told is kept must be there.

    A search that was in flight may be kept as well: one at most for each writer.
    """
    from django.db.models import Sum

    from search.models import SearchHistory

    acknowledged = counted = 0
    for _ in range(times):
        guest_key = token_urlsafe(24)
        acknowledged += sum(_acknowledged_before_the_kill(guest_key))
        rows = SearchHistory.objects.filter(guest_key=guest_key)
        counted += rows.aggregate(total=Sum("search_count"))["total"] or 0
        rows.delete()
    return {
        "writers": times * WRITERS,
        "acknowledged": acknowledged,
        "counted": counted,
        "lost": max(0, acknowledged - counted),
        "in_flight": max(0, counted - acknowledged),
    }


def _acknowledged_before_the_kill(guest_key: str) -> list[int]:
    context = multiprocessing.get_context("spawn")
    writers = []
    for _ in range(WRITERS):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_write_for_ever, args=(guest_key, theirs))
        process.start()
        theirs.close()
        writers.append((process, ours))
    told = [0] * WRITERS
    # Once each has written a good deal all are killed, wherever they are.
    for place, (_, ours) in enumerate(writers):
        while told[place] < ACKNOWLEDGED:
            told[place] = ours.recv()
    for process, _ in writers:
        os.kill(process.pid or 0, signal.SIGKILL)
    for place, (process, ours) in enumerate(writers):
        process.join()
        with suppress(EOFError):
            while True:
                told[place] = ours.recv()
    return told


def _write_for_ever(guest_key: str, told: Connection) -> None:
    from tests.bench.history import set_up

    set_up()
    from instainstru import clock
    from search.models import SearchHistory

    done = 0
    while True:
        query = QUERIES[done % len(QUERIES)]
        SearchHistory.objects.record(
            query=query, results_count=1, now=clock.now(), guest_key=guest_key
        )
        done += 1
        told.send(done)
