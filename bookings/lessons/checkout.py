"""From a held time to a paid lesson: reserve, charge, confirm (Spec: S14.13).

(a) under the lock the hold is checked and an attempt row is written; (b) the gateway is called
with no transaction open; (c) under the lock again the lesson is confirmed, or the money goes back.
A process that dies between the steps is finished by ``finish_attempts``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import structlog
from django.core.exceptions import ObjectDoesNotExist
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Learner, User
from accounts.owners import Owner
from bookings.lessons import mails
from bookings.lessons.errors import (
    AmountChangedError,
    HoldExpiredError,
    LearnerBusyError,
    LessonChangedError,
    SlotTakenError,
)
from bookings.lessons.locks import SlotBusyError, booking_transaction, expire_lapsed_holds
from bookings.lessons.models import Booking
from bookings.lessons.selectors import WantedLesson, is_place_inside
from bookings.lessons.services import (
    HoldRequest,
    bookability_failures,
    confirm_under_lock,
    extend_hold_for_payment,
    hold_slot,
    slot_taken,
)
from bookings.lessons.states import Status
from bookings.lessons.tips import finish_tip
from bookings.payments import services as payments
from bookings.payments.gateways.base import CardToken
from bookings.payments.models import PaymentAttempt
from bookings.payments.selectors import Split, planned_split
from catalog.models import Modality, Neighborhood
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
NEAREST_PLACES = 3
KEPT_FIELDS = ("learner", "neighborhood", "address", "note")


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
    """Return the owner's hold, whatever its state; raises ``NotFoundError``. Spec: S13.1, G5."""
    rows = Booking.objects.held_by(by).with_people().select_related("promo_choice__promo")
    booking = rows.filter(hold_id=hold_id).first()
    if booking is None:
        raise NotFoundError("We couldn't find this hold.")
    return booking


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
    _check_people_and_place(hold, by, details)
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


def _check_people_and_place(hold: Booking, by: User, details: CheckoutDetails) -> None:
    learner = Learner.objects.managed_by(by).filter(pk=details.learner_id).first()
    if learner is None:
        raise ValidationFailedError(
            "Choose who is learning.", fields={"learner": "Choose a learner."}
        )
    offering = hold.offering
    if learner.birth_year is not None:
        age = hold.start_at.year - learner.birth_year
        # Only the year is known: a birthday may still be ahead, so the younger age counts too.
        if age < offering.age_from or age - 1 > offering.age_to:
            text = f"This lesson is for ages {offering.age_from} to {offering.age_to}."
            raise ValidationFailedError(text, fields={"learner": text})
    if not is_place_inside(hold.instructor, hold.modality, details.neighborhood_id):
        wanted = Neighborhood.objects.get(pk=details.neighborhood_id or 0)
        text = _outside_text(hold, wanted)
        raise ValidationFailedError(text, fields={"neighborhood": text})


def _outside_text(hold: Booking, wanted: Neighborhood) -> str:
    """Name the nearest places where the instructor does teach, and online. Spec: S13.1."""
    who = hold.instructor.user.first_name
    near = Neighborhood.objects.filter(coverage__instructor=hold.instructor).nearest_to(wanted)
    places = [f"in {name}" for name in near.values_list("name", flat=True)[:NEAREST_PLACES]]
    if Modality.ONLINE in hold.offering.modalities:
        places.append("online")
    if not places:
        return f"{who} doesn't travel there. Choose another instructor or place."
    return f"{who} doesn't travel to {wanted.name}. The nearest: {', '.join(places)}."


