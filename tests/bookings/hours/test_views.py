"""The page of hours without a script: typed rows, edits before saving, copying, time off."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.roles import Role
from bookings.availability import weeks
from bookings.availability.models import Blackout, WeeklyWindow
from bookings.availability.selectors import load_instructor_time
from bookings.hours.typed import Row, edit_rows, parse_minute, read_rows
from catalog.models import Instructor, InstructorGrant
from instainstru import clock
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.availability import black_out, override_day
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.S15, pytest.mark.django_db]
PAGE = "/teach/availability/"
NEW_YORK = ZoneInfo("America/New_York")


@pytest.fixture
def teacher() -> Instructor:
    """Open on Mondays from nine to five."""
    user = VerifiedUserFactory(role=Role.INSTRUCTOR)
    return InstructorFactory(user=user, slug="maya-c", weekly=[(0, 540, 1020)])


@pytest.fixture
def own(teacher: Instructor) -> Client:
    client = Client()
    client.force_login(teacher.user)
    return client


def this_monday() -> date:
    return weeks.monday_of(clock.now().astimezone(NEW_YORK).date())


def version(page: Any) -> str:
    found: str = page.context["version"]
    return found


def weekly(teacher: Instructor) -> list[tuple[int, int, int]]:
    rows = WeeklyWindow.objects.filter(instructor=teacher)
    return list(rows.values_list("weekday", "start_minute", "end_minute"))


def own_days(teacher: Instructor) -> Any:
    today = this_monday()
    read = load_instructor_time([teacher.pk], first_on=today, last_on=today + timedelta(days=400))
    return read[teacher.pk].schedule.overrides


def send(own: Client, rows: dict[str, str], **more: str) -> Any:
    fields = {}
    for name, text in rows.items():
        start, _, end = text.partition(" ")
        fields |= {f"{name}-start": start, f"{name}-end": end}
    return own.post(PAGE, fields | more)


def test_rows_show_the_hours_and_save_them(own: Client, teacher: Instructor) -> None:
    """S15.4: the way without a script."""
    page = own.get(PAGE)
    assert 'name="d0-0-start" value="09:00"' in page.content.decode()
    answer = send(
        own,
        {"d0-0": "09:00 12:00", "d0-4": "13:00 17:00", "d6-0": "10:00 00:00"},
        version=version(page),
    )
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert weekly(teacher) == [(0, 540, 720), (0, 780, 1020), (6, 600, 1440)]


def test_one_week_is_saved_as_dates_of_its_own(own: Client, teacher: Instructor) -> None:
    """S15.4, S15.5"""
    monday = this_monday() + timedelta(weeks=1)
    page = own.get(PAGE, {"week": (monday + timedelta(days=3)).isoformat()})
    answer = send(own, {"d1-0": "10:00 11:00"}, version=version(page), week=monday.isoformat())
    assert answer["Location"] == f"{PAGE}?week={monday.isoformat()}"
    assert own_days(teacher) == {monday: [], monday + timedelta(days=1): [(600, 660)]}
    assert weekly(teacher) == [(0, 540, 1020)]
    assert b"not as usual" in own.get(answer["Location"]).content


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("13:00 10:00", "Monday, row 2: 1:00 PM to 10:00 AM ends before it starts."),
        ("08:00 10:00", "Monday, row 2: overlaps 9:00 AM to 12:00 PM."),
        ("13:10 14:00", "Monday, row 2: use quarter hours, such as 10:15 AM."),
        ("13:00", "Monday, row 2: enter both times, such as 10:00 AM."),
        ("soon later", "Monday, row 2: enter both times, such as 10:00 AM."),
    ],
)
def test_a_faulty_row_is_named_and_kept(
    own: Client, teacher: Instructor, text: str, words: str
) -> None:
    """S15.6, G2"""
    read = version(own.get(PAGE))
    answer = send(own, {"d0-0": "09:00 12:00", "d0-1": text}, version=read)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert 'href="#d0-1-start"' in page
    assert f'name="d0-1-start" value="{text.partition(" ")[0]}"' in page
    assert weekly(teacher) == [(0, 540, 1020)]


def test_changed_elsewhere_asks_day_by_day(own: Client, teacher: Instructor) -> None:
    """S15.6: a choice of theirs or yours for each day that differs."""
    read = version(own.get(PAGE))
    send(own, {"d0-0": "10:00 11:00"}, version=read)
    answer = send(own, {"d0-0": "09:00 17:00", "d2-0": "12:00 13:00"}, version=read)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Changed elsewhere: 10:00 AM – 11:00 AM" in page
    assert "Yours: 9:00 AM – 5:00 PM" in page
    assert "Yours: 12:00 PM – 1:00 PM" in page
    assert page.count("Changed elsewhere:") == 2
    rows = {"d0-0": "09:00 17:00", "d2-0": "12:00 13:00"}
    keep = {"keep-d0": "theirs", "keep-d2": "yours"}
    answer = send(own, rows, version=version(answer), **keep)
    assert answer.status_code == 303
    assert weekly(teacher) == [(0, 600, 660), (2, 720, 780)]


def test_clock_change_is_told_after_saving(own: Client, teacher: Instructor) -> None:
    """D7"""
    with time_machine.travel("2026-03-03T15:00:00Z", tick=False):
        own.force_login(teacher.user)
        page = own.get(PAGE, {"week": "2026-03-08"})
        assert b"clocks go forward" in page.content
        answer = send(own, {"d6-0": "02:30 05:00"}, version=version(page), week="2026-03-02")
        after = own.get(answer["Location"]).content.decode()
    assert "The clocks change on Sun, Mar 8: saved as 3:00 AM – 5:00 AM." in after
    assert 'name="d6-0-start" value="03:00"' in after


def test_lessons_outside_the_hours_are_listed_with_a_way_out(
    own: Client, teacher: Instructor
) -> None:
    """S15.6"""
    lesson = BookingFactory(
        offering=OfferingFactory(instructor=teacher), start_at=tomorrow_at(20, days=3)
    )
    page = own.get(PAGE).content.decode()
    assert "Lessons outside your hours" in page
    assert f"/teach/lessons/{lesson.code}/new-time/" in page
    answer = send(own, {}, version=version(own.get(PAGE)))
    assert "1 lesson outside your hours stand" in own.get(answer["Location"]).content.decode()
    lesson.refresh_from_db()
    assert lesson.status == "confirmed"


def test_week_shows_lessons_holds_and_time_off(own: Client, teacher: Instructor) -> None:
    """S15.4"""
    offering = OfferingFactory(instructor=teacher)
    lesson = BookingFactory(offering=offering, start_at=tomorrow_at(10, days=6))
    HoldFactory(offering=offering, start_at=tomorrow_at(12, days=6))
    on = lesson.start_at.astimezone(NEW_YORK).date()
    black_out(teacher, on)
    taken = own.get(PAGE, {"week": on.isoformat()}).context["taken"]
    assert [(one.kind, one.day, one.start_minute, one.end_minute) for one in taken] == [
        ("off", on.weekday(), 0, 1440),
        ("booked", on.weekday(), 600, 660),
        ("held", on.weekday(), 720, 780),
    ]


def test_an_assistant_edits_hours_and_sees_no_student(own: Client, teacher: Instructor) -> None:
    """S5.5: no students, no lessons, no money."""
    person = VerifiedUserFactory(role=Role.INSTRUCTOR)
    InstructorGrant.objects.assign_perm(InstructorGrant.codename, person, teacher)
    lesson = BookingFactory(
        student=student(first_name="Wilhelmina"),
        offering=OfferingFactory(instructor=teacher),
        start_at=tomorrow_at(20, days=3),
    )
    on = lesson.start_at.astimezone(NEW_YORK).date()
    other = Client()
    other.force_login(person)
    asked = {"of": teacher.slug, "week": on.isoformat()}
    page = other.get(PAGE, asked)
    assert page.status_code == 200
    assert "A lesson" in page.content.decode()
    assert "Wilhelmina" not in page.content.decode()
    assert str(lesson.code) not in page.content.decode()
    answer = send(other, {}, version=version(other.get(PAGE, {"of": "maya-c"})), of="maya-c")
    assert answer["Location"] == f"{PAGE}?of=maya-c"
    assert weekly(teacher) == []


@pytest.mark.parametrize("address", [PAGE, PAGE + "copy/?week=2026-03-02", PAGE + "time-off/"])
def test_calendar_of_somebody_else_is_unknown(own: Client, address: str) -> None:
    """G5, S17.3"""
    InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR), slug="leo-b")
    joint = "&" if "?" in address else "?"
    assert own.get(f"{address}{joint}of=leo-b").status_code == 404
    assert own.post(address.partition("?")[0], {"of": "leo-b"}).status_code == 404


def test_copying_is_shown_first_and_then_done(own: Client, teacher: Instructor) -> None:
    """S15.4, D8"""
    monday = this_monday() + timedelta(weeks=1)
    override_day(teacher, monday, [(600, 660)])
    asked = {"week": monday.isoformat(), "weeks": "4", "mode": "overwrite"}
    page = own.get(PAGE + "copy/", asked)
    assert page.content.decode().count("8 → 1 hours") == 4
    assert len(own_days(teacher)) == 1
    answer = own.post(PAGE + "copy/", asked | {"version": version(page)})
    assert answer.status_code == 303
    assert own_days(teacher) == {
        monday + timedelta(weeks=number): [(600, 660)] for number in range(5)
    }
    assert "4 days changed" in own.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("number", ["0", "27", "many", ""])
def test_copying_to_too_many_weeks_is_refused(own: Client, number: str) -> None:
    asked = {"week": this_monday().isoformat(), "weeks": number, "mode": "merge"}
    assert own.get(PAGE + "copy/", asked).status_code == 422
    assert own.post(PAGE + "copy/", asked).status_code == 422


def test_time_off_is_added_and_removed(own: Client, teacher: Instructor) -> None:
    """S15.5"""
    asked = {"first_on": "2027-07-01", "last_on": "2027-07-21", "label": "Tour"}
    assert own.post(PAGE + "time-off/", asked).status_code == 303
    off = Blackout.objects.get(instructor=teacher)
    assert (off.first_on, off.last_on) == (date(2027, 7, 1), date(2027, 7, 21))
    assert b"Tour" in own.get(PAGE + "time-off/").content
    assert own.post(f"{PAGE}time-off/{off.pk}/remove/").status_code == 303
    assert not Blackout.objects.exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "Enter the first day."),
        ({"first_on": "2027-07-02", "last_on": "2027-07-01"}, "comes before the first"),
        ({"first_on": "2027-07-01", "start": "10:00"}, "Enter both times, or none."),
        ({"first_on": "2027-07-01", "start": "10:00", "end": "09:00"}, "ends before it starts"),
        ({"first_on": "2027-07-01", "start": "10:10", "end": "11:00"}, "quarter hours"),
        ({"first_on": "0001-01-01"}, "Enter a date of this century."),
    ],
)
def test_faulty_time_off_is_refused(own: Client, asked: dict[str, str], words: str) -> None:
    answer = own.post(PAGE + "time-off/", asked)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Blackout.objects.exists()


def test_federal_holidays_are_added_once(own: Client, teacher: Instructor) -> None:
    """S15.5"""
    with time_machine.travel("2026-12-01T15:00:00Z", tick=False):
        own.force_login(teacher.user)
        black_out(teacher, date(2026, 12, 24), date(2026, 12, 26))
        for _ in range(2):
            assert own.post(PAGE + "time-off/", {"do": "holidays"}).status_code == 303
    added = Blackout.objects.filter(instructor=teacher).exclude(label="Away").order_by("first_on")
    assert len(added) == 10
    assert (added[0].first_on, added[0].label) == (date(2027, 1, 1), "New Year's Day")


def test_edits_wait_for_save(own: Client, teacher: Instructor) -> None:
    """S15.4: what the toolbar does, without a script."""
    read = version(own.get(PAGE))
    page = send(
        own, {"d0-0": "09:00 10:00"}, version=read, do="copy-day", copy_from="0",
        copy_to="workdays",
    )  # fmt: skip
    assert page.status_code == 200
    assert page.content.decode().count('value="09:00"') == 5
    assert "Not saved yet" in page.content.decode()
    assert weekly(teacher) == [(0, 540, 1020)]


def test_each_edit_of_the_rows() -> None:
    nine, ten = Row("09:00", "10:00"), Row("10:00", "11:00")
    rows, usual = [[nine], *([] for _ in range(6))], [[ten] for _ in range(7)]

    def edit(action: str, copy: tuple[int, str] = (0, "1")) -> Any:
        return edit_rows(rows, action, usual=usual, copy=copy)

    assert edit("add-d0")[0] == [nine, Row()]
    assert edit("clear-d0") == edit("clear-week") == [[] for _ in range(7)]
    assert edit("reset-d3")[3] == [ten]
    assert edit("copy-day")[:3] == [[nine], [nine], []]
    assert edit("copy-day", (0, "all")) == [[nine]] * 7
    assert edit("copy-day", (0, "9")) == rows
    assert edit("fly") is edit("clear-d7") is None


def test_rows_are_read_whatever_is_sent() -> None:
    sent = {"d0-0-start": " 09:00 ", "d9-0-start": "1", "d0-x-end": "1", "d1-2-end": "5", "do": ""}
    assert read_rows(sent)[:2] == [[Row("09:00", "")], [Row("", "5")]]


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("09:15", 555), ("9:15 PM", 1275), ("12:00 am", 0), ("12:30 p.m.", 750), ("24:00", 1440),
        ("13:00 PM", None), ("9", None), ("25:00", None), ("10:60", None), ("", None),
        ("٠٩:١٥", None), ("10:00\0", None),
    ],
)  # fmt: skip
def test_times_are_read_as_people_write_them(text: str, minute: int | None) -> None:
    assert parse_minute(text) == minute


def test_page_asks_as_much_for_one_lesson_as_for_three(own: Client, teacher: Instructor) -> None:
    offering = OfferingFactory(instructor=teacher)
    own.get(PAGE)
    counts = []
    for days in ((7,), (8, 9)):
        for day in days:
            BookingFactory(offering=offering, start_at=tomorrow_at(20, days=day))
        with CaptureQueriesContext(connection) as captured:
            own.get(PAGE)
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 7


def test_somebody_without_a_profile_is_told(teacher: Instructor) -> None:
    client = Client()
    person: User = VerifiedUserFactory(role=Role.INSTRUCTOR)
    client.force_login(person)
    assert b"teach here yet" in client.get(PAGE).content
