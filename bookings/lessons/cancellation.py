"""Cancelling a lesson: one outcome for the preview and for the deed.

Spec: T8, T10, S11.2, 05 section 4
"""

from datetime import datetime

from accounts.audit import record_event
from accounts.models import User
from accounts.permissions import require_permission
from bookings.lessons import mails
from bookings.lessons.errors import AmountChangedError, LessonChangedError
from bookings.lessons.locks import booking_transaction
from bookings.lessons.models import Booking
from bookings.lessons.policies import BookingFacts, Outcome, PolicyNumbers, outcome
from bookings.lessons.states import Actor, Status, sources_of, status_at
from bookings.payments import services as payments
from bookings.payments.selectors import payment_summary
from instainstru import clock
from instainstru.errors import ConflictError, ForbiddenError, NotFoundError

CHANGED = "This lesson changed"
MANAGE_ALL = "bookings.manage_all"


def find_lesson(*, by: User, code: str) -> Booking:
    """Return the person's own confirmed or former lesson; raises ``NotFoundError``. Spec: G5."""
    rows = Booking.objects.of_student(by).select_related(
        "instructor__user", "instructor__base_neighborhood", "offering__service", "policy",
        "neighborhood", "learner", "student",
    )  # fmt: skip
    booking = rows.filter(code=code).first()
    if booking is None:
        raise NotFoundError("We couldn't find this lesson.")
    return booking


def current_status(booking: Booking, now: datetime) -> Status:
    """Return the state at ``now``, before any job wrote it down. Spec: S4.3."""
    return status_at(
        Status(booking.status),
        end_at=booking.end_at,
        expires_at=booking.expires_at,
        now=now,
        auto_complete_hours=booking.policy.auto_complete_hours,
    )


def preview_cancellation(booking: Booking, now: datetime, actor: Actor = Actor.STUDENT) -> Outcome:
    """Return what cancelling at ``now`` would give back.

    Raises ``LessonChangedError`` when the lesson can no longer be cancelled. Spec: S11.2, T15.
    """
    if current_status(booking, now) is not Status.CONFIRMED or booking.confirmed_at is None:
        raise LessonChangedError(CHANGED)
    paid = payment_summary(booking.pk)
    facts = BookingFacts(
        start_at=booking.start_at,
        end_at=booking.end_at,
        confirmed_at=booking.confirmed_at,
        price_cents=booking.price_cents,
        travel_fee_cents=booking.travel_fee_cents,
        credit_cents=paid.credit_cents if paid else 0,
        fee_pct=booking.fee_pct,
        is_late_move=booking.is_late_move,
    )
    try:
        return outcome(facts, actor, now, PolicyNumbers.of(booking.policy))
    except ConflictError as error:
        raise LessonChangedError(error.message) from error


def cancel_lesson(
    *,
    by: User,
    code: str,
    reason: str,
    expected_card_cents: int,
    expected_credit_cents: int,
    now: datetime | None = None,
) -> tuple[Booking, Outcome]:
    """Cancel the person's own lesson for exactly the amounts they were shown.

    Raises ``AmountChangedError`` with the new outcome when the amounts differ by now, and
    ``LessonChangedError`` when the lesson is no longer confirmed. Spec: T8, S11.2, R13.
    """
    booking = find_lesson(by=by, code=code)
    with booking_transaction(
        instructor_ids=[booking.instructor_id], learner_ids=[booking.learner_id]
    ):
        now = now or clock.database_now()
        Booking.objects.select_for_update(of=("self",)).get(pk=booking.pk)
        booking = find_lesson(by=by, code=code)
        due = preview_cancellation(booking, now)
        if (due.card_refund_cents, due.credit_cents) != (
            expected_card_cents,
            expected_credit_cents,
        ):
            raise AmountChangedError(
                "What you get back has changed since you opened this page.", context={"due": due}
            )
        _cancel(booking, "T8", Status.CANCELLED_STUDENT, due, reason, now)
        booking = find_lesson(by=by, code=code)
        mails.queue_cancellation(booking, due)
    return booking, due


def cancel_as_staff(
    *, by: User, code: str, reason: str, now: datetime | None = None
) -> tuple[Booking, Outcome]:
    """Cancel somebody's lesson for the platform: everything goes back to the card (C7).

    Raises ``ForbiddenError`` without ``bookings.manage_all`` and for one's own lesson,
    ``LessonChangedError`` when it is no longer confirmed, ``ValidationFailedError`` for a reason
    of the wrong length. Spec: T10, S5.9, S5.10.
    """
    require_permission(by, MANAGE_ALL)
    found = Booking.objects.select_related("instructor").filter(code=code).first()
    if found is None:
        raise NotFoundError("We couldn't find this lesson.")
    if by.pk in {found.student_id, found.instructor.user_id}:
        raise ForbiddenError("This concerns you. Somebody else decides.")
    with booking_transaction(instructor_ids=[found.instructor_id], learner_ids=[found.learner_id]):
        now = now or clock.database_now()
        booking = Booking.objects.select_for_update(of=("self",)).get(pk=found.pk)
        before = booking.status
        due = preview_cancellation(booking, now, Actor.STAFF)
        _cancel(booking, "T10", Status.CANCELLED_STAFF, due, "Canceled by InstaInstru", now)
        record_event(
            "booking.cancelled",
            by=by,
            on=booking,
            subject=booking.student,
            before={"status": before},
            after={"status": Status.CANCELLED_STAFF.value, "card_cents": due.card_refund_cents},
            reason=reason,
        )
        assert booking.student is not None  # noqa: S101 - a confirmed lesson has its student
        booking = find_lesson(by=booking.student, code=code)
        mails.queue_cancellation(booking, due)
    return booking, due


def _cancel(
    booking: Booking, transition: str, status: Status, due: Outcome, reason: str, now: datetime
) -> None:
    """Change the state by compare-and-swap and order the money, inside the lock."""
    changed = Booking.objects.filter(pk=booking.pk, status__in=sources_of(transition)).update(
        status=status,
        cancelled_at=now,
        cancel_reason=reason,
        ics_sequence=booking.ics_sequence + 1,
    )
    if not changed:
        raise LessonChangedError(CHANGED)
    payments.request_refund(
        booking_id=booking.pk,
        key=f"cancel:{booking.pk}",
        amount_cents=due.card_refund_cents,
        credit_cents=due.credit_returned_cents + due.credit_issued_cents,
        instructor_keeps_cents=due.instructor_cents,
        fee_keeps_cents=due.fee_cents,
        policy=booking.policy,
        now=now,
    )