def _reserve(
    hold: Booking, by: User, details: CheckoutDetails, now: datetime | None
) -> PaymentAttempt | None:
    """Step (a) under the lock: check the hold and write the attempt; None when confirmed."""
    with booking_transaction(instructor_ids=[hold.instructor_id], learner_ids=[details.learner_id]):
        now = now or clock.database_now()
        booking = Booking.objects.select_for_update(of=("self",)).get(pk=hold.pk)
        if booking.code is not None:
            return None
        _check_hold_is_live(booking, now)
        _check_learner_is_free(booking, details.learner_id, now)
        booking.learner_id = details.learner_id
        booking.neighborhood_id = details.neighborhood_id
        booking.address, booking.note = details.address, details.note
        booking.save(update_fields=["learner", "neighborhood", "address", "note"])
        split = split_of(booking, by.pk, now)
        if details.shown_cents != split.card_cents:
            raise AmountChangedError(
                "The price to pay changed since you opened this page. Nothing was charged: "
                "check the new total, then pay."
            )
        if details.card is None and split.card_cents:
            raise ValidationFailedError(
                "Your credit or code no longer covers this lesson. Add a card.",
                fields={"card_number": "Write a card number."},
            )
        return payments.open_attempt(
            booking_id=booking.pk,
            hold_id=booking.hold_id,
            student_id=by.pk,
            amount_cents=split.card_cents,
            credit_cents=split.credit_cents,
            promo_cents=split.promo_cents,
            now=now,
        )


