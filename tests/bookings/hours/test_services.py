"""Saving hours: one transaction each, nothing booked is touched, nobody is overwritten unseen."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from bookings.availability import weeks
from bookings.availability.intervals import hours_intervals
from bookings.availability.models import Blackout, OverrideDay, OverrideWindow, WeeklyWindow
from bookings.availability.selectors import load_instructor_time
from bookings.availability.weeks import CopyMode
from bookings.hours import services
from bookings.hours.errors import StaleHoursError
from bookings.hours.selectors import lessons_outside_hours
from bookings.lessons.models import Booking
from catalog.models import Instructor
from instainstru import clock
from instainstru.errors import ApplicationError, NotFoundError, ValidationFailedError
from tests.bookings.payments.conftest import in_parallel
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.availability import black_out, override_day
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S15, pytest.mark.django_db]
NEW_YORK = ZoneInfo("America/New_York")
SPRING = date(2026, 3, 8)
WEEK = date(2026, 3, 2)


@pytest.fixture
def teacher() -> Instructor:
    """Open on weekdays from nine to five."""
    user = VerifiedUserFactory(role=Role.INSTRUCTOR)
    return InstructorFactory(user=user, weekly=[(day, 540, 1020) for day in range(5)])


def schedule_of(teacher: Instructor) -> Any:
    read = load_instructor_time([teacher.pk], first_on=date(2020, 1, 1), last_on=date(2030, 1, 1))
    return read[teacher.pk].schedule


def version(teacher: Instructor, week_on: date | None = None) -> str:
    schedule = schedule_of(teacher)
    if week_on is None:
        return weeks.weekly_version(schedule)
    return weeks.week_version(schedule, week_on)


def save_week(teacher: Instructor, days: dict[date, Any], **changed: Any) -> Any:
    week_on = weeks.monday_of(min(days))
    asked = {"by": teacher.user, "slug": teacher.slug, "week_on": week_on, "days": days}
    return services.save_dates(**asked | {"version": version(teacher, week_on)} | changed)


def copy(teacher: Instructor, from_on: date, number: int, mode: CopyMode) -> services.Copied:
    return services.copy_week(
        by=teacher.user,
        slug=teacher.slug,
        from_on=from_on,
        number=number,
        mode=mode,
        version=version(teacher, from_on),
    )


def stored(teacher: Instructor) -> dict[date, list[tuple[int, int]]]:
    return {on: list(windows) for on, windows in schedule_of(teacher).overrides.items()}


def test_weekly_hours_replace_those_of_the_days_named(teacher: Instructor) -> None:
    """S15.4"""
    services.save_weekly(
        by=teacher.user,
        slug=teacher.slug,
        days={0: [(600, 720), (720, 780)], 1: []},
        version=version(teacher),
    )
    rows = WeeklyWindow.objects.filter(instructor=teacher, weekday__lte=2)
    assert list(rows.values_list("weekday", "start_minute", "end_minute")) == [
        (0, 600, 780),
        (2, 540, 1020),
    ]


def test_a_date_is_opened_closed_and_given_back(teacher: Instructor) -> None:
    """S15.5"""
    monday, sunday = WEEK, WEEK + timedelta(days=6)
    save_week(teacher, {monday: [], sunday: [(600, 720), (900, 960)]})
    assert stored(teacher) == {monday: [], sunday: [(600, 720), (900, 960)]}
    save_week(teacher, {monday: None, sunday: []})
    assert stored(teacher) == {}


def test_a_date_with_the_usual_hours_follows_the_week(teacher: Instructor) -> None:
    """S15.4: only dates that differ are dates of their own."""
    save_week(teacher, {WEEK: [(540, 1020)]})
    assert stored(teacher) == {}


def test_hours_that_the_clock_skips_are_cut_with_a_notice(teacher: Instructor) -> None:
    """D7: 02:30–05:00 on Mar 8 is saved as 03:00–05:00."""
    cut = save_week(teacher, {SPRING: [(150, 300)]})
    assert stored(teacher) == {SPRING: [(180, 300)]}
    assert [(one.on, one.windows) for one in cut] == [(SPRING, ((180, 300),))]


@pytest.mark.parametrize(
    ("windows", "row", "words"),
    [
        ([(600, 720), (660, 780)], 1, "row 2: overlaps"),
        ([(780, 600)], 0, "row 1: 1:00 PM to 10:00 AM ends before it starts"),
        ([(600, 720), (725, 780)], 1, "row 2: use quarter hours"),
    ],
)
def test_faulty_rows_are_named_and_nothing_is_saved(
    teacher: Instructor, windows: Any, row: int, words: str
) -> None:
    """S15.6"""
    with pytest.raises(ValidationFailedError) as refused:
        save_week(teacher, {WEEK: [], WEEK + timedelta(days=1): windows})
    assert {f"Tuesday, March 3-{row}"} == set(refused.value.fields)
    assert words in refused.value.fields[f"Tuesday, March 3-{row}"]
    assert stored(teacher) == {}


def test_hours_changed_meanwhile_are_not_overwritten(teacher: Instructor) -> None:
    """S15.6"""
    read = version(teacher, WEEK)
    save_week(teacher, {WEEK: [(600, 660)]})
    with pytest.raises(StaleHoursError) as refused:
        save_week(teacher, {WEEK: [(900, 960)]}, version=read)
    assert refused.value.status == 409
    assert refused.value.changed == [0]
    assert refused.value.theirs[0] == ((600, 660),)
    assert stored(teacher) == {WEEK: [(600, 660)]}


def test_weekly_hours_changed_meanwhile_make_a_week_stale(teacher: Instructor) -> None:
    """A date without hours of its own shows the weekly ones."""
    read = version(teacher, WEEK)
    services.save_weekly(
        by=teacher.user, slug=teacher.slug, days={0: [(600, 660)]}, version=version(teacher)
    )
    with pytest.raises(StaleHoursError):
        save_week(teacher, {WEEK: [(540, 1020)]}, version=read)


def test_pressing_save_twice_is_no_conflict(teacher: Instructor) -> None:
    read = version(teacher, WEEK)
    for _ in range(2):
        save_week(teacher, {WEEK: [(600, 660)]}, version=read)
    assert stored(teacher) == {WEEK: [(600, 660)]}


def test_only_the_own_calendar_opens(teacher: Instructor) -> None:
    """G5"""
    other = InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR))
    with pytest.raises(NotFoundError):
        save_week(teacher, {WEEK: []}, by=other.user)
    with pytest.raises(ApplicationError) as refused:
        save_week(teacher, {WEEK: []}, by=student())
    assert refused.value.status == 403


def test_closing_time_keeps_its_lesson_and_lists_it(teacher: Instructor) -> None:
    """S15.6, R18"""
    offering = OfferingFactory(instructor=teacher)
    lesson = BookingFactory(offering=offering, start_at=tomorrow_at(10, days=7))
    before = Booking.objects.values().get(pk=lesson.pk)
    on = lesson.start_at.astimezone(NEW_YORK).date()
    save_week(teacher, {on: [(600, 660)]})
    assert lessons_outside_hours(teacher, clock.now()) == []
    save_week(teacher, {on: [(615, 705)]})
    assert lessons_outside_hours(teacher, clock.now()) == [lesson]
    save_week(teacher, {on: [(600, 660)]})
    services.add_time_off(by=teacher.user, slug=teacher.slug, first_on=on, last_on=on)
    assert lessons_outside_hours(teacher, clock.now()) == [lesson]
    assert Booking.objects.values().get(pk=lesson.pk) == before


def test_copying_replaces_or_adds(teacher: Instructor) -> None:
    """S15.4"""
    tuesday = WEEK + timedelta(days=1)
    next_tuesday = tuesday + timedelta(weeks=1)
    override_day(teacher, tuesday, [(600, 660)])
    override_day(teacher, next_tuesday, [(900, 960)])
    copy(teacher, WEEK, 1, CopyMode.MERGE)
    assert stored(teacher)[next_tuesday] == [(600, 660), (900, 960)]
    done = copy(teacher, WEEK, 2, CopyMode.OVERWRITE)
    assert stored(teacher) == {
        tuesday + timedelta(weeks=number): [(600, 660)] for number in range(3)
    }
    assert done == services.Copied(last_on=date(2026, 3, 22), dates_changed=2)


def test_copying_a_usual_week_gives_the_others_back_to_the_weekly_hours(
    teacher: Instructor,
) -> None:
    override_day(teacher, WEEK + timedelta(weeks=1), [])
    copy(teacher, WEEK, 1, CopyMode.OVERWRITE)
    assert stored(teacher) == {}


def test_copying_across_the_change_keeps_the_clock(teacher: Instructor) -> None:
    """D8: ten o'clock in EST is 15:00 UTC, in EDT 14:00."""
    override_day(teacher, WEEK, [(600, 720)])
    copy(teacher, WEEK, 1, CopyMode.OVERWRITE)
    schedule = schedule_of(teacher)
    opened = [
        hours_intervals(
            weekly=schedule.weekly,
            overrides=schedule.overrides,
            zone=NEW_YORK,
            first_on=on,
            last_on=on,
        )[0].start
        for on in (WEEK, WEEK + timedelta(weeks=1))
    ]
    assert opened == [
        datetime(2026, 3, 2, 15, tzinfo=UTC),
        datetime(2026, 3, 9, 14, tzinfo=UTC),
    ]


