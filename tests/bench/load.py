"""Sends requests to a server on this machine and measures the answers."""

import http.client
import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

HOST: Final = "127.0.0.1"
CONNECTIONS: Final = 8
SCRIPT: Final = Path(__file__).with_name("requests.lua")
SPARE_SECONDS: Final = 20
ANSWER_SECONDS: Final = 20
TOKEN: Final = "b" * 32
"""The token of every browser of the benchmark."""


class BenchError(Exception):
    """A server did not answer as it must, or there is no load generator."""


@dataclass(frozen=True)
class Address:
    """One thing to ask for; ``status`` is the only right answer."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    has_own_addresses: bool = False
    """Each request names another client address, since this page is limited for each."""
    own_parameter: str = ""
    """Each request has another value of this parameter, so that no kept page answers it."""


@dataclass(frozen=True)
class Load:
    """What one run of requests took."""

    requests: int
    seconds: float
    bytes: int
    failed: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Answer:
    """What a server said once."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def require_wrk() -> None:
    """Raise BenchError unless the load generator is there."""
    if shutil.which("wrk") is None:
        raise BenchError("wrk is missing; install the package of that name and run again")


def ask(port: int, address: Address, body: str = "") -> Answer:
    """Send one request and return the answer, whatever it is."""
    call = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    headers = dict(address.headers)
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    with closing(call):
        call.request(address.method, address.path, body=body or None, headers=headers)
        response = call.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())


def check(port: int, address: Address) -> Answer:
    """Ask once; raises BenchError for a wrong answer, which would be measured as a fast page."""
    answer = ask(port, address)
    if answer.status != address.status:
        raise BenchError(f"{address.path} answers {answer.status}, not {address.status}")
    return answer


def run_wrk(port: int, address: Address, *, seconds: int) -> Load:
    """Ask for one address from eight connections for some seconds."""
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
    command += [f"--timeout={ANSWER_SECONDS}s", "-s", str(SCRIPT)]
    for name, value in address.headers.items():
        command += ["-H", f"{name}: {value}"]
    command += [f"http://{HOST}:{port}{address.path}", "--", address.method]
    if address.has_own_addresses:
        command.append("addresses")
    if address.own_parameter:
        command.append(f"parameter={address.own_parameter}")
    limit = seconds + SPARE_SECONDS
    done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=True)
    return Load(**json.loads(done.stdout.splitlines()[-1]))


def run_each(tasks: Sequence[Callable[[], bool]]) -> Load:
    """Run every task once, eight at a time; each says whether it went well."""
    waits: list[float] = []

    def timed(task: Callable[[], bool]) -> bool:
        began = time.perf_counter()
        went_well = task()
        waits.append((time.perf_counter() - began) * 1000)
        return went_well

    began = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        results = list(pool.map(timed, tasks))
    seconds = time.perf_counter() - began
    slowest = statistics.quantiles(waits, n=100, method="inclusive")[98]
    failed = results.count(False)
    return Load(len(tasks), seconds, 0, failed, statistics.median(waits), slowest)


@dataclass(frozen=True)
class Lesson:
    """A student without credit who will book one open time with a test card."""

    cookie: str
    learner: str
    slug: str
    service: str
    minutes: int
    start: str
    cents: int

    def hold(self, port: int, held: dict["Lesson", str]) -> bool:
        """Hold the time, and note where the lesson is paid for."""
        fields = {"service": self.service, "duration": self.minutes, "place": "online"}
        answer = self._post(port, f"/i/{self.slug}/book/", fields | {"start": self.start})
        if answer.status in (http.HTTPStatus.FOUND, http.HTTPStatus.SEE_OTHER):
            held[self] = answer.headers["location"]
        return self in held

    def pay(self, port: int, held: dict["Lesson", str]) -> bool:
        """Pay for the held time; the answer leads to the confirmed lesson."""
        fields = {"learner": self.learner, "terms": "on", "note": "", "idempotency_key": "bench"}
        fields["due_cents"] = str(self.cents)
        card = {"number": "4242424242424242", "expiry": "12/40", "cvc": "123", "zip": "11215"}
        fields |= {f"card_{name}": value for name, value in card.items()}
        answer = self._post(port, f"{held[self]}pay/", fields)
        return answer.headers.get("location", "").endswith("/confirmed/")

    def _post(self, port: int, path: str, fields: dict[str, Any]) -> Answer:
        headers = {"Cookie": self.cookie}
        body = urlencode(fields | {"csrfmiddlewaretoken": TOKEN})
        return ask(port, Address(path, "POST", headers), body)
