"""Reads one calendar file from the internet, trusting neither the address nor the answer.

A host name is resolved once for each hop; all its addresses must be public, and the connection goes
to one of these very addresses, so a name that changes its mind in between wins nothing. The name is
still what the certificate and the ``Host`` line must say. Size and time are bounded over all hops.
Spec: S15.9
"""

import io
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from typing import Any, Final, Protocol
from urllib.parse import urljoin

from bookings.calendars.addresses import (
    HTTPS_PORT,
    Address,
    AddressRefusedError,
    is_public,
    parse_address,
)

MOST_BYTES: Final = 1024 * 1024
MOST_SECONDS: Final = 10.0
MOST_REDIRECTS: Final = 3
MOST_TRIES: Final = 3
TRY_SECONDS: Final = 4.0
_CHUNK = 16 * 1024
_REDIRECTS = frozenset(
    {
        HTTPStatus.MOVED_PERMANENTLY,
        HTTPStatus.FOUND,
        HTTPStatus.SEE_OTHER,
        HTTPStatus.TEMPORARY_REDIRECT,
        HTTPStatus.PERMANENT_REDIRECT,
    }
)
_ANY_ZLIB = 32 + zlib.MAX_WBITS


class FetchError(Exception):
    """No calendar came; ``code`` says why and holds nothing of the address."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Connection(Protocol):
    """What is needed of an encrypted connection."""

    def settimeout(self, value: float | None, /) -> None:
        """Bound the next step, in seconds."""

    def sendall(self, data: bytes, /) -> None:
        """Send everything."""

    def recv_into(self, buffer: Any, /) -> int:
        """Receive what is there."""

    def close(self) -> None:
        """End it."""


Resolve = Callable[[str], Sequence[str]]
"""From a host name to its numeric addresses."""
Connect = Callable[[str, str, float], Connection]
"""From a numeric address, a host name and seconds to a connection whose certificate is checked."""


def resolve(host: str) -> Sequence[str]:
    """Ask the system's resolver."""
    found = socket.getaddrinfo(host, HTTPS_PORT, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(ip: str, host: str, seconds: float) -> Connection:
    """Open a connection to exactly this address and let it prove that it is the host."""
    plain = socket.create_connection((ip, HTTPS_PORT), timeout=seconds)
    try:
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


@dataclass(frozen=True, kw_only=True)
class Fetcher:
    """Fetches calendars; the parts that touch the world can be others in tests."""

    resolve: Resolve = resolve
    connect: Connect = connect
    monotonic: Callable[[], float] = field(default=time.monotonic)

    def fetch(self, url: str) -> bytes:
        """Return the file at an address; raises ``FetchError``. Spec: S15.9"""
        deadline = self.monotonic() + MOST_SECONDS
        try:
            for _ in range(MOST_REDIRECTS + 1):
                answer = self._ask(parse_address(url), deadline)
                if isinstance(answer, bytes):
                    return answer
                url = urljoin(url, answer)
        except AddressRefusedError as error:
            raise FetchError(error.code) from None
        # What these say may hold the address, which is a secret.
        except TimeoutError:
            raise FetchError("too_slow") from None
        except ssl.SSLError:
            raise FetchError("certificate") from None
        except (OSError, HTTPException, ValueError, zlib.error):
            raise FetchError("unreachable") from None
        raise FetchError("redirects")

    def _ask(self, address: Address, deadline: float) -> bytes | str:
        """Return the file, or the place that the answer sends on to."""
        link = self._open(address.host, deadline)
        try:
            link.settimeout(self._left(deadline))
            link.sendall(_request(address))
            answer = HTTPResponse(_Reader(link, lambda: self._left(deadline)), method="GET")  # type: ignore[arg-type]
            answer.begin()
            if answer.status in _REDIRECTS:
                return answer.headers.get("Location", "")
            if answer.status != HTTPStatus.OK:
                raise FetchError("refused")
            return _body(answer)
        finally:
            link.close()

    def _open(self, host: str, deadline: float) -> Connection:
        """Connect to one of the addresses that were looked at: not each answers everywhere."""
        for ip in self._public_ips(host, deadline)[:MOST_TRIES]:
            try:
                return self.connect(ip, host, min(self._left(deadline), TRY_SECONDS))
            except ssl.SSLError:
                raise
            except OSError:
                self._left(deadline)
        raise FetchError("unreachable")

    def _public_ips(self, host: str, deadline: float) -> Sequence[str]:
        pool = ThreadPoolExecutor(max_workers=1)
        try:
            found = pool.submit(self.resolve, host).result(timeout=self._left(deadline))
        except (OSError, UnicodeError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise FetchError("unknown_host") from None
        finally:
            # The system's resolver cannot be stopped; it is not waited for either.
            pool.shutdown(wait=False)
        if not found or not all(is_public(ip) for ip in found):
            raise FetchError("not_public" if found else "unknown_host")
        return found

    def _left(self, deadline: float) -> float:
        left = deadline - self.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _request(address: Address) -> bytes:
    host = f"[{address.host}]" if ":" in address.host else address.host
    lines = (
        f"GET {address.target} HTTP/1.1",
        f"Host: {host}",
        "User-Agent: InstaInstru calendar reader",
        "Accept: text/calendar, text/plain;q=0.5, */*;q=0.1",
        "Accept-Encoding: gzip",
        "Connection: close",
    )
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _body(answer: HTTPResponse) -> bytes:
    """Return the body; neither what is sent nor what it unpacks to may pass the most bytes."""
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"identity", "gzip", "deflate", ""}:
        raise FetchError("unreachable")
    sent = bytearray()
    while chunk := answer.read(min(_CHUNK, MOST_BYTES + 1 - len(sent))):
        sent += chunk
        if len(sent) > MOST_BYTES:
            raise FetchError("too_large")
    if encoding in {"identity", ""}:
        return bytes(sent)
    unpacked = zlib.decompressobj(_ANY_ZLIB).decompress(bytes(sent), MOST_BYTES + 1)
    if len(unpacked) > MOST_BYTES:
        raise FetchError("too_large")
    return unpacked


class _Reader(io.RawIOBase):
    """A connection as a file, with the time that is left before each step."""

    def __init__(self, link: Connection, left: Callable[[], float]) -> None:
        self._link, self._left_seconds = link, left

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the file that ``HTTPResponse`` reads."""
        return io.BufferedReader(self, _CHUNK)

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Receive within the time that is left."""
        self._link.settimeout(self._left_seconds())
        return self._link.recv_into(buffer)
