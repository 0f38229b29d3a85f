"""``bin/bench``: measure the product and the floor app in interleaved rounds of one run."""

import argparse
import math
import os
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import Any

from instainstru.database.embedded import EmbeddedServersError
from tests.bench import machine, report
from tests.bench.load import BenchError, Lesson, Load, check, require_wrk, run_each, run_wrk
from tests.bench.report import LOUD_CORES, Sample
from tests.bench.rows import Row, floor_rows, product_rows
from tests.bench.servers import (
    Server,
    Stage,
    connection_times,
    reconciliation_time,
    sign_in_times,
    stage,
)

LESSONS_A_ROUND = 32
TRIES = 2
PATIENCE_SECONDS = 2.0
WARM_UP_SECONDS = 1
# What is unanswered at the end costs processor time too: with fewer answers it would count.
FEWEST_ANSWERS, LONGEST_SECONDS = 80, 8
BEGAN = time.monotonic()


def say(text: str) -> None:
    """Tell the person who waits, with the seconds since the start."""
    sys.stdout.write(f"{time.monotonic() - BEGAN:4.0f} s  {text}\n")
    sys.stdout.flush()


class Bench:
    """One run on running servers."""

    def __init__(self, on: Stage, *, rounds: int, seconds: int) -> None:
        self.stage, self.rounds, self.seconds = on, rounds, seconds
        self.rows = [*floor_rows(on.floor_session), *product_rows(on.city)]
        self.samples: dict[str, list[Sample]] = defaultdict(list)
        self.seconds_of: dict[str, int] = {}
        self.lessons = iter([Lesson(**values) for values in on.city["lessons"]])
        self.watch = machine.Watch((os.getpid(), on.database_pid))

    def run(self) -> list[dict[str, Any]]:
        """Warm up, measure round by round in turning order, and return the summaries."""
        say("Checking and warming up")
        pages = [row for row in self.rows if row.address is not None]
        for row in pages:
            self._check_and_warm_up(row)
        self._book(is_kept=False)
        for number in range(self.rounds):
            say(f"Round {number + 1} of {self.rounds}")
            for row in reversed(pages) if number % 2 else pages:
                self.samples[row.key].append(self._measure(row))
            self._book(is_kept=True)
        return report.summarise(self.rows, self.samples)

    def _check_and_warm_up(self, row: Row) -> None:
        """Warm up, and give a slow page the time for a fair number of answers."""
        assert row.address is not None
        port = self._server(row).port
        check(port, row.address)
        rate = run_wrk(port, row.address, seconds=WARM_UP_SECONDS).rate
        needed = math.ceil(FEWEST_ANSWERS / rate) if rate else LONGEST_SECONDS
        self.seconds_of[row.key] = max(self.seconds, min(needed, LONGEST_SECONDS))

    def _measure(self, row: Row) -> Sample:
        """Measure once, and once more where others disturbed it; keep the quieter one."""
        assert row.address is not None
        server = self._server(row)
        load = partial(run_wrk, server.port, row.address, seconds=self.seconds_of[row.key])
        tries: list[Sample] = []
        for _ in range(TRIES):
            machine.wait_until_idle(PATIENCE_SECONDS)
            tries.append(self._sample(server, load, row.title))
            if tries[-1].foreign_cores <= LOUD_CORES:
                break
        return min(tries, key=lambda sample: sample.foreign_cores)

    def _book(self, *, is_kept: bool) -> None:
        """Hold and pay a round's lessons, each with an own student and an own time."""
        server = self.stage.product
        held: dict[Lesson, str] = {}
        lessons = list(islice(self.lessons, LESSONS_A_ROUND))
        for key, step in (("hold", Lesson.hold), ("pay", Lesson.pay)):
            tasks = [partial(step, lesson, server.port, held) for lesson in lessons]
            machine.wait_until_idle(PATIENCE_SECONDS)
            sample = self._sample(server, partial(run_each, tasks), key)
            if is_kept:
                self.samples[key].append(sample)

    def _sample(self, server: Server, run: Callable[[], Load], title: str) -> Sample:
        before = self._processor_seconds(server)
        earlier = self.watch.look()
        load = run()
        foreign = self.watch.cores_since(earlier)
        after = self._processor_seconds(server)
        if load.failed or not load.requests:
            raise BenchError(f"{title}: {load.failed} of {load.requests} requests failed")
        app_ms, data_ms = (
            (then - now) * 1000 / load.requests for now, then in zip(before, after, strict=True)
        )
        return Sample(load, app_ms=app_ms, data_ms=data_ms, foreign_cores=foreign)

    def _processor_seconds(self, server: Server) -> tuple[float, float]:
        data = machine.tree_seconds([self.stage.database_pid])
        return machine.tree_seconds([server.pid]), data

    def _server(self, row: Row) -> Server:
        return self.stage.floor if row.is_floor else self.stage.product


def main() -> int:
    """Measure, print the table, write the report; 1 where a goal is missed, 2 where it broke."""
    options = _options()
    # The servers must end in order, also when somebody stops the run.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        require_wrk()
        result = _measure(options)
    except (BenchError, EmbeddedServersError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    flagged = report.regressions(result, report.last_report())
    sys.stdout.write("\n".join([*report.table(result["rows"]), ""]))
    say(f"The tier gate adds {result['connect']['overhead_ms']:.2f} ms to a new connection.")
    for text in flagged:
        say(f"Slower than the last report: {text}")
    for path in report.write(result, flagged):
        say(f"Written: {path.relative_to(report.ROOT)}")
    return int(report.has_missed(result))


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    about = machine.description()
    lessons = LESSONS_A_ROUND * (options.rounds + 1)
    with stage(instructors=options.instructors, lessons=lessons, say=say) as on:
        rows = Bench(on, rounds=options.rounds, seconds=options.seconds).run()
        connect = connection_times(on.environment)
        say("Trying wrong passwords")
        sign_in = sign_in_times(on.environment)
        say("Comparing the books")
        reconciled = reconciliation_time(on.environment)
    return {
        "version": report.VERSION,
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%MZ"),
        "machine": about,
        "rounds": options.rounds,
        "seconds": options.seconds,
        "instructors": options.instructors,
        "connect": connect,
        "sign_in": sign_in,
        "reconcile": reconciled,
        "rows": rows,
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--rounds", type=_between(1, 50), default=5)
    parser.add_argument("--seconds", type=_between(1, 60), default=2, help="of each measurement")
    parser.add_argument("--instructors", type=_between(20, 20_000), default=2000)
    return parser.parse_args()


def _between(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be from {least} to {most:,}")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
