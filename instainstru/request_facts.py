"""What is known about the request being answered, for rows that must name it (Spec: S5.9)."""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from instainstru.http import client_address


@dataclass(frozen=True)
class RequestFacts:
    """The id that the answer also carries, and the client's address."""

    request_id: str = ""
    address: str = ""

    @property
    def ip_hash(self) -> str:
        """A keyed hash of the address, the same for the same address; empty without one.

        Without the key the 65,536 addresses of a network cannot be tried (Spec: 10 section 6).
        """
        return hashed_address(self.address) if self.address else ""


_facts: ContextVar[RequestFacts | None] = ContextVar("request_facts", default=None)


def hashed_address(address: str) -> str:
    """Return the keyed hash of an address, 32 hexadecimal characters."""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"address:{address}".encode(), hashlib.sha256).hexdigest()[:32]


def request_facts() -> RequestFacts:
    """Return the facts of the request being answered; empty in commands and tasks."""
    return _facts.get() or RequestFacts()


@contextmanager
def answering(facts: RequestFacts) -> Iterator[None]:
    """Make the facts known to everything that runs inside."""
    token = _facts.set(facts)
    try:
        yield
    finally:
        _facts.reset(token)


class RequestFactsMiddleware:
    """Keep the id that the log gave the request, and where it came from, while it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer with the facts known."""
        request_id = getattr(request, "request_id", "")
        with answering(RequestFacts(request_id, client_address(request))):
            return self.get_response(request)
