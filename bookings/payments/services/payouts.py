"""Pay instructors every week, once, for what is theirs for good (Spec: S14.6)."""

from datetime import date, datetime, time, timedelta

import structlog
from django.db import transaction
from django.db.models import QuerySet, Sum

from bookings.payments.entries import Account, payout_entries
from bookings.payments.gateways import gateway_named
from bookings.payments.gateways.base import GatewayError, GatewayTimeoutError
from bookings.payments.mails import queue_payout_failed, queue_payout_sent
from bookings.payments.models import LedgerTransaction, Payee, Payout, PayoutLine
from bookings.payments.services.ledger import post_event
from catalog.models import Policy
from instainstru.clock import NEW_YORK

PAYS_AT = time(9)
BATCH_SIZE = 500
RETRIES = 3
RETRY_AFTER = timedelta(days=1)
# So long nobody else sends a payout that somebody is sending.
LEASE = timedelta(minutes=10)
EARNING = (Account.INSTRUCTOR_PAYABLE, Account.TIPS)
Status = Payout.Status

log = structlog.get_logger(__name__)


def payday_of(now: datetime, policy: Policy) -> date:
    """Return the newest payday that has begun: a New York date, from nine o'clock on."""
    local = now.astimezone(NEW_YORK)
    on = local.date() - timedelta(days=(local.weekday() - policy.payout_weekday) % 7)
    return on if local >= pays_at(on) else on - timedelta(days=7)


def pays_at(payday: date) -> datetime:
    """Return the instant from which a payday's payouts are made."""
    return datetime.combine(payday, PAYS_AT, tzinfo=NEW_YORK)


def unpaid_events(now: datetime, policy: Policy) -> QuerySet[LedgerTransaction]:
    """Return what is payable and in no payout: end + 48 h are over and no report is open.

    Refunds of lessons that were paid out count too, and make the next payouts less. Spec: S14.6
    """
    before = now - timedelta(hours=policy.report_window_hours)
    return unsettled_events().filter(booking__end_at__lt=before).exclude(booking__status="reported")


def unsettled_events() -> QuerySet[LedgerTransaction]:
    """Return the events that gave an instructor something or took it, and are in no payout."""
    return LedgerTransaction.objects.filter(
        payout_line__isnull=True, instructor__isnull=False, entries__account__in=EARNING
    ).exclude(kind=LedgerTransaction.Kind.PAYOUT)


def make_payouts(now: datetime) -> int:
    """Write the payouts of the newest payday, one per instructor; return how many are new.

    What became payable after the payday began waits for the next one, so a late run makes the same
    payouts as one in time. Less than the least amount waits too. Spec: S14.6
    """
    policy = Policy.objects.current()
    payday = payday_of(now, policy)
    events = unpaid_events(pays_at(payday), policy)
    owed = events.values("instructor").annotate(cents=Sum("entries__amount_cents")).order_by()
    ready = (
        Payee.objects.filter(
            instructor__in=owed.filter(cents__gte=policy.payout_min_cents).values("instructor"),
            held_at__isnull=True,
        )
        .exclude(delayed_until__gt=now)
        .exclude(instructor__payouts__payday=payday)
    )
    made = 0
    for payee_id in list(ready.values_list("pk", flat=True)):
        made += _make_payout(payee_id, payday, policy, now)
    return made


@transaction.atomic
def _make_payout(payee_id: int, payday: date, policy: Policy, now: datetime) -> bool:
    """Take the events of one instructor into a payout; the lock lets one run in at a time."""
    payee = Payee.objects.select_for_update(no_key=True).get(pk=payee_id)
    is_made = Payout.objects.filter(instructor=payee.instructor_id, payday=payday).exists()
    is_delayed = payee.delayed_until is not None and payee.delayed_until > now
    if is_made or is_delayed or payee.held_at is not None:
        return False
    events = unpaid_events(pays_at(payday), policy).filter(instructor=payee.instructor_id)
    rows = events.values_list("pk", "entries__account", "entries__amount_cents")
    lines: dict[int, PayoutLine] = {}
    for pk, account, cents in rows:
        line = lines.setdefault(pk, PayoutLine(event_id=pk, lesson_cents=0))
        if account == Account.TIPS:
            line.tip_cents += cents
        else:
            line.lesson_cents += cents
    amount_cents = sum(line.lesson_cents + line.tip_cents for line in lines.values())
    if amount_cents < policy.payout_min_cents:
        return False
    payout = Payout.objects.create(
        instructor_id=payee.instructor_id,
        payday=payday,
        amount_cents=amount_cents,
        next_try_at=now,
        created_at=now,
    )
    for line in lines.values():
        line.payout = payout
    PayoutLine.objects.bulk_create(lines.values())
    return True


