"""Cancelling a lesson: one outcome for the preview and for the deed.

Spec: T8, T9, T10, S11.2, 05 section 4
"""

from dataclasses import dataclass
from datetime import datetime

from accounts.audit import record_event
from accounts.models import User
from accounts.permissions import require_permission, require_uninvolved
from bookings.availability.services import close_once
from bookings.lessons import mails
from bookings.lessons.errors import AmountChangedError, LessonChangedError
from bookings.lessons.locks import left_for_later, lesson_transaction
from bookings.lessons.models import Booking, LessonReport, Strike
from bookings.lessons.moves import is_excused, void_open_proposal
from bookings.lessons.policies import Outcome, PolicyNumbers, RefundTo, outcome, split
from bookings.lessons.selectors import find_lesson, find_taught_lesson, lesson_zone
from bookings.lessons.settlement import money_facts, settle
from bookings.lessons.states import Actor, Status, sources_of
from bookings.lessons.strikes import add_strike
from bookings.lessons.transitions import current_status, lesson_changed, swap
from catalog.models import Instructor
from instainstru import clock
from instainstru.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationFailedError,
)
from instainstru.templatetags.ui import money

MANAGE_ALL = "bookings.manage_all"
MIN_REASON, MAX_REASON = 10, 300
BATCH_SIZE = 200
_TRANSITIONS = {
    Actor.STUDENT: ("T8", Status.CANCELLED_STUDENT),
    Actor.INSTRUCTOR: ("T9", Status.CANCELLED_INSTRUCTOR),
    Actor.STAFF: ("T10", Status.CANCELLED_STAFF),
}


@dataclass(frozen=True)
class StaffSplit:
    """How much staff give back, in cents; both together at most what was paid (T10)."""

    card_cents: int
    credit_cents: int


def preview_cancellation(
    booking: Booking,
    now: datetime,
    actor: Actor = Actor.STUDENT,
    *,
    refund_to: RefundTo = RefundTo.CARD,
    staff_split: StaffSplit | None = None,
) -> Outcome:
    """Return what cancelling at ``now`` would give back.

    ``refund_to`` counts where the student may choose (C2); ``staff_split`` is what staff give in
    place of everything. Raises ``LessonChangedError`` when the lesson can no longer be cancelled,
    ``ConflictError`` for a split beyond what was paid. Spec: S11.2, T8-T10, T15.
    """
    number = _TRANSITIONS[actor][0]
    if current_status(booking, now) not in sources_of(number) or booking.confirmed_at is None:
        raise lesson_changed(booking, number)
    excused = actor is Actor.STUDENT and is_excused(booking, now)
    facts = money_facts(booking, refund_to=refund_to, is_excused=excused)
    if staff_split is not None:
        return split(
            facts, card_cents=staff_split.card_cents, credit_cents=staff_split.credit_cents, now=now
        )
    try:
        return outcome(facts, actor, now, PolicyNumbers.of(booking.policy))
    except ConflictError as error:
        raise lesson_changed(booking, number, error.message) from error


def cancel_lesson(
    *,
    by: User,
    code: str,
    reason: str,
    expected_card_cents: int,
    expected_credit_cents: int,
    refund_to: RefundTo = RefundTo.CARD,
    now: datetime | None = None,
) -> tuple[Booking, Outcome]:
    """Cancel the person's own lesson for exactly the amounts they were shown.

    Raises ``AmountChangedError`` with the new outcome when the amounts differ by now, and
    ``LessonChangedError`` when the lesson is no longer confirmed. Spec: T8, S11.2, R13.
    """
    with lesson_transaction(find_lesson(by=by, code=code), now) as at:
        booking = find_lesson(by=by, code=code)
        due = preview_cancellation(booking, at, refund_to=refund_to)
        _check_amounts(due, expected_card_cents, expected_credit_cents)
        _cancel(booking, Actor.STUDENT, due, reason, at)
        booking = find_lesson(by=by, code=code)
        mails.queue_cancellation(booking, due)
    return booking, due


def cancel_as_instructor(
    *, by: User, code: str, reason: str, now: datetime | None = None
) -> tuple[Booking, Outcome]:
    """Cancel a lesson the person teaches: the student gets everything back, the time stays closed.

    Less than a day before the start the student gets a gift and the instructor a strike (C6).
    Raises ``ValidationFailedError`` without a reason, ``LessonChangedError``. Spec: T9
    """
    if not MIN_REASON <= len(reason.strip()) <= MAX_REASON:
        text = f"Write a reason of {MIN_REASON} to {MAX_REASON} characters for your student."
        raise ValidationFailedError(text, fields={"reason": text})
    with lesson_transaction(find_taught_lesson(by=by, code=code), now) as at:
        booking = find_taught_lesson(by=by, code=code)
        due = preview_cancellation(booking, at, Actor.INSTRUCTOR)
        _cancel(booking, Actor.INSTRUCTOR, due, reason.strip(), at)
        close_once(
            instructor_id=booking.instructor_id,
            start_at=booking.start_at,
            end_at=booking.end_at,
            zone=lesson_zone(booking.instructor),
            label="Canceled lesson",
        )
        if due.is_strike:
            add_strike(booking, Strike.Reason.LATE_CANCELLATION, at)
        booking = find_taught_lesson(by=by, code=code)
        mails.queue_cancellation(booking, due)
    return booking, due


