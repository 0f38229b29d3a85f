"""``bin/bench searches``: people who search all the time, through HTTP, in a city of its own.

Requests begin at even distances whether or not earlier ones were answered, as strangers do, and
each counts from the moment it was due: a server that cannot keep up shows ever longer times. Asks
the development queries in a seeded order; prints the second round, in which the processes know the
words. Spec: 04 section 6
"""

import argparse
import json
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from tests.bench.load import Address, ask
from tests.bench.search_times import QUERIES, percentile
from tests.load.site import site

CALLERS: Final = 60
SEARCH: Final = Address("/search/")


def measure(
    path: Path, *, instructors: int, per_second: float, seconds: int, seed: int
) -> dict[str, Any]:
    """Search at a steady rate and return what it took, in milliseconds."""
    said = [json.loads(line)["q"] for line in path.read_text().splitlines() if line.strip()]
    luck = random.Random(seed)  # noqa: S311 - an order, not a secret
    with site(instructors=instructors, lessons=1, has_worker=False) as found:
        rounds = [
            _round(found.port, luck.choices(said, k=round(per_second * seconds)), per_second)
            for _ in range(2)
        ]
    times, wrong = rounds[-1]
    return {
        "instructors": instructors,
        "per_second": per_second,
        "searches": len(times),
        "not_200": wrong,
        "p50_ms": percentile(times, 0.5),
        "p95_ms": percentile(times, 0.95),
        "p99_ms": percentile(times, 0.99),
        "first_p95_ms": percentile(rounds[0][0], 0.95),
    }


def _round(port: int, queries: list[str], per_second: float) -> tuple[list[float], int]:
    began = time.perf_counter()

    def search(job: tuple[int, str]) -> tuple[float, bool]:
        number, text = job
        due = began + number / per_second
        time.sleep(max(0.0, due - time.perf_counter()))
        # Each person has an address of their own, as searches are limited for each.
        caller = {"X-Forwarded-For": f"10.{number // 250 % 250}.{number % 250}.1"}
        address = replace(SEARCH, path=f"/search/?{urlencode({'q': text})}", headers=caller)
        answer = ask(port, address)
        return (time.perf_counter() - due) * 1000, answer.status == SEARCH.status

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(search, enumerate(queries)))
    return [took for took, _ in answers], sum(not is_right for _, is_right in answers)


def main() -> int:
    """Print one JSON object; fail when a search was not answered."""
    parser = argparse.ArgumentParser(prog="bin/bench searches", description=__doc__)
    parser.add_argument("--queries", dest="path", type=Path, default=QUERIES)
    parser.add_argument("--instructors", type=int, default=2000)
    parser.add_argument("--per-second", type=float, default=30)
    parser.add_argument("--seconds", type=int, default=30, help="Of each of the two rounds.")
    parser.add_argument("--seed", type=int, default=1)
    found = measure(**vars(parser.parse_args()))
    sys.stdout.write(f"{json.dumps(found)}\n")
    return int(bool(found["not_200"]))


if __name__ == "__main__":
    sys.exit(main())
