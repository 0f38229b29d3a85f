"""What pages and jobs ask about payments (Spec: S11.6, S14.5, S14.13)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, F, Prefetch, Q, Sum
from django.db.models.functions import Coalesce

from bookings.payments.entries import Account
from bookings.payments.gateways import current_gateway
from bookings.payments.models import (
    Credit,
    CreditUse,
    LedgerEntry,
    LedgerTransaction,
    PaymentAttempt,
    PromoCode,
    PromoUse,
    Refund,
)

UNFINISHED_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentSummary:
    """How a booking was paid and what went back; money in cents.

    ``paid_cents`` is the card part, ``promo_cents`` what a promo took off that could be used until
    ``promo_ends_at``. ``refunded_cents`` is what was ordered back to the card,
    ``returned_credit_cents`` what came back as credit. ``refund_status`` is the least advanced
    state of its card refunds, empty without one.
    """

    attempt_id: int
    card_brand: str
    card_last4: str
    paid_cents: int
    credit_cents: int
    promo_cents: int
    promo_ends_at: datetime | None
    refunded_cents: int
    returned_credit_cents: int
    refund_status: str
    paid_at: datetime | None

    @property
    def total_cents(self) -> int:
        """Card and credit together, without what a promo took off."""
        return self.paid_cents + self.credit_cents


@dataclass(frozen=True, slots=True, kw_only=True)
class Imbalance:
    """One broken promise of the ledger: which rule, which object, by how many cents."""

    rule: str
    subject: str
    cents: int


def payment_summary(booking_id: int) -> PaymentSummary | None:
    """Return how a booking was paid, or ``None`` when it is not (Spec: S11.2, S11.6)."""
    return payment_summaries([booking_id]).get(booking_id)


def payment_summaries(booking_ids: Collection[int]) -> dict[int, PaymentSummary]:
    """Return how each paid booking was paid, in two queries; unpaid ones are left out."""
    attempts = PaymentAttempt.objects.succeeded().filter(booking_id__in=booking_ids)
    to_card = Refund.objects.filter(amount_cents__gt=0)
    rows = attempts.select_related("promo_use__promo").prefetch_related(
        Prefetch("refunds", queryset=to_card)
    )
    return {attempt.booking_id: _summary(attempt) for attempt in rows}


def _summary(attempt: PaymentAttempt) -> PaymentSummary:
    return PaymentSummary(
        attempt_id=attempt.pk,
        card_brand=attempt.card_brand,
        card_last4=attempt.card_last4,
        paid_cents=attempt.amount_cents,
        credit_cents=attempt.credit_cents,
        promo_cents=attempt.promo_cents,
        promo_ends_at=attempt.promo_use.promo.ends_at if attempt.promo_cents else None,
        refunded_cents=attempt.refunded_cents,
        returned_credit_cents=attempt.credited_cents,
        refund_status=_least_advanced({refund.status for refund in attempt.refunds.all()}),
        paid_at=attempt.settled_at,
    )


def latest_attempt(booking_id: int) -> PaymentAttempt | None:
    """Return the newest try to pay a booking, or ``None``; tips are something else."""
    return (
        PaymentAttempt.objects.for_lessons()
        .filter(booking_id=booking_id)
        .order_by("-number")
        .first()
    )


@dataclass(frozen=True, slots=True)
class Split:
    """Who pays how much of a price, in cents: promo, then credit, then card (Spec: S14.7).

    ``promo_code`` is empty without one; ``promo_refusal`` says why the chosen one counts no more.
    """

    total_cents: int
    promo_cents: int = 0
    credit_cents: int = 0
    promo_code: str = ""
    promo_refusal: str = ""

    @property
    def card_cents(self) -> int:
        """What is left for the card."""
        return self.total_cents - self.promo_cents - self.credit_cents


def planned_split(
    *,
    booking_id: int,
    student_id: int | None,
    total_cents: int,
    now: datetime,
    promo: PromoCode | None = None,
) -> Split:
    """Return how the price of a hold is paid: order promo, credit, card. Spec: S14.7

    ``promo`` is the one that was chosen for it. While an attempt is open or has succeeded, its own
    split holds. A guest has no credit.
    """
    return planned_splits(
        totals={booking_id: total_cents}, student_id=student_id, now=now, promo=promo
    )[0]


def planned_splits(
    *,
    totals: Mapping[int, int],
    student_id: int | None,
    now: datetime,
    promo: PromoCode | None = None,
) -> list[Split]:
    """Return how each of some lessons is paid that are paid together, in their order.

    ``totals`` holds the price of each hold by its booking. The promo is for one lesson, the first.
    Credit pays for the first lessons until none is left, so nothing has to be rounded and each
    lesson can go back by itself. Spec: S14.7, R19
    """
    code = promo.code if promo else ""
    first_id = next(iter(totals))
    latest = latest_attempt(first_id)
    if latest is not None and latest.status != PaymentAttempt.Status.DECLINED:
        parts = {row.booking_id: row for row in [latest, *latest.parts.all()]}
        return [
            Split(cents, parts[pk].promo_cents, parts[pk].credit_cents, code)
            for pk, cents in totals.items()
        ]
    left_cents = (
        Credit.objects.spendable(student_id, now).remaining_sum_cents() if student_id else 0
    )
    refusal = promo_refusal(promo, student_id, now) if promo else ""
    splits = []
    for pk, cents in totals.items():
        takes_off = promo is not None and not refusal and pk == first_id
        promo_cents = promo.discount_cents(cents) if promo and takes_off else 0
        credit_cents = min(left_cents, cents - promo_cents)
        left_cents -= credit_cents
        splits.append(Split(cents, promo_cents, credit_cents, "" if refusal else code, refusal))
    return _chargeable(splits)


def _chargeable(splits: list[Split]) -> list[Split]:
    """Let the card pay nothing, or at least what its gateway charges.

    Credit pays some cents less; where a code leaves a few cents and there is not enough credit, the
    code pays those too: nobody has to be told why 94.60 of 95.00 dollars cannot be taken off.
    """
    card_cents = sum(split.card_cents for split in splits)
    missing_cents = current_gateway().least_charge_cents - card_cents if card_cents else 0
    first = splits[0]
    is_left_by_code = first.promo_cents > 0 and first.card_cents == card_cents
    if missing_cents > sum(split.credit_cents for split in splits) and is_left_by_code:
        return [replace(first, promo_cents=first.promo_cents + card_cents), *splits[1:]]
    for place, split in reversed(list(enumerate(splits))):
        kept_cents = max(0, min(missing_cents, split.credit_cents))
        splits[place] = replace(split, credit_cents=split.credit_cents - kept_cents)
        missing_cents -= kept_cents
    return splits


def promo_refusal(promo: PromoCode, user_id: int | None, now: datetime) -> str:
    """Return why the person cannot use a code now, as a sentence; empty when they can (S14.7)."""
    if promo.owner_id is not None and promo.owner_id != user_id:
        return "This code isn't valid for you."
    if not promo.is_active or (promo.ends_at is not None and promo.ends_at <= now):
        return "This code has ended."
    if now < promo.starts_at:
        return "This code isn't valid yet."
    if promo.uses_total is not None and promo.uses >= promo.uses_total:
        return "This code is used up."
    if user_id and PromoUse.objects.of(promo, user_id).count() >= promo.uses_per_user:
        return "You have used this code."
    return ""


def exchangeable_cents(source_key: str) -> int:
    """Return what is left of the new credit that the refund of this key gave (C3)."""
    return Credit.objects.filter(key=f"refund:{source_key}:new").remaining_sum_cents()


def unfinished_attempt_ids(now: datetime, *, older_than: timedelta = UNFINISHED_AFTER) -> list[int]:
    """Return the attempts that a job must finish: open, or paid and not recorded (Spec: S14.13)."""
    rows = PaymentAttempt.objects.unfinished(now, older_than=older_than)
    return list(rows.values_list("pk", flat=True))


def ledger_imbalances() -> list[Imbalance]:
    """Return every violation of the money invariants; none means all is well (Spec: S14.5)."""
    return [
        *_unbalanced_events(),
        *_refunds_beyond_paid(),
        *_credit_difference(),
        *_unrecorded_refunds(),
    ]


def _least_advanced(statuses: set[str]) -> str:
    order = [Refund.Status.FAILED, Refund.Status.REQUESTED, Refund.Status.SENT]
    waiting = [str(status.value) for status in order if status in statuses]
    if waiting:
        return waiting[0]
    return str(Refund.Status.SETTLED.value) if statuses else ""


def _unbalanced_events() -> list[Imbalance]:
    sums = LedgerTransaction.objects.annotate(
        total=Coalesce(Sum("entries__amount_cents"), 0), lines=Count("entries")
    )
    broken = sums.exclude(total=0, lines__gte=2).values_list("key", "total")
    return [Imbalance(rule="unbalanced", subject=key, cents=total) for key, total in broken]


def _refunds_beyond_paid() -> list[Imbalance]:
    """Compare what refunds gave with what was paid, and with the counters beside it."""
    attempts = PaymentAttempt.objects.annotate(
        to_card=Coalesce(Sum("refunds__amount_cents"), 0),
        to_credit=Coalesce(
            Sum(F("refunds__credit_cents") - F("refunds__replaced_credit_cents")), 0
        ),
    ).filter(
        Q(to_card__gt=F("amount_cents"))
        | Q(to_card__gt=F("amount_cents") + F("credit_cents") - F("to_credit"))
        | ~Q(to_card=F("refunded_cents"))
    )
    rows = attempts.values_list("idempotency_key", "to_card", "refunded_cents")
    return [
        Imbalance(rule="refunds", subject=key, cents=given - counted)
        for key, given, counted in rows
    ]


def _credit_difference() -> list[Imbalance]:
    """Compare the credits that students hold with what the ledger says is owed to them."""
    held = Credit.objects.aggregate(total=Coalesce(Sum("remaining_cents"), 0))["total"]
    uses = CreditUse.objects.filter(status=CreditUse.Status.RESERVED)
    reserved = uses.aggregate(total=Coalesce(Sum("amount_cents"), 0))["total"]
    entries = LedgerEntry.objects.filter(account=Account.STUDENT_CREDIT)
    owed = entries.aggregate(total=Coalesce(Sum("amount_cents"), 0))["total"]
    difference = held + reserved - owed
    return [Imbalance(rule="credit", subject="student_credit", cents=difference)] * bool(difference)


def _unrecorded_refunds() -> list[Imbalance]:
    """Compare the refunds account with the refunds that are ordered and not paid out yet."""
    waiting = Refund.objects.exclude(status=Refund.Status.SETTLED)
    ordered = waiting.aggregate(total=Coalesce(Sum("amount_cents"), 0))["total"]
    entries = LedgerEntry.objects.filter(account=Account.REFUNDS)
    owed = entries.aggregate(total=Coalesce(Sum("amount_cents"), 0))["total"]
    difference = ordered - owed
    return [Imbalance(rule="refunds", subject="refunds", cents=difference)] * bool(difference)


def promo_miscounts() -> list[str]:
    """Return one sentence per code whose counter differs from the uses it counts (Spec: S14.7)."""
    taking = Q(used__status__in=[PromoUse.Status.RESERVED, PromoUse.Status.SPENT])
    codes = PromoCode.objects.annotate(counted=Count("used", filter=taking))
    rows = codes.exclude(uses=F("counted")).values_list("code", "uses", "counted")
    return [f"code {code} says {uses} uses and has {real}" for code, uses, real in rows]
