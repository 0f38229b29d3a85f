"""``bin/stress kills``: people book while one process after another is killed; then all is checked.

Web, worker, Valkey and PostgreSQL of a site of its own get SIGKILL at seeded moments, again and
again; ``manage.py up`` and the servers' supervisor start them anew, as on a real machine. Buyers
do what people do: they try again, and look where their payment stands. Spec: 05 section 1
"""

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from tests.bench.load import TOKEN, Address, Answer, Lesson, ask
from tests.bench.servers import json_of
from tests.load.site import Site, data, site_on

BUYERS: Final = 8
TRIES: Final = 60
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 2.0
RECOVERY_SECONDS: Final = 90
CARD: Final = {"number": "4242424242424242", "expiry": "12/40", "cvc": "123", "zip": "11215"}


@dataclass
class Buyer:
    """One person who wants one lesson, and does not give up because a page did not come."""

    lesson: Lesson
    port: int
    hold_path: str = ""
    code: str = ""
    answers: list[str] = field(default_factory=list)

    def buy(self) -> None:
        """Hold and pay until the site says that the lesson is booked."""
        pause = FIRST_PAUSE_SECONDS
        for number in range(TRIES):
            try:
                self._step(number)
            except (OSError, HTTPException) as error:
                self.answers.append(type(error).__name__)
            if self.code:
                return
            if self.answers[-1] != "302":
                time.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _step(self, number: int) -> None:
        if not self.hold_path:
            fields = {"service": self.lesson.service, "duration": self.lesson.minutes}
            fields |= {"place": "online", "start": self.lesson.start}
            answer = self._send("POST", f"/i/{self.lesson.slug}/book/", fields)
            self.hold_path = answer.headers.get("location", "") if answer.status == 302 else ""
            return
        # Somebody who got no answer looks at the page first; its form has a key of its own.
        if number > 1 and self._read(self._send("GET", self.hold_path)):
            return
        fields = {"learner": self.lesson.learner, "terms": "on", "note": ""}
        fields |= {f"card_{name}": value for name, value in CARD.items()}
        fields |= {"due_cents": str(self.lesson.cents), "idempotency_key": f"key-{number}"}
        self._read(self._send("POST", f"{self.hold_path}pay/", fields))

    def _read(self, answer: Answer) -> bool:
        """Note the code of a lesson that the answer leads to."""
        parts = answer.headers.get("location", "").split("/")
        if parts[-2:] == ["confirmed", ""]:
            self.code = parts[-3]
        return bool(self.code)

    def _send(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Answer:
        body = urlencode((fields or {}) | {"csrfmiddlewaretoken": TOKEN}) if fields else ""
        answer = ask(self.port, Address(path, method, {"Cookie": self.lesson.cookie}), body)
        self.answers.append(str(answer.status))
        return answer


# --- what is killed ------------------------------------------------------------------------------
def children_of(pid: int) -> list[int]:
    """Return the numbers of the processes that a process started and that live."""
    path = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(number) for number in path.read_text().split()] if path.exists() else []


