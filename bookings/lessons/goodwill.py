"""Giving back what nobody has to: waived fees, emergencies, the good-fit promise (C3-C9)."""

from dataclasses import replace
from datetime import datetime

from accounts.audit import record_event
from accounts.models import User
from bookings.lessons import mails
from bookings.lessons.cancellation import check_refund_limit, find_for_staff
from bookings.lessons.locks import lesson_transaction
from bookings.lessons.models import Booking, EmergencyRequest
from bookings.lessons.policies import (
    Outcome,
    PolicyNumbers,
    RefundTo,
    excused,
    outcome,
    waived,
)
from bookings.lessons.selectors import find_lesson, find_taught_lesson
from bookings.lessons.settlement import good_fit_facts, good_fit_key, money_facts, settle
from bookings.lessons.states import Actor, Status
from bookings.lessons.transitions import catch_up, lesson_changed
from bookings.payments import services as payments
from bookings.payments.models import LedgerTransaction, Refund
from bookings.payments.selectors import exchangeable_cents
from instainstru.errors import ConflictError


def waivable(booking: Booking, now: datetime, refund_to: RefundTo) -> tuple[str, Outcome] | None:
    """Return the case and what the instructor would give back by waiving, or ``None``.

    Spec: 05 section 4 C3 and C4, S15.9
    """
    decided = decided_loss(booking)
    if decided is None or _was_given_back(booking):
        return None
    case, decided_at = decided
    numbers = PolicyNumbers.of(booking.policy)
    try:
        due = waived(
            money_facts(booking), case, refund_to, decided_at=decided_at, now=now, numbers=numbers
        )
    except ConflictError:
        return None
    if case == "C3":
        # What the student has spent meanwhile stays spent.
        left_cents = exchangeable_cents(_cancel_key(booking))
        due = Outcome(case=case, card_refund_cents=left_cents, valid_until=due.valid_until)
        return (case, due) if left_cents else None
    # Whoever had the money back already, by C8, lost nothing.
    return None if _was_settled(_cancel_key(booking)) else (case, due)


def decided_loss(booking: Booking) -> tuple[str, datetime] | None:
    """Return by which row of the table, and when, the student lost the money or part of it."""
    if booking.status == Status.NO_SHOW_STUDENT:
        report = getattr(booking, "report", None)
        return ("C4", report.decided_at) if report and report.decided_at else None
    if booking.status != Status.CANCELLED_STUDENT or booking.cancelled_at is None:
        return None
    numbers = PolicyNumbers.of(booking.policy)
    due = outcome(money_facts(booking), Actor.STUDENT, booking.cancelled_at, numbers)
    return due.case, booking.cancelled_at


def _was_given_back(booking: Booking) -> bool:
    return _was_settled(_waive_key(booking), _emergency_key(booking), good_fit_key(booking))


def _was_settled(*keys: str) -> bool:
    """Tell whether money was ordered by a key; what a promo paid alone is in the ledger only."""
    events = LedgerTransaction.objects.filter(key__in=[f"refund:{key}" for key in keys])
    return events.exists() or Refund.objects.filter(key__in=keys).exists()


def _cancel_key(booking: Booking) -> str:
    return f"cancel:{booking.pk}"


def _waive_key(booking: Booking) -> str:
    return f"waive:{booking.pk}"


def waive_fee(
    *, by: User, code: str, refund_to: RefundTo, now: datetime | None = None
) -> tuple[Booking, Outcome]:
    """Give back, as the instructor, what a late cancellation or a missed lesson cost the student.

    Within 48 hours, once. C3 replaces what is left of its credit by money to the card. Raises
    ``LessonChangedError`` when there is nothing to waive. Spec: C3, C4, S15.9
    """
    with lesson_transaction(find_taught_lesson(by=by, code=code), now) as at:
        booking = find_taught_lesson(by=by, code=code)
        found = waivable(booking, at, refund_to)
        if found is None:
            raise lesson_changed(booking, "waive", "There is nothing to waive any more.")
        due = _give_back(booking, found[1], key=_waive_key(booking), now=at)
        mails.queue_goodwill(booking, due, "waived")
    return booking, due