@pytest.mark.parametrize("mode", list(CopyMode))
def test_copying_deletes_no_booking_and_no_time_off(teacher: Instructor, mode: CopyMode) -> None:
    """S15.6"""
    offering = OfferingFactory(instructor=teacher)
    lesson = BookingFactory(offering=offering, start_at=tomorrow_at(10, days=9))
    on = lesson.start_at.astimezone(NEW_YORK).date()
    away = black_out(teacher, on, on + timedelta(days=20))
    from_on = weeks.monday_of(on) - timedelta(weeks=1)
    save_week(teacher, {from_on + timedelta(days=day): [] for day in range(7)})
    copy(teacher, from_on, 4, mode)
    lesson.refresh_from_db()
    assert lesson.status == "confirmed"
    assert list(Blackout.objects.filter(instructor=teacher)) == [away]


@pytest.mark.parametrize("number", [0, 27])
def test_copying_goes_from_one_to_26_weeks(teacher: Instructor, number: int) -> None:
    with pytest.raises(ValidationFailedError):
        copy(teacher, WEEK, number, CopyMode.OVERWRITE)


def test_copying_a_week_that_changed_meanwhile_is_refused(teacher: Instructor) -> None:
    """S15.6"""
    read = version(teacher, WEEK)
    save_week(teacher, {WEEK: []})
    with pytest.raises(StaleHoursError):
        services.copy_week(
            by=teacher.user, slug=teacher.slug, from_on=WEEK, number=1,
            mode=CopyMode.OVERWRITE, version=read,
        )  # fmt: skip


