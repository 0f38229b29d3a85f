"""From a held time, or a weekly series of them, to paid lessons: reserve, charge, confirm.

Spec: S14.13, R19

(a) under the lock the hold is checked and an attempt row is written; (b) the gateway is called
with no transaction open; (c) under the lock again the lesson is confirmed, or the money goes back.
A process that dies between the steps is finished by ``finish_attempts``.

A series goes the same way as one lesson, whole or not at all: its holds end together, the first of
them is the one that pages name, and each lesson has its own part of the one payment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import uuid4

import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import User
from accounts.owners import Owner
from analytics.kinds import InteractionType
from bookings.lessons import mails
from bookings.lessons.checkout_checks import check_people_and_place
from bookings.lessons.errors import (
    AmountChangedError,
    HoldExpiredError,
    LearnerBusyError,
    LessonChangedError,
)
from bookings.lessons.locks import SlotBusyError, booking_transaction, expire_lapsed_holds
from bookings.lessons.models import Booking
from bookings.lessons.selectors import WantedLesson, held_together, wanted_again
from bookings.lessons.services import (
    confirm_under_lock,
    extend_hold_for_payment,
    note_booking_step,
    refused_starts,
    slot_taken,
)
from bookings.lessons.states import Status
from bookings.lessons.tips import finish_tip
from bookings.payments import services as payments
from bookings.payments.gateways.base import CardToken
from bookings.payments.models import PaymentAttempt
from bookings.payments.selectors import Split, planned_splits
from instainstru import clock
from instainstru.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    PaymentDeclinedError,
    ValidationFailedError,
)
from instainstru.ratelimit import PROMO_CODES, count_use

log = structlog.get_logger(__name__)

FINISH_AFTER = timedelta(seconds=60)
FINISH_BATCH = 100


class Step(StrEnum):
    """Where a checkout stands after a request."""

    CONFIRMED = "confirmed"
    NEEDS_BANK = "needs_bank"
    WAITING = "waiting"
    REFUNDED = "refunded"


@dataclass(frozen=True)
class CheckoutDetails:
    """What the pay form said; the card lives in memory only.

    ``shown_cents`` is what the page said that the card pays; None when it said nothing.
    """

    learner_id: int
    neighborhood_id: int | None
    address: str
    note: str
    card: CardToken | None
    shown_cents: int | None


@dataclass(frozen=True)
class CheckoutResult:
    """The booking and what comes next."""

    booking: Booking
    step: Step


class PaymentRunningError(ConflictError):
    """Another request is paying for this hold right now."""

    code = "still_running"


def find_hold(*, by: Owner, hold_id: str) -> Booking:
    """Return the owner's hold, whatever its state, or the first of its series (R19).

    Raises ``NotFoundError``. Spec: S13.1, G5
    """
    rows = Booking.objects.held_by(by).with_people().select_related("promo_choice__promo")
    booking = rows.filter(hold_id=hold_id).first()
    if booking is None:
        raise NotFoundError("We couldn't find this hold.")
    return booking if booking.series is None else rows.together_with(booking)[0]


def pay_and_confirm(
    *, by: User, hold_id: str, details: CheckoutDetails, now: datetime | None = None
) -> CheckoutResult:
    """Charge the held price once and confirm the lesson.

    Raises ``HoldExpiredError``, ``LearnerBusyError``, ``PaymentRunningError`` (409),
    ``ValidationFailedError`` (422, with the fields), ``ForbiddenError`` (403) for the instructor's
    own time, ``PaymentDeclinedError`` (402, nothing charged). Paying a confirmed hold again returns
    it unchanged. Spec: T4, S13.2, S14.2, S14.3, S14.4, S14.13, S17.5.
    """
    owner = Owner(user_id=by.pk)
    hold = find_hold(by=owner, hold_id=hold_id)
    if hold.code is not None:
        return CheckoutResult(hold, Step.CONFIRMED)
    if hold.instructor.user_id == by.pk:
        # A hold made before signing in did not know whose it would be (R8).
        raise ForbiddenError("You cannot book a lesson with yourself.")
    check_people_and_place(
        held_together(hold),
        by=by,
        learner_id=details.learner_id,
        neighborhood_id=details.neighborhood_id,
    )
    try:
        attempt = _reserve(hold, by, details, now)
    except SlotBusyError as error:
        raise PaymentRunningError(
            "We are still working on this. Give it a moment.", context={"retry_after_seconds": 1}
        ) from error
    if attempt is None:
        return CheckoutResult(find_hold(by=owner, hold_id=hold_id), Step.CONFIRMED)
    payments.charge_attempt(attempt, details.card, now=now or clock.now())
    return settle_attempt(attempt.pk, now=now)


def _reserve(
    hold: Booking, by: User, details: CheckoutDetails, now: datetime | None
) -> PaymentAttempt | None:
    """Step (a) under the lock: check the holds and write the attempts; None when confirmed."""
    with booking_transaction(
        instructor_ids=[hold.instructor_id], learner_ids=[details.learner_id]
    ) as locked_at:
        now = now or locked_at
        bookings = list(Booking.objects.together_with(hold).select_for_update(of=("self",)))
        if bookings[0].code is not None:
            return None
        for booking in bookings:
            _check_hold_is_live(booking, now)
        _check_learner_is_free(bookings, details.learner_id, now)
        for booking in bookings:
            booking.learner_id = details.learner_id
            booking.neighborhood_id = details.neighborhood_id
            booking.address, booking.note = details.address, details.note
            booking.save(update_fields=["learner", "neighborhood", "address", "note"])
        splits = splits_of(bookings, by.pk, now)
        card_cents = sum(split.card_cents for split in splits)
        if details.shown_cents != card_cents:
            raise AmountChangedError(
                "The price to pay changed since you opened this page. Nothing was charged: "
                "check the new total, then pay."
            )
        if details.card is None and card_cents:
            raise ValidationFailedError(
                "Your credit or code no longer covers this lesson. Add a card.",
                fields={"card_number": "Write a card number."},
            )
        return _open_attempts(bookings, splits, by, now)


def _open_attempts(
    bookings: Sequence[Booking], splits: Sequence[Split], by: User, now: datetime
) -> PaymentAttempt:
    """Open the attempt that asks the gateway for all, and the parts of the other lessons."""
    first: PaymentAttempt | None = None
    for booking, split in zip(bookings, splits, strict=True):
        attempt = payments.open_attempt(
            booking_id=booking.pk,
            hold_id=booking.hold_id,
            student_id=by.pk,
            amount_cents=split.card_cents,
            credit_cents=split.credit_cents,
            promo_cents=split.promo_cents,
            part_of=first,
            now=now,
        )
        first = first or attempt
    assert first is not None  # noqa: S101 - there is one lesson at least
    return first


def splits_of(lessons: Sequence[Booking], user_id: int | None, now: datetime) -> list[Split]:
    """Return how the person would pay each of these lessons, which are paid together. S14.7

    A code that was chosen and no longer counts takes nothing off; the splits say why.
    """
    try:
        promo = lessons[0].promo_choice.promo
    except ObjectDoesNotExist:
        promo = None
    totals = {lesson.pk: lesson.total_cents for lesson in lessons}
    return planned_splits(totals=totals, student_id=user_id, now=now, promo=promo)


def split_of(hold: Booking, user_id: int | None, now: datetime) -> Split:
    """Return how the person would pay all that is held with this one. Spec: S14.7, R19"""
    splits = splits_of(held_together(hold), user_id, now)
    return Split(
        sum(split.total_cents for split in splits),
        sum(split.promo_cents for split in splits),
        sum(split.credit_cents for split in splits),
        splits[0].promo_code,
        splits[0].promo_refusal,
    )


def use_promo(*, by: User, hold_id: str, code: str, now: datetime | None = None) -> Booking:
    """Take a code off the price of the person's live hold; an empty code takes it away again.
    Returns the hold as it stands then.

    Raises ``HoldExpiredError``, ``ValidationFailedError`` on ``promo_code``, ``ConflictError``
    while a payment is running, and ``RateLimitedError`` after ten codes in an hour. Spec: S14.7
    """
    hold = find_hold(by=Owner(user_id=by.pk), hold_id=hold_id)
    now = now or clock.now()
    _check_hold_is_live(hold, now)
    if code.strip():
        count_use(PROMO_CODES, str(by.pk), now=now)
        payments.choose_promo(by=by, booking_id=hold.pk, code=code, now=now)
    else:
        payments.drop_promo(booking_id=hold.pk)
    return find_hold(by=Owner(user_id=by.pk), hold_id=hold_id)


def _is_live(hold: Booking, now: datetime) -> bool:
    return hold.status == Status.HELD and hold.expires_at is not None and now < hold.expires_at


def _check_hold_is_live(booking: Booking, now: datetime) -> None:
    if not _is_live(booking, now):
        raise HoldExpiredError("Your hold ended.")


def _check_learner_is_free(bookings: Sequence[Booking], learner_id: int, now: datetime) -> None:
    """R7 under the learner's lock: one learner never has two lessons at once."""
    instructor_id = bookings[0].instructor_id
    expire_lapsed_holds(instructor_id=instructor_id, learner_ids=[learner_id], now=now)
    overlaps = Q()
    for booking in bookings:
        overlaps |= Q(start_at__lt=booking.end_at, end_at__gt=booking.start_at)
    clash = (
        Booking.objects.blocking(now)
        .filter(overlaps, learner_id=learner_id)
        .exclude(pk__in=[booking.pk for booking in bookings])
    )
    if clash.exists():
        raise LearnerBusyError("This learner already has a lesson at that time.")


