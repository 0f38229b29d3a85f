"""Free quarter hours tell who may be free, never who is not although they are (Spec: S8.11)."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from bookings.availability.models import (
    Blackout,
    CalendarChange,
    OverrideDay,
    OverrideWindow,
    WeeklyWindow,
)
from bookings.lessons.selectors import load_calendars
from bookings.lessons.states import Status
from catalog.models import Instructor
from instainstru import clock
from search import choosing, free_days
from search.choosing import Wish
from search.demand import Demand
from search.free_days import keep_availability_days
from search.models import AvailabilityDay
from search.services import run_search
from search.windows import LAST_SECOND, WEEKDAYS, Window, wanted_starts
from tests.factories.catalog import InstructorFactory
from tests.factories.lessons import BookingFactory, HoldFactory
from tests.search.builders import USUAL, fresh_catalogue, pianist, rate

pytestmark = [pytest.mark.django_db, pytest.mark.S8]

# A Sunday, a week and two before clocks change in New York; an ordinary month.
MOMENTS = ["2026-10-25T14:00Z", "2027-02-28T15:00Z", "2026-06-07T15:00Z"]
HOURS = [
    (None, None), (time(9), time(12)), (time(17), None), (time(23), None), (None, time(1, 30)),
    (time(22), LAST_SECOND), (time(0, 30), time(3)), (time(14, 10), time(15, 20)),
]  # fmt: skip


def _draw_calendar(person: Instructor, luck: Random, today: date) -> None:
    def hours() -> tuple[int, int]:
        start = luck.choice([0, 0, 1320, 15 * luck.randrange(95)])
        return start, min(1440, start + 15 * luck.randint(1, 16))

    def windows() -> list[tuple[int, int]]:
        return [hours()] if luck.random() < 0.8 else []

    for weekday in range(7):
        for start, end in windows():
            WeeklyWindow.objects.create(
                instructor=person, weekday=weekday, start_minute=start, end_minute=end
            )
    for days in luck.sample(range(27), 4):
        day = OverrideDay.objects.create(instructor=person, local_on=today + timedelta(days=days))
        for start, end in windows():
            OverrideWindow.objects.create(day=day, start_minute=start, end_minute=end)
    off = today + timedelta(days=luck.randrange(20))
    Blackout.objects.create(instructor=person, first_on=off, last_on=off, label="Away")


def busy_by_sql(wish: Wish, lengths: dict[int, int]) -> set[int]:
    said, parameters = choosing._busy(wish)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH found (instructor_id, minutes) AS (SELECT * FROM unnest(%s::bigint[], %s::int[]))"
            f" SELECT instructor_id FROM found WHERE {said} = 1",
            [list(lengths), list(lengths.values()), *parameters],
        )
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("seed", range(3))
def test_nobody_who_is_free_counts_as_busy(
    monkeypatch: pytest.MonkeyPatch, moment: str, seed: int
) -> None:
    """S8.11: over random hours, overrides, time off and lessons, also when clocks change."""
    monkeypatch.setattr(choosing, "MAX_OFFERS", 0)
    luck, now = Random(seed), datetime.fromisoformat(moment)  # noqa: S311 - calendars, not secrets
    today = now.astimezone(clock.NEW_YORK).date()
    people = InstructorFactory.create_batch(12, weekly=[])
    for person in people:
        _draw_calendar(person, luck, today)
    keep_availability_days(now=now)
    busy_found = 0
    for _ in range(25):
        days = luck.sample(range(14), luck.randint(1, 2))
        window = Window(
            dates=frozenset(today + timedelta(days=day) for day in days),
            weekdays=frozenset(luck.sample(WEEKDAYS, luck.randrange(2))),
            hours=tuple(luck.sample(HOURS[1:], luck.randint(1, 2))),
        )
        first_on, last_on = window.horizon(today)
        calendars = load_calendars(
            [person.pk for person in people], first_on=first_on, last_on=last_on, now=now
        )
        lengths = {person.pk: luck.choice([30, 45, 60, 90, 120]) for person in people}
        wish = Wish(Demand(window=window), USUAL, today=today)
        busy = busy_by_sql(wish, lengths)
        for person in people:
            minutes = lengths[person.pk]
            starts = free_starts(calendars, person, minutes, window, now)
            assert not (starts and person.pk in busy), (person.pk, window, minutes)
            busy_found += person.pk in busy
    assert busy_found > 40


def free_starts(
    calendars: object, person: Instructor, minutes: int, window: Window, now: datetime
) -> bool:
    from bookings.lessons import rules
    from bookings.lessons.selectors import Calendars

    assert isinstance(calendars, Calendars)
    zone = ZoneInfo(person.zone)
    facts = calendars.facts(person.pk, minutes, zone)
    found = rules.free_starts(facts, minutes, calendars.first_on, calendars.last_on, now)
    dates = (calendars.first_on, calendars.last_on)
    return bool(found.within(wanted_starts(window, zone, *dates, minutes)))


@pytest.fixture
def saturday() -> date:
    today = clock.now().astimezone(clock.NEW_YORK).date()
    return today + timedelta(days=(5 - today.weekday()) % 7 or 7)


def quarters(person: Instructor, on: date) -> list[int]:
    day = AvailabilityDay.objects.get(instructor=person, local_on=on)
    bits = day.morning | day.evening << 48
    return [number for number in range(96) if bits >> number & 1]


def test_lessons_close_their_quarters_and_holds_do_not(saturday: date) -> None:
    """A hold may end at any moment, and nobody would draw the day anew for that."""
    person = InstructorFactory(weekly=[(5, 600, 780)])

    def at(hour: int) -> datetime:
        return datetime.combine(saturday, time(hour), clock.NEW_YORK)

    BookingFactory(instructor=person, start_at=at(10), end_at=at(11), status=Status.CONFIRMED)
    HoldFactory(instructor=person, start_at=at(11), end_at=at(12))
    keep_availability_days(now=clock.now())
    assert quarters(person, saturday) == list(range(44, 52))


def test_a_change_is_drawn_by_the_next_run_and_only_that(saturday: date) -> None:
    one, other = (InstructorFactory(weekly=[(5, 600, 780)]) for _ in range(2))
    assert keep_availability_days(now=clock.now()) >= 2
    CalendarChange.objects.all().delete()
    Blackout.objects.create(instructor=one, first_on=saturday, last_on=saturday, label="Away")
    assert keep_availability_days(now=clock.now()) == 1
    assert quarters(one, saturday) == []
    assert len(quarters(other, saturday)) == 12


def test_another_zone_is_a_change(saturday: date) -> None:
    """The same hours lie elsewhere, and no table of the calendar says so. D13"""
    person = InstructorFactory(weekly=[(5, 600, 780)])
    keep_availability_days(now=clock.now())
    CalendarChange.objects.all().delete()
    Instructor.objects.filter(pk=person.pk).update(zone="America/Los_Angeles")
    assert keep_availability_days(now=clock.now()) == 1


def test_days_pass_and_new_ones_come_into_reach(saturday: date) -> None:
    InstructorFactory(weekly=[(5, 600, 780)])
    now = clock.now()
    keep_availability_days(now=now)
    later = now + timedelta(hours=11)
    tomorrow = now + timedelta(days=1)
    keep_availability_days(now=later)
    keep_availability_days(now=tomorrow)
    keep_availability_days(now=tomorrow)
    today = tomorrow.astimezone(clock.NEW_YORK).date()
    dates = set(AvailabilityDay.objects.values_list("local_on", flat=True))
    ahead = range(-1, free_days.DAYS_AHEAD + 1)
    assert dates == {today + timedelta(days=days) for days in ahead}


def test_a_large_city_takes_several_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """S4.2: what one run does not reach is the next one's, and who changed comes first."""
    monkeypatch.setattr(free_days, "AT_ONCE", 2)
    people = [InstructorFactory(weekly=[(5, 600, 780)]) for _ in range(5)]
    now, drawn = clock.now(), []
    for _ in range(4):
        CalendarChange.objects.all().delete()
        drawn.append(keep_availability_days(now=now))
    assert drawn == [2, 2, 1, 0]
    known = AvailabilityDay.objects.values_list("instructor", flat=True)
    assert set(known) == {person.pk for person in people}


