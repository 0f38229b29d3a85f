"""Reminders and the question afterwards: due by the clock, each once (Spec: S13.5, T4, D14)."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import NotificationChoice
from bookings.lessons import mails, reminders
from bookings.lessons.models import Booking
from bookings.lessons.moves import move_lesson
from bookings.lessons.reminders import ask_how_it_went, ask_who_came, send_reminders
from bookings.notifications.models import OutgoingMail
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def recipients(kind: str = "lesson_reminder") -> list[str]:
    return sorted(OutgoingMail.objects.filter(kind=kind).values_list("to", flat=True))


def both(stage: Stage) -> list[str]:
    return sorted([stage.maya.email, stage.andre.email])


def test_both_sides_are_reminded_a_day_and_two_hours_before_once(stage: Stage) -> None:
    start = stage.lesson.start_at
    assert send_reminders(start - 24 * HOUR - SECOND) == 0
    assert send_reminders(start - 24 * HOUR) == 2
    assert send_reminders(start - 23 * HOUR) == 0
    assert recipients() == both(stage)
    assert send_reminders(start - 2 * HOUR) == 2
    assert send_reminders(start - HOUR) == 0
    assert len(recipients()) == 4


def test_a_stopped_worker_catches_up_and_sends_nothing_absurd(stage: Stage) -> None:
    """S4.2: late is better than never, and a reminder after the start is worse."""
    start = stage.lesson.start_at
    assert send_reminders(start - 20 * HOUR) == 2
    assert send_reminders(start - 10 * SECOND) == 0
    assert send_reminders(start + SECOND) == 0


def test_lesson_booked_late_gets_only_the_reminders_still_ahead() -> None:
    """T4: future ones only."""
    start = tomorrow_at(10, days=5)
    stage = set_stage(start_at=start, confirmed_at=start - 5 * HOUR)
    assert send_reminders(start - 4 * HOUR) == 0
    assert send_reminders(start - 2 * HOUR) == 2
    assert recipients() == both(stage)


def test_a_move_makes_new_reminders(stage: Stage) -> None:
    """S13.5: recomputed after a move; the move itself has just said the new time."""
    send_reminders(stage.lesson.start_at - 24 * HOUR)
    now = stage.lesson.start_at - 20 * HOUR
    target = tomorrow_at(14, days=7)
    move_lesson(by=stage.maya, code=stage.code, start_at=target, now=now)
    assert send_reminders(target - 24 * HOUR) == 2
    assert len(recipients()) == 4


@pytest.mark.parametrize("status", ["cancelled_student", "reported"])
def test_what_is_not_to_come_reminds_nobody(stage: Stage, status: str) -> None:
    Booking.objects.filter(pk=stage.lesson.pk).update(status=status)
    assert send_reminders(stage.lesson.start_at - 24 * HOUR) == 0


def test_who_switched_reminders_off_gets_none(stage: Stage) -> None:
    NotificationChoice.objects.create(user=stage.maya, kind="reminder", is_on=False)
    assert send_reminders(stage.lesson.start_at - 24 * HOUR) == 1
    assert recipients() == [stage.andre.email]


def test_24_hours_are_absolute_over_the_change_of_clocks() -> None:
    """D14: the lesson is Nov 7 2027 at 10:00 EST; a day of 25 hours before it changes nothing."""
    start = datetime(2027, 11, 7, 15, tzinfo=UTC)
    set_stage(start_at=start, confirmed_at=start - timedelta(days=9), pays=False)
    assert send_reminders(start - 24 * HOUR - SECOND) == 0
    assert send_reminders(datetime(2027, 11, 6, 15, tzinfo=UTC)) == 2


def test_student_is_asked_once_after_the_end(stage: Stage) -> None:
    """T11"""
    end = stage.lesson.end_at
    assert ask_how_it_went(end - SECOND) == 0
    assert ask_how_it_went(end) == 1
    assert ask_how_it_went(end + HOUR) == 0
    assert recipients("lesson_how_was_it") == [stage.maya.email]


def test_old_lessons_are_not_asked_about(stage: Stage) -> None:
    assert ask_how_it_went(stage.lesson.end_at + 13 * HOUR) == 0


def test_many_lessons_take_few_queries(stage: Stage, django_assert_max_num_queries: object) -> None:
    """What was written already is known by one question for all."""
    for hour in (11, 12, 13):
        BookingFactory(offering=stage.lesson.offering, start_at=tomorrow_at(hour, days=5),
                       confirmed_at=stage.lesson.confirmed_at)  # fmt: skip
    now = stage.lesson.start_at - 20 * HOUR
    send_reminders(now)
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        assert send_reminders(now) == 0


def test_a_crash_between_the_two_sides_loses_neither(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4.2: the mails of a lesson come together, and the next run writes what is missing."""
    now = stage.lesson.start_at - 24 * HOUR
    with monkeypatch.context() as broken:
        queue = mails.queue_reminder

        def fail_for_the_instructor(booking: Booking, side: str, name: str) -> None:
            if side == "instructor":
                raise RuntimeError(side)
            queue(booking, side, name)

        broken.setattr(mails, "queue_reminder", fail_for_the_instructor)
        assert send_reminders(now) == 0
    assert recipients() == []
    assert send_reminders(now) == 2
    assert recipients() == both(stage)