def cancel_excused(booking: Booking, reason: str, now: datetime) -> Outcome:
    """Cancel a lesson that both sides gave up; everything goes back to the student (C8).

    The caller holds the lesson's locks and knows why; raises ``LessonChangedError`` for a lesson
    that is not to come. Spec: T8, C8
    """
    facts = money_facts(booking, is_excused=True)
    try:
        due = outcome(facts, Actor.STUDENT, now, PolicyNumbers.of(booking.policy))
    except ConflictError as error:
        raise lesson_changed(booking, "T8", error.message) from error
    _cancel(booking, Actor.STUDENT, due, reason, now)
    booking.refresh_from_db()
    mails.queue_cancellation(booking, due)
    return due


def cancel_as_staff(
    *,
    by: User,
    code: str,
    reason: str,
    staff_split: StaffSplit | None = None,
    now: datetime | None = None,
) -> tuple[Booking, Outcome]:
    """Cancel somebody's lesson for the platform: everything goes back (C7), or what staff decide.

    Raises ``ForbiddenError`` without ``bookings.manage_all`` and for one's own lesson,
    ``LessonChangedError`` when it is neither confirmed nor under review, ``ConflictError`` for a
    split beyond what was paid, ``ValidationFailedError`` for a reason of the wrong length.
    Spec: T10, S5.9, S5.10.
    """
    found = find_for_staff(by=by, code=code)
    with lesson_transaction(found, now) as at:
        booking = Booking.objects.with_people().get(pk=found.pk)
        due = preview_cancellation(booking, at, Actor.STAFF, staff_split=staff_split)
        check_refund_limit(by, booking, due)
        _cancel_for_platform(booking, due, by=by, reason=reason, now=at)
    return booking, due


def find_for_staff(*, by: User, code: str) -> Booking:
    """Return a lesson that a member of staff may decide about.

    Raises ``ForbiddenError`` without ``bookings.manage_all`` and for one's own lesson,
    ``NotFoundError``. Spec: S5.9, S5.10
    """
    require_permission(by, MANAGE_ALL)
    found = Booking.objects.select_related("instructor").filter(code=code).first()
    if found is None:
        raise NotFoundError("We couldn't find this lesson.")
    require_uninvolved(by, found.student_id, found.instructor.user_id)
    return found


def cancel_lessons_of_suspended(now: datetime | None = None) -> int:
    """Cancel the lessons to come of suspended instructors; everything goes back (05 section 2).

    Each lesson is its own transaction, so that a run may stop anywhere. Returns how many.
    """
    count = 0
    rows = Booking.objects.filter(
        instructor__status=Instructor.Status.SUSPENDED,
        status=Status.CONFIRMED,
        start_at__gt=now or clock.now(),
    )
    for booking in rows.order_by("start_at")[:BATCH_SIZE]:
        with left_for_later("lesson_of_suspended_not_cancelled", booking):
            count += _cancel_of_suspended(booking, now)
    return count


def _cancel_of_suspended(booking: Booking, now: datetime | None) -> bool:
    with lesson_transaction(booking, now) as instant:
        lesson = Booking.objects.with_people().get(pk=booking.pk)
        try:
            due = preview_cancellation(lesson, instant, Actor.STAFF)
        except LessonChangedError:
            return False
        _cancel_for_platform(
            lesson, due, by=None, reason="The instructor is suspended", now=instant
        )
        return True


def check_refund_limit(by: User, booking: Booking, due: Outcome) -> None:
    """Refuse what support may not give back alone; raises ``ForbiddenError``. Spec: S14.9, P23."""
    limit_cents = booking.policy.support_refund_limit_cents
    given_cents = due.card_refund_cents + due.credit_cents
    if given_cents > limit_cents and not by.has_perm("accounts.payouts.manage"):
        raise ForbiddenError(
            f"More than {money(limit_cents)} for one lesson is for finance to give back."
        )


def _cancel_for_platform(
    booking: Booking, due: Outcome, *, by: User | None, reason: str, now: datetime
) -> None:
    before = booking.status
    due = _cancel(booking, Actor.STAFF, due, "Canceled by InstaInstru", now)
    LessonReport.objects.filter(booking=booking, outcome="").update(
        outcome=Status.CANCELLED_STAFF, decided_at=now
    )
    record_event(
        "booking.cancelled",
        by=by,
        on=booking,
        subject=booking.student,
        before={"status": before},
        after={"status": Status.CANCELLED_STAFF.value, "card_cents": due.card_refund_cents},
        reason=reason,
    )
    booking.refresh_from_db()
    mails.queue_cancellation(booking, due)


def _check_amounts(due: Outcome, card_cents: int, credit_cents: int) -> None:
    if (due.card_refund_cents, due.credit_cents) != (card_cents, credit_cents):
        raise AmountChangedError(
            "What you get back has changed since you opened this page.",
            context={
                "due": due,
                "card_refund_cents": due.card_refund_cents,
                "credit_cents": due.credit_cents,
            },
        )


def _cancel(booking: Booking, actor: Actor, due: Outcome, reason: str, now: datetime) -> Outcome:
    """Change the state by compare-and-swap and order the money, inside the lock; return that."""
    number, status = _TRANSITIONS[actor]
    void_open_proposal(booking, now)
    swap(
        booking,
        number,
        status,
        cancelled_at=now,
        cancel_reason=reason,
        ics_sequence=booking.ics_sequence + 1,
    )
    return settle(booking, due, key=f"cancel:{booking.pk}", now=now)
