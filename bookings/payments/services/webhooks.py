"""Take a gateway's events, and act on what the gateway says is true now (Spec: S14.8)."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from bookings.payments.gateways import gateway_named
from bookings.payments.models import OfflineEvent, PaymentAttempt, WebhookEvent
from bookings.payments.services.refunds import reopen_returned_refunds, settle_refunds

BATCH_SIZE = 100
MOST_TRIES = 20
KEPT = timedelta(days=30)
# Only an end of a payment asks for anything; the other kinds tell what checkout knows already.
ENDS = frozenset({"payment.succeeded", "payment.declined", "payment.cancelled"})
REFUND_ENDS = frozenset({"refund.paid", "refund.failed"})

log = structlog.get_logger(__name__)

Settler = Callable[[int], None]
_settlers: list[Settler] = []


def register_settler(settler: Settler) -> None:
    """Let the app that owns bookings finish an attempt by its id; from ``AppConfig.ready``."""
    _settlers.append(settler)


def receive_event(*, gateway: str, body: bytes, signature: str, now: datetime) -> bool:
    """Write an event down, once, and have it processed after commit.

    Returns whether the payment is one of ours. Raises ``WebhookSignatureError`` for a body that is
    not the gateway's; nothing is stored then. Spec: S14.8
    """
    event = gateway_named(gateway).parse_webhook(body=body, signature=signature, now=now)
    with transaction.atomic():
        _, is_new = WebhookEvent.objects.get_or_create(
            gateway=gateway,
            event_id=event.event_id,
            defaults={"kind": event.kind, "reference": event.reference, "received_at": now},
        )
        if is_new:
            transaction.on_commit(_wake, robust=True)
    is_known = PaymentAttempt.objects.filter(
        gateway=gateway, gateway_reference=event.reference
    ).exists()
    if not is_known:
        log.error("webhook_of_unknown_payment", gateway=gateway, kind=event.kind)
    return is_known


def process_events(now: datetime) -> int:
    """Act on the events that wait; return how many are done.

    Each is tried by itself and again by a later run when it fails; the order does not matter,
    because only what the gateway says now counts. No transaction may be open. Spec: S14.8
    """
    done = 0
    for pk in list(
        WebhookEvent.objects.waiting(MOST_TRIES).values_list("pk", flat=True)[:BATCH_SIZE]
    ):
        event = WebhookEvent.objects.get(pk=pk)
        WebhookEvent.objects.filter(pk=pk).update(tries=event.tries + 1)
        try:
            _act(event, now)
        except Exception:
            log.exception("webhook_not_processed", event_id=event.event_id, tries=event.tries)
            continue
        done += WebhookEvent.objects.filter(pk=pk, processed_at=None).update(processed_at=now)
    return done


def forget_events(now: datetime) -> int:
    """Remove events a month after they came; return how many (Spec: S6.3)."""
    before = now - KEPT
    gone = WebhookEvent.objects.filter(received_at__lt=before).delete()[0]
    return gone + OfflineEvent.objects.filter(created_at__lt=before).delete()[0]


def _act(event: WebhookEvent, now: datetime) -> None:
    if event.kind == "refund.failed":
        log.error("refund_failed_at_bank", gateway=event.gateway, reference=event.reference)
    if event.kind in REFUND_ENDS:
        reopen_returned_refunds(gateway=event.gateway, payment=event.reference, now=now)
        settle_refunds(now)
    if event.kind not in ENDS:
        return
    attempts = PaymentAttempt.objects.whole().filter(
        gateway=event.gateway, gateway_reference=event.reference
    )
    for attempt_id in attempts.values_list("pk", flat=True):
        for settler in _settlers:
            settler(attempt_id)


def _wake() -> None:
    from bookings.payments.tasks import process_webhooks

    process_webhooks.delay()