def send_payouts(now: datetime) -> int:
    """Send what is due through the gateway; return how many were paid.

    One without an answer is sent again with the same key; a refused one is tried three times more,
    a day apart, and stops then. Two runs at once share the work. No transaction may be open.
    """
    paid = 0
    for _ in range(BATCH_SIZE):
        payout = _take_next(now)
        if payout is None:
            break
        paid += _send(payout, now)
    return paid


@transaction.atomic(durable=True)
def _take_next(now: datetime) -> Payout | None:
    due = Payout.objects.to_send(now).select_for_update(skip_locked=True, of=("self",))
    payout = due.select_related("instructor__payee").first()
    if payout is None:
        return None
    if payout.status != Status.SENT:
        # One without an answer may have arrived: it is asked about where it was sent to.
        payee = payout.instructor.payee
        payout.gateway, payout.payee_reference = payee.gateway, payee.reference
        payout.bank_last4 = payee.last4
    payout.status, payout.next_try_at = Status.SENT, now + LEASE
    payout.save()
    return payout


def _send(payout: Payout, now: datetime) -> bool:
    try:
        sent = gateway_named(payout.gateway).payout(
            payee=payout.payee_reference, amount_cents=payout.amount_cents, key=payout.key
        )
    except GatewayTimeoutError:
        log.warning("payout_unclear", payout=payout.key)
        return False
    except GatewayError as error:
        log.error("payout_failed", payout=payout.key, reason=str(error))  # noqa: TRY400
        _refuse(payout.pk, str(error), now)
        return False
    return _settle(payout.pk, sent.reference, now)


@transaction.atomic
def _settle(payout_id: int, reference: str, now: datetime) -> bool:
    payout = _locked(payout_id)
    if payout.status == Status.PAID:
        return False
    sums = payout.lines.aggregate(lessons=Sum("lesson_cents"), tips=Sum("tip_cents"))
    post_event(
        kind=LedgerTransaction.Kind.PAYOUT,
        key=f"payout:{payout.pk}",
        entries=payout_entries(lesson_cents=sums["lessons"], tip_cents=sums["tips"]),
        occurred_at=now,
        instructor_id=payout.instructor_id,
    )
    payout.status, payout.gateway_reference = Status.PAID, reference
    payout.paid_at, payout.next_try_at, payout.failure_reason = now, None, ""
    payout.save()
    queue_payout_sent(payout)
    return True


@transaction.atomic
def _refuse(payout_id: int, reason: str, now: datetime) -> None:
    payout = _locked(payout_id)
    if payout.status != Status.SENT:
        return
    # The next try goes to the bank details of then, which may have changed since this one was sent.
    payee = payout.instructor.payee
    payout.failures += 1
    is_last = payout.failures > RETRIES
    payout.status = Status.STOPPED if is_last else Status.FAILED
    payout.next_try_at = None if is_last else max(now + RETRY_AFTER, payee.delayed_until or now)
    payout.failure_reason = reason[:80]
    payout.save(update_fields=["failures", "status", "next_try_at", "failure_reason"])
    if is_last or payout.failures == 1:
        queue_payout_failed(payout)


def _locked(payout_id: int) -> Payout:
    rows = Payout.objects.select_for_update(of=("self",))
    return rows.select_related("instructor__user", "instructor__payee").get(pk=payout_id)
