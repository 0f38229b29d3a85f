"""An internet without a network: names, sites that answer once each, and calendar files."""

import gzip
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bookings.calendars.fetching import Fetcher

PUBLIC = "93.184.215.14"


def calendar(*events: str, zone: str = "", extra: str = "") -> bytes:
    """Return a file of events, each given as its lines."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Somebody//EN"]
    if zone:
        lines.append(f"X-WR-TIMEZONE:{zone}")
    if extra:
        lines.append(extra.strip())
    for event in events:
        lines += ["BEGIN:VEVENT", event.strip(), "END:VEVENT"]
    text = "\n".join([*lines, "END:VCALENDAR", ""])
    return "\r\n".join(line.strip() for line in text.split("\n")).encode()


def answer(
    body: bytes = b"", *, status: str = "200 OK", headers: Iterable[str] = (), sent: bytes = b""
) -> bytes:
    """Return what a site sends."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode() + (sent or body)


def moved(location: str, status: str = "302 Found") -> bytes:
    return answer(status=status, headers=[f"Location: {location}"])


def zipped(body: bytes) -> bytes:
    return answer(gzip.compress(body), headers=["Content-Encoding: gzip"])


@dataclass
class Link:
    """One connection: sends back a fixed answer, a few bytes at a time."""

    stage: "Stage"
    data: bytes

    def settimeout(self, value: float | None, /) -> None:
        assert value is not None
        assert value > 0

    def sendall(self, data: bytes, /) -> None:
        self.stage.requests.append(data.decode())

    def recv_into(self, buffer: Any, /) -> int:
        self.stage.now += self.stage.seconds_a_piece
        size = min(len(buffer), self.stage.piece, len(self.data))
        buffer[:size], self.data = self.data[:size], self.data[size:]
        return size

    def close(self) -> None:
        self.stage.closed += 1


@dataclass
class Stage:
    """What the world says: ``names`` gives the addresses of each look-up of a host in turn."""

    answers: list[bytes] = field(default_factory=list)
    names: dict[str, list[list[str]]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    opened: list[tuple[str, str]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    closed: int = 0
    now: float = 0.0
    seconds_a_piece: float = 0.0
    piece: int = 4096

    def resolve(self, host: str) -> list[str]:
        self.looked_up.append(host)
        found = self.names.get(host, [[PUBLIC]])
        return found.pop(0) if len(found) > 1 else found[0]

    def connect(self, ip: str, host: str, seconds: float) -> Link:
        self.opened.append((ip, host))
        return Link(self, self.answers.pop(0))

    @property
    def fetcher(self) -> Fetcher:
        return Fetcher(resolve=self.resolve, connect=self.connect, monotonic=lambda: self.now)