def command_of(pid: int) -> str:
    """Return the command line of a process; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").replace("\0", " ")
    except OSError:
        return ""


def _part(site: Site, word: str) -> int | None:
    found = (pid for pid in children_of(site.pid) if word in command_of(pid))
    return next(found, None)


def _child(pid: int | None, word: str = "") -> int | None:
    rows = [child for child in children_of(pid or 0) if word in command_of(child)]
    return rows[-1] if rows else None


TARGETS: Final[dict[str, Callable[[Site], int | None]]] = {
    "web": lambda site: _part(site, "granian"),
    "a web process": lambda site: _child(_part(site, "granian")),
    "worker": lambda site: _part(site, " worker "),
    "a worker process": lambda site: _child(_part(site, " worker ")),
    "Valkey": lambda site: site.server_pids.get("Valkey"),
    "PostgreSQL": lambda site: site.server_pids.get("PostgreSQL"),
    "a PostgreSQL backend": lambda site: _child(site.server_pids.get("PostgreSQL"), "[local]"),
}


def kill(site: Site, target: str) -> bool:
    """Kill one process of this site; false when it was not there."""
    pid = TARGETS[target](site)
    if pid is None or not command_of(pid):
        return False
    os.kill(pid, signal.SIGKILL)
    return True


class Killer(threading.Thread):
    """Kills every target in each round, in a seeded order, as bookings go on."""

    def __init__(self, site: Site, buyers: list[Buyer], *, rounds: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.site, self.buyers = site, buyers
        self.luck = random.Random(seed)  # noqa: S311 - a plan, not a secret
        self.plan = [name for _ in range(rounds) for name in self._shuffled()]
        self.killed: Counter[str] = Counter()
        self.is_over = threading.Event()

    def _shuffled(self) -> list[str]:
        return self.luck.sample(list(TARGETS), len(TARGETS))

    def run(self) -> None:
        """Wait for the next share of booked lessons and a moment more, then kill."""
        share = len(self.buyers) / (len(self.plan) + 1)
        for number, target in enumerate(self.plan, start=1):
            while self._booked() < number * share:
                if self.is_over.wait(0.01):
                    return
            self.is_over.wait(self.luck.uniform(0, 0.3))
            deadline = time.monotonic() + RECOVERY_SECONDS
            while not kill(self.site, target) and time.monotonic() < deadline:
                self.is_over.wait(0.05)
            self.killed[target] += 1

    def _booked(self) -> int:
        return sum(bool(buyer.code) for buyer in self.buyers)


# --- the run -------------------------------------------------------------------------------------
def run(*, bookings: int, rounds: int, seed: int, instructors: int) -> dict[str, Any]:
    """Book amid kills on a site of its own; return what happened and what must be nothing."""
    with data(instructors=instructors) as (folder, environment):
        began, began_at = time.monotonic(), datetime.now(UTC).isoformat()
        with site_on(folder, environment, lessons=bookings, has_worker=True) as site:
            buyers = [Buyer(lesson, site.port) for lesson in site.lessons]
            killer = Killer(site, buyers, rounds=rounds, seed=seed)
            killer.start()
            with ThreadPoolExecutor(BUYERS) as pool:
                list(pool.map(Buyer.buy, buyers))
            killer.is_over.set()
            killer.join()
            seconds = round(time.monotonic() - began)
        codes = [buyer.code for buyer in buyers if buyer.code]
        learners = [buyer.lesson.learner for buyer in buyers]
        stuck = {buyer.hold_path: buyer.answers for buyer in buyers if not buyer.code}
        asked = {"codes": codes, "learners": learners, "began": began_at, "mails": str(site.mails)}
        asked["stuck"] = list(stuck)
        found: dict[str, Any] = json_of(environment, "tests.load.aftermath", json.dumps(asked))
    kills = sum(killer.killed.values())
    repeated = found.pop("sent_again")
    nothing = found["must_be_nothing"]
    nothing["gave_up"] = sum(not buyer.code for buyer in buyers)
    # A process that dies between sending and writing it down repeats that one mail.
    nothing["sent_again_without_a_kill"] = max(0, repeated - kills)
    return {
        "booked": len(codes),
        "seconds": seconds,
        "killed": dict(killer.killed),
        "answers": dict(Counter(_all_answers(buyers))),
        "sent_again": repeated,
        "gave_up": {path: " ".join(answers) for path, answers in stuck.items()},
        **found,
    }


def _all_answers(buyers: list[Buyer]) -> Iterator[str]:
    for buyer in buyers:
        yield from buyer.answers


def main() -> int:
    """Run, print one JSON object, and fail when something that must be nothing is not."""
    parser = argparse.ArgumentParser(prog="bin/stress kills", description=__doc__)
    parser.add_argument("--bookings", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--instructors", type=int, default=600)
    options = vars(parser.parse_args())
    found = run(**options)
    sys.stdout.write(f"{json.dumps(found, indent=1)}\n")
    return int(any(found["must_be_nothing"].values()))


if __name__ == "__main__":
    sys.exit(main())
