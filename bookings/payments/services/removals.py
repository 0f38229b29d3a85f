"""Let gateways forget somebody whose account is erased: rows with the erasure, calls after it.

Spec: S6.2, S14.11, S14.12
"""

from datetime import datetime, timedelta
from typing import Final

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from bookings.payments.gateways import gateway_named
from bookings.payments.gateways.base import GatewayError
from bookings.payments.models import GatewayRemoval, Payee, PayeePage, PaymentAttempt, Payout
from instainstru.clock import NEW_YORK

BATCH_SIZE: Final = 100
FIRST_RETRY: Final = timedelta(minutes=5)
LONGEST_RETRY: Final = timedelta(days=1)
YEARS_KEPT: Final = 7
"""The gateway holds an instructor's tax identity, which the law wants as long (S14.12)."""
UNPAID_WAITS: Final = timedelta(days=90)
"""Somebody who was never paid may still have a lesson to be paid for."""
Kind = GatewayRemoval.Kind

log = structlog.get_logger(__name__)


def order_removals(*, user_id: int, now: datetime) -> int:
    """Write down, in the transaction of an erasure, what gateways have to forget; return how many.

    Customers go at once; refunds of their payments still arrive. The account of an instructor goes
    when its tax identity may: seven years after the year of the last payout. A second call adds
    nothing.
    """
    payments = PaymentAttempt.objects.whole().filter(student_id=user_id)
    known = payments.exclude(gateway_reference="").values_list("gateway", "gateway_reference")
    rows = [_row(Kind.CUSTOMER, gateway, reference, now) for gateway, reference in known]
    for model in (Payee, PayeePage):
        payees = model.objects.filter(instructor__user_id=user_id)
        for pk, gateway, reference in payees.values_list("instructor_id", "gateway", "reference"):
            rows.append(_row(Kind.PAYEE, gateway, reference, _payee_due_at(pk, now)))
    before = GatewayRemoval.objects.count()
    GatewayRemoval.objects.bulk_create(rows, ignore_conflicts=True)
    return GatewayRemoval.objects.count() - before


def remove_at_gateways(now: datetime) -> int:
    """Do the removals that are due; return how many are done. No transaction may be open.

    One without an answer, or that the gateway refuses while money is on its way, is tried again
    and alerts. Two runs at once share the work; what is gone already counts as done.
    """
    done = 0
    for _ in range(BATCH_SIZE):
        removal = _take_next(now)
        if removal is None:
            break
        done += _remove(removal, now)
    return done


def _row(kind: str, gateway: str, reference: str, due_at: datetime) -> GatewayRemoval:
    return GatewayRemoval(kind=kind, gateway=gateway, reference=reference, next_try_at=due_at)


def _payee_due_at(instructor_id: int, now: datetime) -> datetime:
    last = Payout.objects.filter(instructor_id=instructor_id).order_by("-payday").first()
    if last is None:
        return now + UNPAID_WAITS
    return datetime(last.payday.year + YEARS_KEPT + 1, 1, 1, tzinfo=NEW_YORK)


@transaction.atomic(durable=True)
def _take_next(now: datetime) -> GatewayRemoval | None:
    """Take one removal and push its next try away: a lease for as long as we may be busy."""
    removal = GatewayRemoval.objects.due(now).select_for_update(skip_locked=True).first()
    if removal is None:
        return None
    removal.next_try_at = now + min(FIRST_RETRY * 2 ** min(removal.tries, 10), LONGEST_RETRY)
    removal.tries += 1
    removal.save(update_fields=["next_try_at", "tries"])
    return removal


def _remove(removal: GatewayRemoval, now: datetime) -> bool:
    if removal.kind == Kind.PAYEE and (later := _later_for(removal, now)) is not None:
        GatewayRemoval.objects.filter(pk=removal.pk).update(next_try_at=later)
        return False
    try:
        gateway = gateway_named(removal.gateway)
        forget = gateway.forget_payee if removal.kind == Kind.PAYEE else gateway.forget_customer
        forget(reference=removal.reference)
    except (GatewayError, ImproperlyConfigured) as error:
        log.error(  # noqa: TRY400 - the reason says it all
            "gateway_keeps_somebody", removal=removal.pk, tries=removal.tries, reason=str(error)
        )
        return False
    return bool(GatewayRemoval.objects.filter(pk=removal.pk).update(done_at=now, next_try_at=None))


def _later_for(removal: GatewayRemoval, now: datetime) -> datetime | None:
    """Return until when an account must stay because it was paid after the removal was ordered."""
    payee = Payee.objects.filter(gateway=removal.gateway, reference=removal.reference).first()
    if payee is None or not Payout.objects.filter(instructor_id=payee.instructor_id).exists():
        return None
    due_at = _payee_due_at(payee.instructor_id, now)
    return due_at if due_at > now else None