def settle_attempt(attempt_id: int, *, now: datetime | None = None) -> CheckoutResult:
    """Step (c): act once on what the gateway said; safe to repeat in any order.

    Raises ``PaymentDeclinedError`` when the bank said no. Spec: S14.3, S14.4, S14.13, T2, T4.
    """
    people = PaymentAttempt.objects.values_list(
        "part_of", "booking__instructor", "booking__learner"
    )
    first_id, instructor_id, learner_id = people.get(pk=attempt_id)
    if first_id is not None:
        return settle_attempt(first_id, now=now)
    with booking_transaction(instructor_ids=[instructor_id], learner_ids=[learner_id]) as locked_at:
        now = now or locked_at
        attempt = PaymentAttempt.objects.select_for_update().get(pk=attempt_id)
        parts = _locked_parts(attempt)
        booking = parts[0].booking
        if attempt.status == PaymentAttempt.Status.SUCCEEDED:
            return _settle_success(parts, now)
        if attempt.is_open:
            for part in parts:
                extend_hold_for_payment(part.booking, now)
    if attempt.status == PaymentAttempt.Status.DECLINED:
        result = payments.refresh_attempt(attempt.pk, now=now)
        raise PaymentDeclinedError(result.message)
    is_bank = attempt.status == PaymentAttempt.Status.NEEDS_ACTION
    return CheckoutResult(booking, Step.NEEDS_BANK if is_bank else Step.WAITING)


