"""How a stored text leaves: by ``TEXT_URL``, or, on INT and STG, not at all (Spec: S13.6, G15).

The provider, or a small bridge to one, takes ``POST TEXT_URL`` with the JSON object
``{"id", "to", "text"}``, signed in ``Text-Signature`` with ``TEXT_SECRET`` as webhooks are
(``instainstru.signatures``), and answers 2xx once it will send it. A repeated ``id`` is the same
text: it must not be sent twice.
"""

import json
from http.client import HTTPResponse
from typing import Any, Self
from urllib.request import HTTPRedirectHandler, Request, build_opener

from django.conf import settings

from bookings.notifications.models import OutgoingText
from bookings.notifications.relay import KeptForReading, Transport
from instainstru import clock
from instainstru.signatures import sign

TIMEOUT_SECONDS = 10
SIGNATURE_HEADER = "Text-Signature"


class _NoRedirects(HTTPRedirectHandler):
    """A provider that moved is an error: what is signed for one address goes to no other."""

    def redirect_request(self, *details: Any) -> None:
        """Follow nothing; the answer becomes an ``HTTPError``."""


_opener = build_opener(_NoRedirects)


class Provider:
    """Sends through the provider of ``TEXT_URL``."""

    def __init__(self, url: str, secret: str) -> None:
        self._url, self._secret = url, secret.encode()

    def send(self, row: OutgoingText, /) -> None:
        """Hand over one text; raise when it was not taken."""
        body = json.dumps({"id": row.public_id, "to": row.to, "text": row.text}).encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: sign(body, secret=self._secret, at=clock.now()),
        }
        request = Request(self._url, data=body, headers=headers, method="POST")  # noqa: S310 - checked at start
        answer: HTTPResponse
        with _opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            answer.read(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        return None


def open_text_transport() -> Transport[OutgoingText] | None:
    """Return the configured transport, or None on PROD without a provider."""
    if settings.TEXT_URL:
        return Provider(settings.TEXT_URL, settings.TEXT_SECRET)
    return None if settings.IS_PROD else KeptForReading()