def test_one_side_that_was_written_to_leaves_the_other_to_do(stage: Stage) -> None:
    now = stage.lesson.start_at - 24 * HOUR
    send_reminders(now)
    OutgoingMail.objects.filter(to=stage.andre.email).delete()
    assert send_reminders(now) == 1
    assert recipients() == both(stage)


def test_many_lessons_that_are_done_starve_no_other_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4.2: those behind a whole batch of lessons that need nothing get theirs."""
    monkeypatch.setattr(reminders, "BATCH_SIZE", 2)
    others = [BookingFactory(offering=stage.lesson.offering, start_at=tomorrow_at(hour, days=5),
                             confirmed_at=stage.lesson.confirmed_at)
              for hour in (11, 12, 13, 14)]  # fmt: skip
    now = others[-1].start_at - 23 * HOUR
    assert send_reminders(stage.lesson.start_at - 24 * HOUR) == 2
    assert send_reminders(now) == 8
    assert send_reminders(now) == 0
    end = stage.lesson.end_at
    assert [ask_how_it_went(end), ask_how_it_went(others[-1].end_at)] == [1, 4]


def test_one_lesson_that_fails_stops_no_other_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = BookingFactory(offering=stage.lesson.offering, start_at=tomorrow_at(12, days=5),
                           confirmed_at=stage.lesson.confirmed_at)  # fmt: skip
    queue = mails.queue_how_was_it

    def fail_once(booking: Booking) -> None:
        if booking.pk == stage.lesson.pk:
            raise RuntimeError(booking.code)
        queue(booking)

    monkeypatch.setattr(mails, "queue_how_was_it", fail_once)
    assert ask_how_it_went(other.end_at) == 1
    assert recipients("lesson_how_was_it") == [other.student.email]


def test_a_lesson_cancelled_meanwhile_is_not_written_about(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T8: what was read for the list is looked at again before a word is written."""
    choose = reminders.who_wants_mail

    def cancel_first(people: set[int], kind: str) -> set[int]:
        Booking.objects.update(status="cancelled_student", cancelled_at=stage.lesson.start_at)
        return choose(people, kind)

    monkeypatch.setattr(reminders, "who_wants_mail", cancel_first)
    assert send_reminders(stage.lesson.start_at - 24 * HOUR) == 0


def test_the_instructor_is_asked_once_whether_the_student_came(stage: Stage) -> None:
    """T11: after the end, unless they want no such mail."""
    end = stage.lesson.end_at
    assert ask_who_came(end - SECOND) == 0
    assert [ask_who_came(end), ask_who_came(end + HOUR)] == [1, 0]
    mail = OutgoingMail.objects.get(kind="lesson_how_was_it")
    assert (mail.to, "did not come" in mail.text) == (stage.andre.email, True)
    assert f"/teach/lessons/{stage.code}/" in mail.text
    other = set_stage()
    NotificationChoice.objects.create(user=other.andre, kind="review", is_on=False)
    assert ask_who_came(other.lesson.end_at) == 0