class _Part(NamedTuple):
    """One of the lessons that a payment is for, with its own attempt."""

    booking: Booking
    attempt: PaymentAttempt


def _locked_parts(attempt: PaymentAttempt) -> list[_Part]:
    """Lock what a payment is for: one lesson, or each of a series in its order."""
    others = attempt.parts.select_for_update(no_key=True).order_by("pk")
    attempts = [attempt, *others]
    bookings = _locked([row.booking_id for row in attempts])
    return [_Part(*pair) for pair in zip(bookings, attempts, strict=True)]


def _locked(ids: Sequence[int]) -> list[Booking]:
    rows = Booking.objects.select_for_update(of=("self",)).with_people().order_by("pk")
    found = {row.pk: row for row in rows.filter(pk__in=ids)}
    return [found[pk] for pk in ids]


def _settle_success(parts: Sequence[_Part], now: datetime) -> CheckoutResult:
    booking, attempt = parts[0]
    if attempt.recorded_at is not None:
        return CheckoutResult(booking, Step.CONFIRMED if booking.code else Step.REFUNDED)
    lessons = [part.booking for part in parts]
    if not all(_is_live(lesson, now) for lesson in lessons):
        rebooked = _rebook(lessons, now)
        if rebooked is None:
            return _give_back(parts, now)
        lessons = _locked([lesson.pk for lesson in rebooked])
        for part, lesson in zip(parts, lessons, strict=True):
            payments.reassign_attempt(part.attempt.pk, booking_id=lesson.pk)
    for lesson in lessons:
        confirm_under_lock(lesson, now)
    for part, lesson in zip(parts, lessons, strict=True):
        payments.record_charge(attempt_id=part.attempt.pk, lesson=_terms(lesson), now=now)
    note_booking_step(InteractionType.BOOKING_CONFIRMED, lessons[0], now)
    mails.queue_confirmation(lessons, now)
    return CheckoutResult(lessons[0], Step.CONFIRMED)


def _terms(lesson: Booking) -> payments.LessonTerms:
    student_id = lesson.student_id
    assert student_id is not None  # noqa: S101 - a confirmed booking has a student by constraint
    return payments.LessonTerms(
        booking_id=lesson.pk,
        student_id=student_id,
        instructor_id=lesson.instructor_id,
        price_cents=lesson.price_cents,
        travel_fee_cents=lesson.travel_fee_cents,
        fee_pct=lesson.fee_pct,
    )


