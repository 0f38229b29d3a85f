"""Compare the gateway's books with the ledger, every night (Spec: S14.3)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import structlog
from django.db.models import Q, Sum
from django.db.models.functions import Coalesce

from bookings.payments.gateways import current_gateway
from bookings.payments.gateways.base import (
    GatewayError,
    GatewayIntent,
    IntentStatus,
    PaymentGateway,
)
from bookings.payments.models import PaymentAttempt, Reconciliation
from instainstru.clock import NEW_YORK

# Refunds come weeks after their charge, so more than a day is compared.
WINDOW = timedelta(days=35)
# What has only just happened may stand in one of the books alone.
SETTLING = timedelta(minutes=15)
BATCH_SIZE = 1000
MOST_PROBLEMS = 200

log = structlog.get_logger(__name__)
Problem = dict[str, Any]


def reconcile(now: datetime) -> Reconciliation:
    """Compare the payments of the last five weeks; a mismatch alerts. Again on a day replaces it.

    Told are charges that the gateway took and the ledger does not know or has with another amount,
    refunds that differ, and charges in the ledger that the gateway does not have. No transaction
    may be open. Spec: S14.3
    """
    gateway = current_gateway()
    first_at, last_at = now - WINDOW, now - SETTLING
    problems: list[Problem] = []
    checked, seen = 0, set()
    told = gateway.payments_between(first_at, last_at)
    while intents := list(islice(told, BATCH_SIZE)):
        taken = [intent for intent in intents if intent.status is IntentStatus.SUCCEEDED]
        seen |= {intent.reference for intent in taken}
        checked += len(taken)
        problems += _of_gateway(gateway.name, taken)
    problems += _of_ledger(gateway, seen, first_at, last_at)
    if problems:
        log.error("reconciliation_differs", gateway=gateway.name, problems=len(problems))
    row, _ = Reconciliation.objects.update_or_create(
        on=now.astimezone(NEW_YORK).date(),
        gateway=gateway.name,
        defaults={
            "first_at": first_at,
            "checked": checked,
            "problems": problems[:MOST_PROBLEMS],
            "problem_count": len(problems),
            "finished_at": now,
        },
    )
    return row


def _problem(rule: str, reference: str, gateway_cents: int, ledger_cents: int) -> Problem:
    return {
        "rule": rule,
        "reference": reference,
        "gateway_cents": gateway_cents,
        "ledger_cents": ledger_cents,
    }


def _of_gateway(name: str, taken: Sequence[GatewayIntent]) -> Iterator[Problem]:
    """Yield what the gateway has and the ledger does not, or otherwise."""
    settled = Q(refunds__status="settled")
    rows = PaymentAttempt.objects.filter(
        gateway=name, gateway_reference__in=[intent.reference for intent in taken]
    ).annotate(
        settled_cents=Coalesce(Sum("refunds__amount_cents", filter=settled), 0),
        waiting_cents=Coalesce(Sum("refunds__amount_cents", filter=~settled), 0),
    )
    # Lessons that were paid together share one charge.
    ours: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        ours[row.gateway_reference].append(row)
    for intent in taken:
        parts = ours.get(intent.reference, [])
        amount_cents = sum(part.amount_cents for part in parts)
        settled_cents = sum(part.settled_cents for part in parts)
        waiting_cents = sum(part.waiting_cents for part in parts)
        if not parts:
            yield _problem("unknown_charge", intent.reference, intent.amount_cents, 0)
        elif any(part.recorded_at is None for part in parts):
            yield _problem("charge_not_booked", intent.reference, intent.amount_cents, 0)
        elif amount_cents != intent.amount_cents:
            yield _problem("other_amount", intent.reference, intent.amount_cents, amount_cents)
        elif not 0 <= intent.refunded_cents - settled_cents <= waiting_cents:
            yield _problem("refund_differs", intent.reference, intent.refunded_cents, settled_cents)


def _of_ledger(
    gateway: PaymentGateway, seen: set[str], first_at: datetime, last_at: datetime
) -> Iterator[Problem]:
    """Yield charges of the ledger that the gateway did not name; each is asked for by itself."""
    rows = PaymentAttempt.objects.filter(
        gateway=gateway.name,
        status=PaymentAttempt.Status.SUCCEEDED,
        amount_cents__gt=0,
        created_at__gte=first_at,
        created_at__lt=last_at,
    ).values_list("gateway_reference", "amount_cents")
    for reference, cents in rows.iterator():
        if reference in seen:
            continue
        try:
            status = gateway.fetch(reference=reference).status
        except GatewayError:
            status = IntentStatus.CANCELLED
        if status is not IntentStatus.SUCCEEDED:
            yield _problem("missing_at_gateway", reference, 0, cents)
