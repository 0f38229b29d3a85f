"""What the page shows is what cancelling does."""

from datetime import datetime, timedelta

import pytest

from accounts.models import User
from bookings.lessons.cancellation import cancel_lesson, preview_cancellation
from bookings.lessons.errors import AmountChangedError, LessonChangedError
from bookings.lessons.models import Booking
from bookings.lessons.policies import Outcome
from bookings.lessons.selectors import find_lesson
from bookings.lessons.services import hold_slot
from bookings.lessons.states import Status
from bookings.notifications.models import OutgoingMail
from bookings.payments.models import Refund
from bookings.payments.selectors import ledger_imbalances, payment_summary
from instainstru import clock
from instainstru.errors import NotFoundError
from tests.bookings.lessons.stage import guest, self_learner, wanted
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S11, pytest.mark.django_db]
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def maya() -> User:
    return student()


def paid_lesson(maya: User, **fields: object) -> Booking:
    lesson: Booking = BookingFactory(
        student=maya,
        learner=self_learner(maya),
        start_at=tomorrow_at(10, days=3),
        price_cents=9000,
        travel_fee_cents=500,
        confirmed_at=clock.now() - timedelta(days=1),
        **fields,
    )
    return lesson


def cancel(maya: User, lesson: Booking, due: Outcome, now: datetime) -> Outcome:
    _, done = cancel_lesson(
        by=maya,
        code=str(lesson.code),
        reason="schedule",
        expected_card_cents=due.card_refund_cents,
        expected_credit_cents=due.credit_cents,
        now=now,
    )
    return done


@pytest.mark.parametrize(
    ("before", "case", "card", "credit", "instructor"),
    [
        (24 * HOUR, "C2", 9500, 0, 0),
        (24 * HOUR - SECOND, "C3", 0, 9500, 0),
        (12 * HOUR, "C3", 0, 9500, 0),
        (12 * HOUR - SECOND, "C4", 0, 0, 8150),
        (SECOND, "C4", 0, 0, 8150),
    ],
)
def test_preview_and_deed_are_one(
    maya: User, before: timedelta, case: str, card: int, credit: int, instructor: int
) -> None:
    """05 section 4, C2-C4: a boundary belongs to the kinder side."""
    lesson = paid_lesson(maya)
    make.pay(lesson)
    now = lesson.start_at - before
    due = preview_cancellation(lesson, now)
    assert (due.case, due.card_refund_cents, due.credit_cents) == (case, card, credit)
    assert due.instructor_cents == instructor
    done = cancel(maya, lesson, due, now)

    assert done.same_money(due)
    lesson.refresh_from_db()
    assert (lesson.status, lesson.cancelled_at) == (Status.CANCELLED_STUDENT, now)
    assert (lesson.ics_sequence, lesson.cancel_reason) == (1, "schedule")
    paid = payment_summary(lesson.pk)
    assert paid is not None
    assert (paid.refunded_cents, paid.returned_credit_cents) == (card, credit)
    assert ledger_imbalances() == []
    to = set(OutgoingMail.objects.filter(kind="lesson_cancelled").values_list("to", flat=True))
    assert to == {maya.email, lesson.instructor.user.email}


def test_ten_minutes_of_grace_give_everything_back(maya: User) -> None:
    """C1: at most 10 minutes after confirming and at least an hour ahead."""
    start = tomorrow_at(10)
    lesson = paid_lesson(maya)
    Booking.objects.filter(pk=lesson.pk).update(
        start_at=start, end_at=start + HOUR, confirmed_at=start - 2 * HOUR
    )
    make.pay(lesson)
    lesson = find_lesson(by=maya, code=str(lesson.code))
    edge = start - 2 * HOUR + timedelta(minutes=10)
    assert preview_cancellation(lesson, edge + SECOND).case == "C4"
    due = preview_cancellation(lesson, edge)
    assert (due.case, due.card_refund_cents) == ("C1", 9500)
    assert cancel(maya, lesson, due, edge).card_refund_cents == 9500
    assert Refund.objects.get().amount_cents == 9500


def test_credit_comes_back_as_credit(maya: User) -> None:
    """05 section 4"""
    lesson = paid_lesson(maya)
    make.give_credit(maya, 2500)
    make.pay(lesson, credit_cents=2500)
    now = lesson.start_at - 30 * HOUR
    due = preview_cancellation(lesson, now)
    assert (due.card_refund_cents, due.credit_returned_cents) == (7000, 2500)
    cancel(maya, lesson, due, now)
    assert ledger_imbalances() == []


def test_amount_that_changed_meanwhile_asks_again(maya: User) -> None:
    """S11.2"""
    lesson = paid_lesson(maya)
    make.pay(lesson)
    shown = preview_cancellation(lesson, lesson.start_at - 24 * HOUR)
    with pytest.raises(AmountChangedError) as caught:
        cancel(maya, lesson, shown, lesson.start_at - 24 * HOUR + SECOND)
    assert caught.value.status == 409
    assert caught.value.context["due"].credit_cents == 9500
    lesson.refresh_from_db()
    assert lesson.status == Status.CONFIRMED
    assert not Refund.objects.exists()


@pytest.mark.parametrize("late", [timedelta(0), SECOND, 2 * HOUR])
def test_started_lesson_is_not_cancelled(maya: User, late: timedelta) -> None:
    """05 section 2: now = start is too late."""
    lesson = paid_lesson(maya)
    make.pay(lesson)
    with pytest.raises(LessonChangedError) as caught:
        preview_cancellation(lesson, lesson.start_at + late)
    assert caught.value.status == 409
    with pytest.raises(LessonChangedError):
        cancel(maya, lesson, Outcome(case="C4"), lesson.start_at + late)
    lesson.refresh_from_db()
    assert lesson.status == Status.CONFIRMED


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.CONFIRMED, Status.HELD}))
def test_only_a_confirmed_lesson_is_cancelled(maya: User, status: Status) -> None:
    """T15"""
    lesson = paid_lesson(maya, status=status)
    with pytest.raises(LessonChangedError):
        cancel(maya, lesson, Outcome(case="C2"), clock.now())
    lesson.refresh_from_db()
    assert lesson.status == status


def test_cancelling_twice_refunds_once(maya: User) -> None:
    """R13"""
    lesson = paid_lesson(maya)
    make.pay(lesson)
    now = lesson.start_at - 30 * HOUR
    due = preview_cancellation(lesson, now)
    cancel(maya, lesson, due, now)
    with pytest.raises(LessonChangedError):
        cancel(maya, lesson, due, now)
    assert Refund.objects.count() == 1


def test_cancelled_time_opens_again(maya: User) -> None:
    """T8"""
    lesson = paid_lesson(maya)
    make.pay(lesson)
    now = clock.now()
    cancel(maya, lesson, preview_cancellation(lesson, now), now)
    assert hold_slot(by=guest(), wanted=wanted(lesson.offering, lesson.start_at)).pk


def test_strangers_lesson_is_not_found(maya: User) -> None:
    """G5"""
    lesson = paid_lesson(maya)
    with pytest.raises(NotFoundError):
        cancel(student(), lesson, Outcome(case="C2"), clock.now())