def _rebook(lessons: Sequence[Booking], now: datetime) -> list[Booking] | None:
    """Write new holds with the same terms when all the times are still free. Spec: S14.3, R19."""
    lapsed, ids = lessons[0], [lesson.pk for lesson in lessons]
    learners = [lapsed.learner_id]
    expire_lapsed_holds(instructor_id=lapsed.instructor_id, learner_ids=learners, now=now)
    Booking.objects.filter(pk__in=ids, status=Status.HELD).update(status=Status.EXPIRED)
    starts = [lesson.start_at for lesson in lessons]
    refused = refused_starts(wanted_again(lapsed), lapsed.offering, starts, now)
    failed = {failure.rule for failures in refused.values() for failure in failures}
    # The person chose in time; only the calendar counts now, not notice or what is on offer today.
    if failed & {"R3", "R4", "R6", "R7"} or min(starts) <= now:
        return None
    series = uuid4() if len(lessons) > 1 else None
    fresh = []
    try:
        with transaction.atomic():
            for old in Booking.objects.filter(pk__in=ids).order_by("pk"):
                row = old.copy_as_hold()
                row.replaces_id, row.series = old.pk, series
                row.expires_at, row.created_at = now + timedelta(minutes=1), now
                row.save(force_insert=True)
                fresh.append(row.pk)
    except IntegrityError:
        return None
    return _locked(fresh)


def _give_back(parts: Sequence[_Part], now: datetime) -> CheckoutResult:
    """A time is gone: everything goes back, with an apology. Spec: S14.3."""
    for part in parts:
        payments.refund_orphan_charge(part.attempt.pk, now=now)
    booking = parts[0].booking
    mails.queue_refund_after_lost_time(
        booking,
        amount_cents=sum(part.attempt.paid_cents for part in parts),
        nearest=nearest_to(booking, now),
    )
    return CheckoutResult(booking, Step.REFUNDED)


def nearest_to(lost: Booking, now: datetime) -> list[datetime]:
    """Return up to three bookable starts nearest to a time that was lost. Spec: S14.3, R12."""
    wanted = WantedLesson(
        offering=lost.offering, duration_minutes=lost.duration_minutes, modality=lost.modality
    )
    return slot_taken(wanted, lost.start_at, now).nearest


def complete_bank_step(
    *, by: User, hold_id: str, is_approved: bool, now: datetime | None = None
) -> CheckoutResult:
    """Finish the extra step the bank asked for and settle.

    Raises ``PaymentDeclinedError`` when the person said no, ``LessonChangedError`` when no step is
    waiting. Spec: T2, S14.4.
    """
    hold = find_hold(by=Owner(user_id=by.pk), hold_id=hold_id)
    if hold.code is not None:
        return CheckoutResult(hold, Step.CONFIRMED)
    attempt = open_attempt_of(hold)
    if attempt is None:
        raise LessonChangedError("There is no payment waiting for your bank.")
    payments.complete_extra_step(attempt.pk, is_approved=is_approved, now=now or clock.now())
    return settle_attempt(attempt.pk, now=now)


def open_attempt_of(hold: Booking) -> PaymentAttempt | None:
    """Return the attempt of this hold whose end is not known yet."""
    return PaymentAttempt.objects.open().filter(booking=hold).first()


def lesson_from(hold: Booking) -> Booking | None:
    """Return the confirmed lesson of a hold: itself, or the row that a late payment wrote."""
    if hold.code is not None:
        return hold
    return Booking.objects.filter(replaces=hold, code__isnull=False).first()


def refresh_payment(hold: Booking) -> None:
    """Ask the gateway about a slow payment now, because somebody is waiting. Spec: S14.2."""
    attempt = open_attempt_of(hold)
    if attempt is not None:
        _finish(attempt)


def finish_attempts(now: datetime | None = None) -> int:
    """Fetch and settle every attempt that a dead process or a slow bank left open.

    Returns how many were looked at. Spec: S14.2, S14.13.
    """
    due = PaymentAttempt.objects.unfinished(now or clock.now(), older_than=FINISH_AFTER)
    attempts = list(due[:FINISH_BATCH])
    for attempt in attempts:
        try:
            finish_attempt(attempt.pk)
        except Exception:
            log.exception("attempt_not_finished", attempt=attempt.idempotency_key)
    return len(attempts)


def finish_attempt(attempt_id: int) -> None:
    """Bring one attempt to the end that its gateway knows; safe at any time and again (S14.8)."""
    attempt = PaymentAttempt.objects.select_related("booking").get(pk=attempt_id)
    if attempt.purpose == PaymentAttempt.Purpose.TIP:
        finish_tip(attempt)
    else:
        _finish(attempt)


def _finish(attempt: PaymentAttempt) -> None:
    now = clock.now()
    result = payments.refresh_attempt(attempt.pk, now=now)
    expires_at = attempt.booking.expires_at
    is_over = attempt.booking.status != Status.HELD or expires_at is None or expires_at <= now
    never_charged = result.status in (
        PaymentAttempt.Status.PROCESSING,
        PaymentAttempt.Status.NEEDS_ACTION,
    )
    if is_over and never_charged:
        payments.abandon_attempt(attempt.pk, now=now)
    try:
        settle_attempt(attempt.pk)
    except PaymentDeclinedError:
        log.info("attempt_declined_late", attempt=attempt.idempotency_key)
