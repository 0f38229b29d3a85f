"""What the offline gateway does by itself: late results, and telling us by webhook (Spec: S14.1).

It calls the site's own webhook address over the network as a payment company does, with a signed
body, and again with growing pauses until somebody answers with a 2xx.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.error import URLError
from urllib.request import Request, urlopen

import structlog
from django.conf import settings
from django.urls import reverse

from bookings.payments.gateways import OFFLINE
from bookings.payments.gateways.test import OfflineGateway, webhook_secret
from bookings.payments.models import OfflineEvent, OfflineIntent
from instainstru.signatures import sign

BATCH_SIZE = 100
TIMEOUT_SECONDS = 5
FIRST_RETRY, MOST_TRIES = timedelta(seconds=10), 12
OK, REDIRECTS = 200, 300

Post = Callable[[str, bytes, str], int]
log = structlog.get_logger(__name__)


def send_events(now: datetime, *, post: Post | None = None) -> int:
    """Let late results come, then deliver what is due; return how many were taken.

    ``post`` sends one body with its signature to an address and returns the status.
    """
    gateway, post = OfflineGateway(), post or _post
    late = OfflineIntent.objects.filter(status="pending", result_at__lte=now)
    for reference in list(late.values_list("reference", flat=True)[:BATCH_SIZE]):
        gateway.fetch(reference=reference)
    due = OfflineEvent.objects.filter(
        delivered_at=None, next_try_at__lte=now, tries__lt=MOST_TRIES
    ).order_by("pk")
    return sum(_deliver(event, now, post) for event in list(due[:BATCH_SIZE]))


def _deliver(event: OfflineEvent, now: datetime, post: Post) -> bool:
    body = json.dumps(
        {"id": event.event_id, "type": event.kind, "payment": event.reference}
    ).encode()
    address = settings.SITE_URL + reverse("payments:webhook", args=[OFFLINE])
    try:
        status = post(address, body, sign(body, secret=webhook_secret(), at=now))
    except (URLError, OSError):
        status = 0
    is_taken = OK <= status < REDIRECTS
    pause = FIRST_RETRY * 2 ** min(event.tries, 10)
    OfflineEvent.objects.filter(pk=event.pk).update(
        tries=event.tries + 1,
        delivered_at=now if is_taken else None,
        next_try_at=now + pause,
    )
    return is_taken


def _post(address: str, body: bytes, signature: str) -> int:
    request = Request(  # noqa: S310 - our own address, from the settings
        address,
        data=body,
        headers={"Content-Type": "application/json", "X-Signature": signature},
        method="POST",
    )
    with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        return int(answer.status)
