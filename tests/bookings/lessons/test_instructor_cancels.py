"""The instructor cancels; strikes; suspension; staff splits (Spec: T9, T10, C6, C7)."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.roles import Role
from bookings.availability import intervals
from bookings.availability.intervals import Interval, blackout_intervals, covers
from bookings.availability.models import Blackout
from bookings.availability.services import close_once
from bookings.lessons.cancellation import (
    StaffSplit,
    cancel_as_instructor,
    cancel_as_staff,
    cancel_lessons_of_suspended,
)
from bookings.lessons.errors import LessonChangedError, SlotTakenError
from bookings.lessons.models import Booking, Strike
from bookings.lessons.services import hold_slot
from bookings.lessons.strikes import standing_of
from bookings.notifications.models import OutgoingMail
from bookings.payments.models import Credit
from bookings.payments.selectors import ledger_imbalances, payment_summary
from catalog.models import Instructor
from instainstru import clock
from instainstru.errors import ConflictError, NotFoundError, ValidationFailedError
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.bookings.lessons.stage import guest, wanted
from tests.factories.accounts import VerifiedUserFactory
from tests.factories.catalog import InstructorFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S15, pytest.mark.django_db]
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
WHY = "I am ill today, I am sorry."


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def cancel(stage: Stage, **changes: object) -> object:
    given = {"by": stage.andre, "code": stage.code, "reason": WHY, **changes}
    return cancel_as_instructor(**given)[1]  # type: ignore[arg-type]


def test_student_gets_everything_back_and_the_time_stays_closed(stage: Stage) -> None:
    """T9, C6: a one-off blackout keeps the slot closed."""
    cancel(stage)
    assert stage.fresh().status == "cancelled_instructor"
    paid = payment_summary(stage.lesson.pk)
    assert paid is not None
    assert (paid.refunded_cents, paid.returned_credit_cents) == (9500, 0)
    row = Blackout.objects.get()
    assert (row.start_minute, row.end_minute) == (10 * 60, 11 * 60)
    with pytest.raises(SlotTakenError):
        hold_slot(by=guest(), wanted=wanted(stage.lesson.offering, stage.lesson.start_at))
    assert not Strike.objects.exists()
    assert ledger_imbalances() == []
    texts = {mail.to: mail.text for mail in OutgoingMail.objects.filter(kind="lesson_cancelled")}
    assert WHY in texts[stage.maya.email]


@pytest.mark.parametrize(("before", "gift"), [(24 * HOUR, 0), (24 * HOUR - SECOND, 1000)])
def test_less_than_a_day_before_costs_a_strike_and_a_gift(
    stage: Stage, before: timedelta, gift: int
) -> None:
    """C6"""
    cancel(stage, now=stage.lesson.start_at - before)
    found = Credit.objects.filter(reason="apology").values_list("remaining_cents", flat=True)
    assert sum(found) == gift
    assert Strike.objects.count() == (1 if gift else 0)
    assert ledger_imbalances() == []


@pytest.mark.parametrize("reason", ["", "  ill     ", "x" * 301])
def test_reason_is_needed(stage: Stage, reason: str) -> None:
    with pytest.raises(ValidationFailedError):
        cancel(stage, reason=reason)


def test_started_and_foreign_lessons_stay(stage: Stage) -> None:
    """T15, G5: now = start is too late."""
    with pytest.raises(LessonChangedError):
        cancel(stage, now=stage.lesson.start_at)
    with pytest.raises(NotFoundError):
        cancel(stage, by=set_stage(start_at=tomorrow_at(12, days=6)).andre)
    assert stage.fresh().status == "confirmed"


def test_lesson_over_midnight_and_the_repeated_hour_are_closed_whole() -> None:
    """T9, D5, D10"""
    stage = set_stage(start_at=tomorrow_at(23, 30, days=5))
    cancel(stage)
    rows = Blackout.objects.order_by("first_on").values_list("start_minute", "end_minute")
    assert list(rows) == [(23 * 60 + 30, 1440), (0, 30)]


@pytest.mark.parametrize("minutes", range(15, 241, 15))
@pytest.mark.parametrize(
    "start",
    # 23:30 and 0:45 EDT before the clocks go back, both passes of 1:30, and before they go forward.
    ["2026-11-01T03:30", "2026-11-01T04:45", "2026-11-01T05:30", "2026-11-01T06:30",
     "2026-03-08T06:30"],
)  # fmt: skip
def test_a_canceled_time_stays_closed_over_a_change_of_the_clock(start: str, minutes: int) -> None:
    """T9, D3, D5: whole, and nothing before it."""
    zone = ZoneInfo("America/New_York")
    time = Interval(begins := datetime.fromisoformat(f"{start}Z"), begins + minutes * MINUTE)
    rows = close_once(
        instructor_id=InstructorFactory().pk, start_at=time.start, end_at=time.end,
        zone=zone, label="Canceled",
    )  # fmt: skip
    off = blackout_intervals(
        [intervals.Blackout(r.first_on, r.last_on, r.start_minute, r.end_minute) for r in rows],
        zone=zone,
        first_on=date(2026, 1, 1),
        last_on=date(2026, 12, 31),
    )
    assert covers(off, time)
    # Both passes of an hour that is repeated are one on the clock face.
    assert timedelta() <= time.start - off[0].start <= HOUR


def test_five_strikes_suspend_and_lessons_to_come_are_cancelled(stage: Stage) -> None:
    """05 section 4: the last one is this cancellation; everybody gets all back."""
    now = stage.lesson.start_at - HOUR
    for day in range(4):
        old = BookingFactory(
            offering=stage.lesson.offering,
            status="cancelled_instructor",
            start_at=tomorrow_at(15, days=day + 10),
            cancelled_at=clock.now(),
        )
        Strike.objects.create(
            instructor=old.instructor, booking=old, reason="no_show", created_at=now
        )
    other = set_stage(start_at=tomorrow_at(18, days=8))
    mine = BookingFactory(
        offering=stage.lesson.offering, student=other.maya, start_at=tomorrow_at(9, days=8)
    )
    assert standing_of(stage.lesson.instructor_id, now).is_ranked_down
    cancel(stage, now=now)
    assert Instructor.objects.get(user=stage.andre).status == "suspended"
    from tests.factories import payments as make

    make.pay(mine)
    assert cancel_lessons_of_suspended() == 1
    assert cancel_lessons_of_suspended() == 0
    mine.refresh_from_db()
    other.lesson.refresh_from_db()
    assert (mine.status, other.lesson.status) == ("cancelled_staff", "confirmed")
    paid = payment_summary(mine.pk)
    assert paid is not None
    assert paid.refunded_cents == mine.total_cents
    assert ledger_imbalances() == []


def test_old_and_withdrawn_strikes_do_not_count(stage: Stage) -> None:
    """05 section 4: 90 days."""
    now = clock.now()
    for day, fields in ((1, {"withdrawn_at": now}), (2, {"created_at": now - timedelta(days=90)})):
        row = BookingFactory(
            offering=stage.lesson.offering, status="cancelled_instructor",
            start_at=tomorrow_at(15, days=day), cancelled_at=now,
        )  # fmt: skip
        Strike.objects.create(instructor=row.instructor, booking=row, reason="no_show", **fields)
    assert standing_of(stage.lesson.instructor_id, now).count == 0


@pytest.mark.parametrize(
    ("card", "credit", "instructor", "fee"),
    [(9500, 0, 0, 0), (5000, 0, 3825, 675), (0, 4500, 4250, 750), (9000, 500, 0, 0)],
)
def test_staff_split_what_goes_back(
    stage: Stage, card: int, credit: int, instructor: int, fee: int
) -> None:
    """T10: any split up to what was paid, also for a lesson under review; the ledger balances."""
    staff = VerifiedUserFactory(role=Role.SUPPORT)
    Booking.objects.filter(pk=stage.lesson.pk).update(status="reported")
    _, due = cancel_as_staff(
        by=staff,
        code=stage.code,
        reason="Both sides agreed on the telephone.",
        staff_split=StaffSplit(card, credit),
    )
    assert (due.instructor_cents, due.fee_cents) == (instructor, fee)
    assert stage.fresh().status == "cancelled_staff"
    paid = payment_summary(stage.lesson.pk)
    assert paid is not None
    assert (paid.refunded_cents, paid.returned_credit_cents) == (card, credit)
    assert ledger_imbalances() == []


@pytest.mark.parametrize(("card", "credit"), [(9501, 0), (9000, 501), (-1, 0), (0, 9501)])
def test_staff_cannot_give_more_than_was_paid(stage: Stage, card: int, credit: int) -> None:
    """T10, S14.9"""
    with pytest.raises(ConflictError):
        cancel_as_staff(
            by=VerifiedUserFactory(role=Role.SUPPORT),
            code=stage.code,
            reason="Both sides agreed on the telephone.",
            staff_split=StaffSplit(card, credit),
        )
    assert stage.fresh().status == "confirmed"


def test_student_may_choose_credit_while_cancelling_is_free() -> None:
    """C2: at choice."""
    from bookings.lessons.cancellation import cancel_lesson
    from bookings.lessons.policies import RefundTo

    stage = set_stage(confirmed_at=clock.now() - HOUR)
    _, due = cancel_lesson(
        by=stage.maya,
        code=stage.code,
        reason="schedule",
        expected_card_cents=0,
        expected_credit_cents=9500,
        refund_to=RefundTo.CREDIT,
    )
    assert due.case == "C2"
    assert Credit.objects.get(user=stage.maya).remaining_cents == 9500
    assert ledger_imbalances() == []
