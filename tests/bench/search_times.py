"""``bin/bench search``: how long searches take in the server, by part, in the city that is there.

Asks the queries of a file (the development queries unless told otherwise) of a running site's
database, twice, and prints the second round: p50 and p95 in milliseconds; p95 of the first, in
which the process knows no calendar; the memory that search adds to a process, and how many of the
first ten can be booked when a time is asked.
"""

import argparse
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

QUERIES = Path(__file__).resolve().parents[1] / "search" / "data" / "dev_queries.jsonl"
SPREAD = 100


def percentile(times: list[float], share: float) -> float:
    """Return the value below which that share of the times lies, to a tenth."""
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def _resident_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(path: Path) -> dict[str, Any]:
    """Search for every query and return what it took."""
    import django

    django.setup()
    from catalog.models import Instructor
    from instainstru import clock
    from instainstru.first_request import keep_loaded
    from search.evaluation import read_queries
    from search.services import run_search

    said = [row["q"] for row in read_queries(path)]
    before_mb = _resident_mb()
    began = time.perf_counter()
    run_search(said[0], now=clock.now())
    cold_ms = (time.perf_counter() - began) * 1000
    first = []
    for text in said:
        started = time.perf_counter()
        run_search(text, now=clock.now())
        first.append((time.perf_counter() - started) * 1000)
    keep_loaded()  # as a web process does after its warm-up
    times, shown, bookable = [], 0, 0
    for text in said:
        started = time.perf_counter()
        result = run_search(text, now=clock.now())
        times.append((time.perf_counter() - started) * 1000)
        if not result.demand.window.is_open_ended:
            shown += len(result.hits[:10])
            bookable += sum(bool(hit.starts) for hit in result.hits[:10])
    return {
        "instructors": Instructor.objects.live().count(),
        "queries": len(said),
        "mean_ms": round(statistics.fmean(times), 1),
        "p50_ms": percentile(times, 0.5),
        "p95_ms": percentile(times, 0.95),
        "first_p95_ms": percentile(first, 0.95),
        "cold_ms": round(cold_ms),
        "added_mb": round(_resident_mb() - before_mb),
        "bookable_share": round(bookable / shown, 3) if shown else None,
    }


def main() -> int:
    """Print one JSON object."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "instainstru.settings")
    os.environ.setdefault("LOG_LEVEL", "ERROR")
    parser = argparse.ArgumentParser(prog="bin/bench search", description=__doc__)
    parser.add_argument("--queries", type=Path, default=QUERIES)
    options = parser.parse_args(sys.argv[1:])
    sys.stdout.write(f"{json.dumps(measure(options.queries))}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
