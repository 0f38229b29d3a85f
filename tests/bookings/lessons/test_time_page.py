"""The time page in other zones, by week, for several learners, and for a time that is gone."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client

from bookings.lessons.time_grid import (
    clock_change_note,
    day_groups,
    month_bounds,
    months_around,
    week_start,
)
from instainstru.clock import NEW_YORK
from tests.bookings.lessons.stage import self_learner, slot_value
from tests.factories.accounts import LearnerFactory, student
from tests.factories.availability import black_out
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S12, pytest.mark.django_db]
LOS_ANGELES, KATHMANDU = ZoneInfo("America/Los_Angeles"), ZoneInfo("Asia/Kathmandu")


def open_at_night(start_minute: int, end_minute: int) -> Any:
    """Return an instructor with the same hours every day."""
    return InstructorFactory(weekly=[(day, start_minute, end_minute) for day in range(7)])


def page_of(client: Client, offering: Any, **query: Any) -> Any:
    return client.get(f"/i/{offering.instructor.slug}/book/", query)


# --- Zones (S12.3, D11, D12) ----------------------------------------------------------------------
def test_online_lesson_is_shown_under_the_viewers_date_and_zone(client: Client) -> None:
    """D11: 00:30 in New York is the evening before in Los Angeles."""
    offering = OfferingFactory(instructor=open_at_night(0, 24 * 60), modalities=["online"])
    start = tomorrow_at(0, 30, days=3)
    client.cookies["zone"] = "America/Los_Angeles"
    there = start.astimezone(LOS_ANGELES)
    text = page_of(client, offering, start=slot_value(start)).content.decode()
    assert f"{there:%A, %B} {there.day}" in text
    assert there.date() == start.astimezone(NEW_YORK).date() - timedelta(days=1)
    assert "All times Los Angeles" in text
    assert f'value="{slot_value(start)}"' in text
    switched = page_of(client, offering, start=slot_value(start), zone="lesson").content.decode()
    assert "All times Eastern (New York)" in switched
    assert "Show my time zone" in switched


def test_lesson_in_person_stays_in_new_york_with_the_viewers_time_beside_it(client: Client) -> None:
    """S12.3, D12: minutes of Kathmandu are right."""
    offering = OfferingFactory(modalities=["at_student"])
    client.cookies["zone"] = "Asia/Kathmandu"
    text = page_of(client, offering, date=f"{tomorrow_at(12).date()}").content.decode()
    assert "All times Eastern (New York)" in text
    there = tomorrow_at(10).astimezone(KATHMANDU)
    assert f"{there.hour % 12 or 12}:{there.minute:02d}" in text
    assert "your time" in text
    assert there.minute in {15, 45}


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "x" * 300, "America/New_York\x00", "é"]
)
def test_odd_zone_of_a_browser_is_new_york(client: Client, zone: str) -> None:
    offering = OfferingFactory()
    client.cookies["zone"] = zone
    page = page_of(client, offering)
    assert page.status_code == 200
    assert page.context["page"].viewer == NEW_YORK


def test_zone_of_the_profile_beats_the_browsers(client: Client) -> None:
    """S12.3"""
    maya = student(zone="America/Los_Angeles")
    client.force_login(maya)
    client.cookies["zone"] = "Asia/Kathmandu"
    assert page_of(client, OfferingFactory()).context["page"].viewer == LOS_ANGELES


# --- Week -----------------------------------------------------------------------------------------
def test_week_shows_seven_days_and_leads_on(client: Client) -> None:
    """S12.1"""
    offering = OfferingFactory()
    page = page_of(client, offering, view="week", date=f"{tomorrow_at(12).date()}")
    week = page.context["page"].week
    assert [day.on - week[0].on for day in week] == [timedelta(days=n) for n in range(7)]
    assert week[0].on == week_start(tomorrow_at(12).astimezone(NEW_YORK).date())
    text = page.content.decode()
    assert f'value="{slot_value(tomorrow_at(10))}"' in text
    assert "view=week" in text
    assert 'id="week-next"' in text
    assert 'id="week-previous"' not in text


# --- Learner (S12.1, R7) --------------------------------------------------------------------------
def test_times_of_a_busy_learner_are_not_offered(client: Client) -> None:
    """R7: the sister is free at the same time."""
    maya = student()
    leo = LearnerFactory(manager=maya)
    BookingFactory(student=maya, learner=leo, start_at=tomorrow_at(10))
    client.force_login(maya)
    offering = OfferingFactory(instructor=InstructorFactory())
    on, value = f"{tomorrow_at(12).date()}", f'value="{slot_value(tomorrow_at(10))}"'
    for learner, is_offered in ((leo, False), (self_learner(maya), True)):
        page = page_of(client, offering, date=on, learner=learner.public_id)
        assert (value in page.content.decode()) is is_offered
        assert f'value="{learner.public_id}" selected' in page.content.decode()


# --- A time that is gone (S12.4, S12.6) -----------------------------------------------------------
def test_start_of_the_address_that_is_gone_is_struck_through_with_the_nearest(
    client: Client,
) -> None:
    offering = OfferingFactory()
    BookingFactory(offering=offering, start_at=tomorrow_at(10))
    page = page_of(client, offering, start=slot_value(tomorrow_at(10)))
    missed = page.context["page"].missed
    assert len(missed.nearest) == 3
    assert missed.reasons == ("Not available.",)
    text = page.content.decode()
    assert "is not available." in text
    assert (
        f'value="{slot_value(tomorrow_at(10))}" id="start-{slot_value(tomorrow_at(10))}" dis'
        in text
    )


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (tomorrow_at(3), "Outside the instructor's hours."),
        (tomorrow_at(10, days=-3), "This time has passed."),
        (tomorrow_at(10, days=200), "Too far ahead to book."),
        (tomorrow_at(10, 7), "Not a starting time."),
    ],
)
def test_why_not_this_time(client: Client, start: datetime, reason: str) -> None:
    """S12.6"""
    page = page_of(client, OfferingFactory(), start=slot_value(start))
    assert reason in page.context["page"].missed.reasons


def test_each_day_without_times_says_why_when_asked(client: Client) -> None:
    """S12.6: in plain words, days in a row together, and nothing about other people's lessons."""
    offering = OfferingFactory()
    first_on = date(2026, 3, 9)
    black_out(offering.instructor, first_on, first_on + timedelta(days=2))
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False):
        plain = page_of(client, offering, month="2026-03")
        asked = page_of(client, offering, month="2026-03", why="1")
    assert plain.context["page"].has_empty_days
    assert not plain.context["page"].empty
    assert "why=1" in plain.content.decode()
    page, text = asked.context["page"], asked.content.decode()
    off = next(days for days in page.empty if days.first_on == first_on)
    assert off.last_on == first_on + timedelta(days=2)
    assert off.reasons
    assert "Why is nothing free?" in text
    assert "Away" not in text
    shown = [days.first_on for days in page.empty]
    assert shown == sorted(shown)
    assert not any(days.first_on in page.by_day for days in page.empty)