def split_of(hold: Booking, user_id: int | None, now: datetime) -> Split:
    """Return how the person would pay the hold's total. Spec: S14.7

    A code that was chosen and no longer counts takes nothing off; the split says why.
    """
    try:
        promo = hold.promo_choice.promo
    except ObjectDoesNotExist:
        promo = None
    return planned_split(
        booking_id=hold.pk,
        student_id=user_id,
        total_cents=hold.total_cents,
        now=now,
        promo=promo,
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


def _check_hold_is_live(booking: Booking, now: datetime) -> None:
    if booking.status != Status.HELD or booking.expires_at is None or booking.expires_at <= now:
        raise HoldExpiredError("Your hold ended.")


def _check_learner_is_free(booking: Booking, learner_id: int, now: datetime) -> None:
    """R7 under the learner's lock: one learner never has two lessons at once."""
    expire_lapsed_holds(instructor_id=booking.instructor_id, learner_ids=[learner_id], now=now)
    clash = (
        Booking.objects.blocking(now)
        .filter(learner_id=learner_id, start_at__lt=booking.end_at, end_at__gt=booking.start_at)
        .exclude(pk=booking.pk)
    )
    if clash.exists():
        raise LearnerBusyError("This learner already has a lesson at that time.")


def settle_attempt(attempt_id: int, *, now: datetime | None = None) -> CheckoutResult:
    """Step (c): act once on what the gateway said; safe to repeat in any order.

    Raises ``PaymentDeclinedError`` when the bank said no. Spec: S14.3, S14.4, S14.13, T2, T4.
    """
    attempt = PaymentAttempt.objects.get(pk=attempt_id)
    hold = Booking.objects.get(pk=attempt.booking_id)
    with booking_transaction(instructor_ids=[hold.instructor_id], learner_ids=[hold.learner_id]):
        now = now or clock.database_now()
        attempt = PaymentAttempt.objects.select_for_update().get(pk=attempt_id)
        booking = _locked(hold.pk)
        if attempt.status == PaymentAttempt.Status.SUCCEEDED:
            return _settle_success(booking, attempt, now)
        if attempt.is_open:
            extend_hold_for_payment(booking, now)
    if attempt.status == PaymentAttempt.Status.DECLINED:
        result = payments.refresh_attempt(attempt.pk, now=now)
        raise PaymentDeclinedError(result.message)
    is_bank = attempt.status == PaymentAttempt.Status.NEEDS_ACTION
    return CheckoutResult(booking, Step.NEEDS_BANK if is_bank else Step.WAITING)


def _locked(pk: int) -> Booking:
    return Booking.objects.select_for_update(of=("self",)).with_people().get(pk=pk)


def _settle_success(booking: Booking, attempt: PaymentAttempt, now: datetime) -> CheckoutResult:
    if attempt.recorded_at is not None:
        return CheckoutResult(booking, Step.CONFIRMED if booking.code else Step.REFUNDED)
    expires_at = booking.expires_at
    if booking.status == Status.HELD and expires_at is not None and now < expires_at:
        lesson = booking
    else:
        rebooked = _rebook(booking, now)
        if rebooked is None:
            return _give_back(booking, attempt, now)
        payments.reassign_attempt(attempt.pk, booking_id=rebooked.pk)
        lesson = rebooked
    confirm_under_lock(lesson, now)
    payments.record_charge(attempt_id=attempt.pk, lesson=_terms(lesson), now=now)
    confirmed = _locked(lesson.pk)
    mails.queue_confirmation(confirmed, now)
    return CheckoutResult(confirmed, Step.CONFIRMED)


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


def _rebook(lapsed: Booking, now: datetime) -> Booking | None:
    """Write a new hold with the same terms when the time is still free. Spec: S14.3."""
    learners = [lapsed.learner_id]
    expire_lapsed_holds(instructor_id=lapsed.instructor_id, learner_ids=learners, now=now)
    lapsed.refresh_from_db(fields=["status"])
    wanted = WantedLesson(
        offering=lapsed.offering,
        duration_minutes=lapsed.duration_minutes,
        modality=lapsed.modality,
        neighborhood_id=lapsed.neighborhood_id,
        learner_id=lapsed.learner_id,
    )
    failed = {f.rule for f in bookability_failures(wanted, lapsed.offering, lapsed.start_at, now)}
    # The person chose in time; only the calendar counts now, not notice or what is on offer today.
    if failed & {"R3", "R4", "R6", "R7"} or lapsed.start_at <= now:
        return None
    fresh = Booking.objects.get(pk=lapsed.pk).copy_as_hold()
    fresh.replaces_id = lapsed.pk
    fresh.expires_at, fresh.created_at = now + timedelta(minutes=1), now
    try:
        with transaction.atomic():
            fresh.save(force_insert=True)
    except IntegrityError:
        return None
    return _locked(fresh.pk)


def _give_back(booking: Booking, attempt: PaymentAttempt, now: datetime) -> CheckoutResult:
    """The time is gone: everything goes back, with an apology. Spec: S14.3."""
    payments.refund_orphan_charge(attempt.pk, now=now)
    mails.queue_refund_after_lost_time(
        booking, amount_cents=attempt.paid_cents, nearest=nearest_to(booking, now)
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


def hold_again(*, by: Owner, hold_id: str, now: datetime | None = None) -> Booking:
    """Hold a lapsed time again with everything that was typed; raises ``SlotTakenError``.

    Spec: S13.2
    """
    old = find_hold(by=by, hold_id=hold_id)
    if old.code is not None:
        return old
    fresh = hold_slot(
        by=by,
        wanted=HoldRequest(
            offering_id=old.offering_id,
            start_at=old.start_at,
            duration_minutes=old.duration_minutes,
            modality=old.modality,
            neighborhood_id=old.neighborhood_id,
            learner_id=old.learner_id,
        ),
        now=now,
    )
    fresh.address, fresh.note, fresh.replaces_id = old.address, old.note, old.pk
    fresh.save(update_fields=["address", "note", "replaces"])
    payments.carry_promo(from_booking_id=old.pk, to_booking_id=fresh.pk)
    return fresh


def keep_typed(hold: Booking, typed: Mapping[str, Any], *, now: datetime) -> None:
    """Let a lapsed hold remember what was typed, for "Hold it again". Spec: S13.2, T3.

    The row is written down as EXPIRED: a learner on a row that still blocks could clash.
    """
    values = {name: typed[name] for name in KEPT_FIELDS if name in typed}
    lapsed = Q(status=Status.EXPIRED) | Q(status=Status.HELD, expires_at__lte=now)
    Booking.objects.filter(lapsed, pk=hold.pk).update(status=Status.EXPIRED, **values)


def still_free(hold: Booking, *, by: Owner, now: datetime) -> SlotTakenError | None:
    """Tell how a lapsed hold's time stands: None when free, else the refusal with nearest times."""
    wanted = WantedLesson(
        offering=hold.offering,
        duration_minutes=hold.duration_minutes,
        modality=hold.modality,
        neighborhood_id=hold.neighborhood_id,
        owner=by,
        learner_id=hold.learner_id,
    )
    if not bookability_failures(wanted, hold.offering, hold.start_at, now):
        return None
    return slot_taken(wanted, hold.start_at, now)