def test_copying_to_26_weeks_takes_few_statements(teacher: Instructor) -> None:
    week = {WEEK + timedelta(days=day): [(600, 660), (705, 780)] for day in range(7)}
    for on, windows in week.items():
        override_day(teacher, on, windows)
    copy(teacher, WEEK, 26, CopyMode.OVERWRITE)
    with CaptureQueriesContext(connection) as captured:
        copy(teacher, WEEK, 26, CopyMode.OVERWRITE)
    assert len(captured) <= 16
    assert OverrideDay.objects.count() == 7 * 27
    assert OverrideWindow.objects.count() == 2 * 7 * 27


def test_time_off_is_one_entry_for_weeks(teacher: Instructor) -> None:
    """S15.5"""
    off = services.add_time_off(
        by=teacher.user, slug=teacher.slug, first_on=WEEK, last_on=WEEK + timedelta(days=20),
        window=(600, 720), label=" Tour ",
    )  # fmt: skip
    assert Blackout.objects.get(instructor=teacher) == off
    assert (off.start_minute, off.end_minute, off.label) == (600, 720, "Tour")
    services.remove_time_off(by=teacher.user, slug=teacher.slug, blackout_id=off.pk)
    assert not Blackout.objects.exists()


def test_time_off_of_somebody_else_cannot_be_removed(teacher: Instructor) -> None:
    """G5"""
    other = InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR))
    off = black_out(other, WEEK)
    with pytest.raises(NotFoundError):
        services.remove_time_off(by=teacher.user, slug=teacher.slug, blackout_id=off.pk)
    assert Blackout.objects.filter(pk=off.pk).exists()


def test_time_off_that_ends_before_it_begins_names_the_field(teacher: Instructor) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        services.add_time_off(
            by=teacher.user, slug=teacher.slug, first_on=WEEK, last_on=WEEK - timedelta(days=1)
        )
    assert set(refused.value.fields) == {"last_on"}


@pytest.mark.django_db(transaction=True)
def test_of_two_saves_at_once_one_wins_and_the_other_is_told() -> None:
    """S15.6, R10"""
    user = VerifiedUserFactory(role=Role.INSTRUCTOR)
    teacher = InstructorFactory(user=user, weekly=[])
    read = version(teacher, WEEK)

    def saving(start: int) -> Callable[[], Any]:
        days = {WEEK: [(start, start + 60)]}
        return lambda: save_week(teacher, days, version=read, by=User.objects.get(pk=user.pk))

    answers = in_parallel([saving(600 + 60 * number) for number in range(4)])
    assert sorted(getattr(answer, "status", 200) for answer in answers) == [200, 409, 409, 409]
    assert len(stored(teacher)[WEEK]) == 1
