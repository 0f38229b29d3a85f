"""``bin/bench history``: many searches of few owners at once; nothing may be lost (Spec: 04 §1).

Runs against the database of a running site (``bin/run``) with people that it makes up and removes:
searches on few rows, sign-ins amid searches, writers that are killed, 5,000 strings and every
character, and what keeping one search and its event costs by itself.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from secrets import token_urlsafe
from typing import Any

PROCESSES = 4


def set_up() -> None:
    """Make Django ready in a process of its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    import django

    django.setup()


def _client(job: tuple[list[str], int, int]) -> dict[str, int]:
    """Search with some threads of one process; count what was answered and what failed."""
    guests, threads, searches = job
    set_up()
    from django.db import DatabaseError, connection

    from instainstru import clock
    from search.models import SearchHistory

    def run(number: int) -> tuple[int, int, int]:
        done = deadlocks = failed = 0
        for step in range(searches):
            try:
                SearchHistory.objects.record(
                    guest_key=guests[(number + step) % len(guests)],
                    query="piano in brooklyn",
                    results_count=7,
                    now=clock.now(),
                )
                done += 1
            except DatabaseError as error:
                is_deadlock = getattr(error.__cause__, "sqlstate", "") == "40P01"
                deadlocks, failed = deadlocks + is_deadlock, failed + (not is_deadlock)
        connection.close()
        return done, deadlocks, failed

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(run, range(threads)))
    return {
        name: sum(row[place] for row in found)
        for place, name in enumerate(("done", "deadlocks", "failed"))
    }


def measure(*, searches: int, clients: int, keys: int) -> dict[str, Any]:
    """Write ``searches`` from ``clients`` at once onto ``keys`` rows; count what the rows say."""
    guests = [token_urlsafe(24) for _ in range(keys)]
    threads = clients // PROCESSES
    job = (guests, threads, searches // clients)
    began = time.perf_counter()
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        found = pool.map(_client, [job] * PROCESSES)
    seconds = time.perf_counter() - began
    set_up()
    from django.db.models import Sum

    from search.models import SearchHistory

    rows = SearchHistory.objects.filter(guest_key__in=guests)
    counted = rows.aggregate(total=Sum("search_count"))["total"] or 0
    kept = rows.count()
    rows.delete()
    done = sum(each["done"] for each in found)
    return {
        "searches": done,
        "per_second": round(done / seconds),
        "lost": done - counted,
        "duplicates": kept - keys,
        "deadlocks": sum(each["deadlocks"] for each in found),
        "failed": sum(each["failed"] for each in found),
    }


def main() -> int:
    """Print one JSON object; 1 when something was lost, doubled, deadlocked or failed."""
    parser = argparse.ArgumentParser(prog="bin/bench history", description=__doc__)
    parser.add_argument("--searches", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--keys", type=int, default=10)
    parser.add_argument("--merges", type=int, default=200, help="Sign-ins amid searches.")
    parser.add_argument("--kills", type=int, default=5, help="Writers that are killed.")
    parser.add_argument("--strings", type=int, default=5_000)
    options = parser.parse_args(sys.argv[1:])
    found = measure(searches=options.searches, clients=options.clients, keys=options.keys)
    from tests.bench import history_costs, history_races, history_words

    found["merge"] = history_races.merge_while_searching(options.merges)
    found["killed"] = history_races.kill_writers(options.kills)
    found["words"] = history_words.compare(options.strings)
    found["alone"] = history_costs.measure()
    sys.stdout.write(f"{json.dumps(found)}\n")
    faults = [found[name] for name in ("lost", "duplicates", "deadlocks", "failed")]
    faults += [found["merge"][name] for name in ("lost", "duplicates", "failed")]
    faults += [found["killed"]["lost"], found["words"]["unstable"], found["words"]["shared"]]
    return int(any(faults))


if __name__ == "__main__":
    sys.exit(main())
