"""Remembered calendars are always those that the database holds (Spec: S8.3, S8.12)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from threading import Event, Thread
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings.availability.models import (
    AvailabilityRules,
    Blackout,
    CalendarChange,
    ConnectedCalendar,
    OverrideDay,
    OverrideWindow,
    WeeklyWindow,
)
from bookings.availability.services import delete_old_changes
from bookings.lessons import calendar_memory
from bookings.lessons.calendar_memory import CalendarMemory, Wanted
from bookings.lessons.models import Booking
from bookings.lessons.selectors import load_calendars
from catalog.models import Instructor
from instainstru import clock
from tests.factories.calendars import keep_busy
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.S8, pytest.mark.django_db(transaction=True)]
HOUR = timedelta(hours=1)


@pytest.fixture
def teacher() -> Instructor:
    instructor: Instructor = InstructorFactory()
    WeeklyWindow.objects.filter(instructor=instructor).delete()
    for weekday in range(7):
        WeeklyWindow.objects.create(
            instructor=instructor, weekday=weekday, start_minute=540, end_minute=1080
        )
    return instructor


@pytest.fixture
def memory() -> CalendarMemory:
    return CalendarMemory()


def dates() -> tuple[date, date]:
    today = clock.now().astimezone(clock.NEW_YORK).date()
    return today, today + timedelta(days=13)


def wanted(teacher: Instructor, minutes: int = 60) -> Wanted:
    return Wanted(teacher.pk, minutes, ZoneInfo(teacher.zone))


def remembered(
    memory: CalendarMemory, teacher: Instructor, *, now: datetime | None = None
) -> list[datetime]:
    first_on, last_on = dates()
    key = wanted(teacher)
    found = memory.free_starts([key], first_on=first_on, last_on=last_on, now=now or clock.now())
    return list(found[key])


def true_starts(teacher: Instructor, *, now: datetime | None = None) -> list[datetime]:
    first_on, last_on = dates()
    calendars = load_calendars(
        [teacher.pk], first_on=first_on, last_on=last_on, now=now or clock.now()
    )
    return calendars.starts(teacher.pk, 60, zone=ZoneInfo(teacher.zone))


def forget_changes() -> None:
    """Without this a transaction of another test may make the notes count as unseen for long."""
    CalendarChange.objects.all().delete()


def test_second_look_reads_no_calendar_and_says_the_same(
    memory: CalendarMemory, teacher: Instructor
) -> None:
    forget_changes()
    first = remembered(memory, teacher)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        second = remembered(memory, teacher)
    assert first
    assert first == second == true_starts(teacher)
    assert len(asked) == 1


def _book(teacher: Instructor) -> None:
    BookingFactory(offering=OfferingFactory(instructor=teacher), start_at=tomorrow_at(12))


def _override(teacher: Instructor) -> None:
    OverrideDay.objects.create(instructor=teacher, local_on=dates()[0] + timedelta(days=3))


def _blackout(teacher: Instructor) -> None:
    day = dates()[0] + timedelta(days=2)
    Blackout.objects.create(instructor=teacher, first_on=day, last_on=day)


def _more_windows(teacher: Instructor) -> None:
    day, _ = OverrideDay.objects.get_or_create(
        instructor=teacher, local_on=dates()[0] + timedelta(days=3)
    )
    OverrideWindow.objects.create(day=day, start_minute=1200, end_minute=1320)


def _rules(teacher: Instructor) -> None:
    AvailabilityRules.objects.update_or_create(
        instructor=teacher, defaults={"slot_step_minutes": 60, "min_notice_minutes": 6000}
    )


def _busy(teacher: Instructor) -> None:
    keep_busy(teacher, (tomorrow_at(12), tomorrow_at(13)))


CHANGES: list[Callable[[Instructor], None]] = [
    _book,
    _override,
    _blackout,
    _more_windows,
    _rules,
    _busy,
    lambda teacher: WeeklyWindow.objects.filter(instructor=teacher, weekday=2).delete() and None,
    lambda teacher: WeeklyWindow.objects.filter(instructor=teacher).update(end_minute=900) and None,
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_calendar_is_seen_at_once(
    memory: CalendarMemory, teacher: Instructor, change: Callable[[Instructor], None]
) -> None:
    before = remembered(memory, teacher)
    change(teacher)
    after = remembered(memory, teacher)
    assert after != before
    assert after == true_starts(teacher)


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (OverrideDay, _override),
        (Blackout, _blackout),
        (AvailabilityRules, _rules),
        (ConnectedCalendar, _busy),
    ],
)
def test_so_is_taking_it_back(
    memory: CalendarMemory, teacher: Instructor, model: Any, change: Callable[[Instructor], None]
) -> None:
    before = remembered(memory, teacher)
    change(teacher)
    assert remembered(memory, teacher) != before
    model.objects.filter(instructor=teacher).delete()
    assert remembered(memory, teacher) == before


def test_canceled_lesson_gives_its_time_back(memory: CalendarMemory, teacher: Instructor) -> None:
    before = remembered(memory, teacher)
    _book(teacher)
    assert tomorrow_at(12) not in remembered(memory, teacher)
    Booking.objects.update(status="cancelled_student", cancelled_at=clock.now())
    assert remembered(memory, teacher) == before


def test_hold_that_lapses_frees_its_time_without_a_change(
    memory: CalendarMemory, teacher: Instructor
) -> None:
    """T3: decided when it is read."""
    HoldFactory(offering=OfferingFactory(instructor=teacher), start_at=tomorrow_at(12))
    assert tomorrow_at(12) not in remembered(memory, teacher)
    assert tomorrow_at(12) in remembered(memory, teacher, now=clock.now() + 11 * HOUR / 60)


def test_notice_is_kept_however_old_the_memory_is(
    memory: CalendarMemory, teacher: Instructor
) -> None:
    """R1: in absolute time; equality allowed."""
    start = tomorrow_at(12)
    remembered(memory, teacher, now=start - 40 * HOUR)
    assert remembered(memory, teacher, now=start - 2 * HOUR)[0] == start
    later = start - 2 * HOUR + timedelta(seconds=1)
    assert remembered(memory, teacher, now=later)[0] > start
    assert remembered(memory, teacher, now=later) == true_starts(teacher, now=later)


def test_new_local_day_opens_a_new_last_day(memory: CalendarMemory, teacher: Instructor) -> None:
    """R2: local dates, not 24-hour units."""
    AvailabilityRules.objects.update_or_create(instructor=teacher, defaults={"max_advance_days": 3})
    evening = tomorrow_at(23)
    for now in (evening, evening + 2 * HOUR):
        assert remembered(memory, teacher, now=now) == true_starts(teacher, now=now)


def test_change_that_is_not_committed_yet_is_seen_when_it_is(
    memory: CalendarMemory, teacher: Instructor
) -> None:
    """What was in flight during a look counts as unseen, whoever began first."""
    written, looked = Event(), Event()

    def close_a_day() -> None:
        with transaction.atomic():
            _blackout(teacher)
            written.set()
            looked.wait(20)
        connection.close()

    writer = Thread(target=close_a_day)
    writer.start()
    assert written.wait(20)
    _rules(InstructorFactory())  # later transactions end before it
    before = remembered(memory, teacher)
    assert remembered(memory, teacher) == before
    looked.set()
    writer.join()
    assert remembered(memory, teacher) == true_starts(teacher) != before


def test_what_a_transaction_undoes_is_not_remembered(
    memory: CalendarMemory, teacher: Instructor
) -> None:
    before = remembered(memory, teacher)
    with transaction.atomic():
        _blackout(teacher)
        assert remembered(memory, teacher) == true_starts(teacher) != before
        transaction.set_rollback(True)
    assert remembered(memory, teacher) == before


def test_what_was_read_before_a_change_is_not_kept_after_it(
    memory: CalendarMemory, teacher: Instructor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread that reads while another one sees the change must not bring the old times back."""
    read = calendar_memory._read

    def overtaken(*args: Any) -> Any:
        rows = read(*args)
        monkeypatch.setattr(calendar_memory, "_read", read)
        _blackout(teacher)
        remembered(memory, InstructorFactory())
        return rows

    monkeypatch.setattr(calendar_memory, "_read", overtaken)
    remembered(memory, teacher)
    assert remembered(memory, teacher) == true_starts(teacher)


def test_oldest_calendars_go_first(memory: CalendarMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendar_memory, "MOST_KEPT", 2)
    people = [InstructorFactory() for _ in range(3)]
    forget_changes()
    for person in people:
        remembered(memory, person)
    with CaptureQueriesContext(connection) as asked:
        remembered(memory, people[2])
        remembered(memory, people[1])
    assert len(asked) == 2
    with CaptureQueriesContext(connection) as asked:
        remembered(memory, people[0])
    assert len(asked) > 1


def test_one_statement_is_one_note_and_notes_are_kept_for_a_day(teacher: Instructor) -> None:
    CalendarChange.objects.all().delete()
    WeeklyWindow.objects.filter(instructor=teacher).update(end_minute=900)
    assert CalendarChange.objects.filter(instructor=teacher).count() == 1
    assert delete_old_changes() == 0
    CalendarChange.objects.update(changed_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert delete_old_changes() == 1