def emergency_offer(booking: Booking, now: datetime) -> Outcome | None:
    """Return what staff would give back for an emergency of the student, or ``None``. Spec: C8

    For a lesson that the student canceled too late (or after moving it late) or did not come to,
    and once.
    """
    decided = decided_loss(booking)
    if decided is None or _was_given_back(booking):
        return None
    if decided[0] in {"C3", "C5"}:
        left_cents = exchangeable_cents(_cancel_key(booking))
        return Outcome(case="C8", card_refund_cents=left_cents) if left_cents else None
    if decided[0] != "C4" or _was_settled(_cancel_key(booking)):
        return None
    return excused(money_facts(booking), now)


def excuse_emergency(
    *, by: User, code: str, reason: str, now: datetime | None = None
) -> tuple[Booking, Outcome]:
    """Give a student everything back whom an emergency kept from the lesson; staff decide.

    Credit that a late cancellation gave is taken back as far as it is left and goes to the card.
    Raises ``ForbiddenError`` without ``bookings.manage_all``, above the refund limit and for one's
    own lesson, ``LessonChangedError`` when there is nothing to give back. Spec: C8, S5.9, S14.9
    """
    found = find_for_staff(by=by, code=code)
    with lesson_transaction(found, now) as at:
        booking = Booking.objects.with_people().get(pk=found.pk)
        due = emergency_offer(booking, at)
        if due is None:
            raise lesson_changed(booking, "C8", "There is nothing to give back for this lesson.")
        check_refund_limit(by, booking, due)
        due = _give_back(booking, due, key=_emergency_key(booking), now=at)
        record_event(
            "booking.excused",
            by=by,
            on=booking,
            subject=booking.student,
            after={"card_cents": due.card_refund_cents, "credit_cents": due.credit_cents},
            reason=reason,
        )
        mails.queue_goodwill(booking, due, "emergency")
    return booking, due


def _give_back(booking: Booking, due: Outcome, *, key: str, now: datetime) -> Outcome:
    """Order the money of a late cancellation after all; credit given for it goes to the card.

    Whoever asked because of an emergency has their answer by it, also after a no. Raises
    ``LessonChangedError`` when that credit has been spent meanwhile.
    """
    EmergencyRequest.objects.filter(booking=booking).update(
        outcome=EmergencyRequest.Outcome.GIVEN_BACK, decided_at=now
    )
    source = _cancel_key(booking)
    if not Refund.objects.filter(key=source).exists():
        settle(booking, due, key=key, now=now)
        return due
    refund = payments.exchange_credit(booking_id=booking.pk, source_key=source, key=key, now=now)
    if refund is None:
        raise lesson_changed(booking, "waive", "There is nothing to waive any more.")
    return replace(due, card_refund_cents=refund.amount_cents)


def _emergency_key(booking: Booking) -> str:
    return f"emergency:{booking.pk}"


def good_fit_offer(booking: Booking, now: datetime) -> Outcome | None:
    """Return what the good-fit promise would give for this lesson now, or ``None``. Spec: C9."""
    if Refund.objects.filter(attempt__booking=booking).exists():
        return None
    try:
        return outcome(
            good_fit_facts(booking), Actor.STUDENT, now, PolicyNumbers.of(booking.policy)
        )
    except ConflictError:
        return None


def claim_good_fit(*, by: User, code: str, now: datetime | None = None) -> tuple[Booking, Outcome]:
    """Give the student of a first lesson its price as credit; the instructor keeps theirs.

    Once in 90 days, within 48 hours of the end, for a lesson that is not under review. Raises
    ``LessonChangedError`` otherwise. Spec: C9
    """
    with lesson_transaction(find_lesson(by=by, code=code), now) as at:
        # Two learners' lessons share no other lock, and the promise is given to the person.
        User.objects.select_for_update(no_key=True).get(pk=by.pk)
        booking = find_lesson(by=by, code=code)
        state = catch_up(booking, at)
        due = good_fit_offer(booking, at)
        if state not in {Status.ENDED, Status.COMPLETED} or due is None:
            raise lesson_changed(booking, "good fit", "The good-fit promise does not cover this.")
        settle(booking, due, key=good_fit_key(booking), now=at)
        mails.queue_goodwill(booking, due, "good_fit")
    return booking, due