def test_all_is_drawn_anew_when_the_notes_are_too_old(saturday: date) -> None:
    """Notes are kept for a day; a worker that slept longer may have missed some."""
    person = InstructorFactory(weekly=[(5, 600, 780)])
    now = clock.now()
    keep_availability_days(now=now)
    Blackout.objects.create(instructor=person, first_on=saturday, last_on=saturday, label="Away")
    CalendarChange.objects.all().delete()
    keep_availability_days(now=now + timedelta(hours=13))
    assert quarters(person, saturday) == []


@pytest.fixture
def _few(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(choosing, "MAX_OFFERS", 2)
    with fresh_catalogue():
        yield


def _three_who_are_closed_and_one_who_is_not() -> None:
    for name in ("Ada", "Ben", "Cleo"):
        rate(pianist(name, instructor__weekly=[(0, 600, 780)]), fives=50)
    pianist("Zoe", instructor__weekly=[(5, 600, 780)])


@pytest.mark.usefixtures("_few")
def test_whoever_is_free_then_is_not_cut() -> None:
    """S8.11: however many stand above who are closed then."""
    _three_who_are_closed_and_one_who_is_not()
    keep_availability_days(now=clock.now())
    found = run_search("piano on saturday", now=clock.now())
    assert [hit.offer.name.split()[0] for hit in found.hits] == ["Zoe"]
    evening = run_search("piano on saturday evening", now=clock.now())
    assert not evening.hits
    assert evening.close


@pytest.mark.usefixtures("_few")
def test_whoever_has_no_days_yet_may_be_free() -> None:
    """A search before the worker's first run finds who it found without the table."""
    _three_who_are_closed_and_one_who_is_not()
    assert not AvailabilityDay.objects.exists()
    found = run_search("piano on monday", now=clock.now())
    assert len(found.hits) == 2