def test_month_cells_name_the_day_and_its_times(client: Client) -> None:
    """S12.2"""
    on = tomorrow_at(12).astimezone(NEW_YORK).date()
    text = page_of(client, OfferingFactory(), date=f"{on}").content.decode()
    assert 'role="grid"' in text
    assert text.count('aria-selected="true"') == 1
    count = len(page_of(client, OfferingFactory(), date=f"{on}").context["page"].starts)
    assert f'aria-label="{on:%A, %B} {on.day}, {count} times"' in text


def test_page_stays_within_its_queries(client: Client, django_assert_max_num_queries: Any) -> None:
    """One month, whatever the number of services."""
    instructor = InstructorFactory()
    offerings = [OfferingFactory(instructor=instructor) for _ in range(3)]
    with django_assert_max_num_queries(14):
        page_of(client, offerings[0])


# --- Pure pieces ----------------------------------------------------------------------------------
def test_empty_part_of_a_day_names_its_next_start() -> None:
    monday = datetime(2026, 3, 9, 22, tzinfo=UTC)  # 6:00 PM in New York
    saturday = datetime(2026, 3, 7, 15, tzinfo=UTC)
    by_day = {date(2026, 3, 7): [saturday], date(2026, 3, 9): [monday]}
    morning, afternoon, evening = day_groups(by_day, date(2026, 3, 7), NEW_YORK)
    assert morning.starts == [saturday]
    assert (afternoon.next_start, evening.next_start) == (None, monday)


@pytest.mark.parametrize(
    ("on", "hour_utc", "words"),
    [
        (date(2026, 3, 8), 6, "forward"),
        (date(2026, 11, 1), 6, "back"),
        (date(2026, 11, 1), 20, ""),
        (date(2026, 3, 9), 6, ""),
    ],
)
def test_clock_change_is_told_when_it_touches_a_shown_time(
    on: date, hour_utc: int, words: str
) -> None:
    """D3, D4"""
    start = datetime(on.year, on.month, on.day, hour_utc, tzinfo=UTC)
    note = clock_change_note(on, [start], NEW_YORK)
    assert (words in note) if words else note == ""


def test_grids_of_long_months_and_leap_days() -> None:
    """D15"""
    assert month_bounds(date(2026, 8, 1)) == (date(2026, 7, 26), date(2026, 9, 5))
    assert month_bounds(date(2028, 2, 1)) == (date(2028, 1, 30), date(2028, 3, 4))
    assert week_start(date(2027, 1, 2)) == date(2026, 12, 27)
    assert months_around(date(2026, 12, 1), date(2026, 11, 25), date(2027, 1, 24)) == (
        date(2026, 11, 1),
        date(2027, 1, 1),
    )


@time_machine.travel(datetime(2026, 10, 31, 12, tzinfo=UTC), tick=False)
def test_time_that_comes_twice_shows_its_zone(client: Client) -> None:
    """D4"""
    offering = OfferingFactory(instructor=open_at_night(0, 4 * 60))
    text = page_of(client, offering, date="2026-11-01", duration="60").content.decode()
    assert '1:00 AM<span class=""> EDT</span>' in text
    assert '1:00 AM<span class=""> EST</span>' in text
    assert '12:00 AM<span class="visually-hidden"> EDT</span>' in text
    assert "Clocks go back in this night" in text
