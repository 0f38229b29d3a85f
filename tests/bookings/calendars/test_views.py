"""The page of connected calendars, and what the week shows of them (Spec: S15.4, S15.9)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.roles import Role
from bookings.availability import weeks
from bookings.availability.models import BusyTime, ConnectedCalendar
from catalog.models import Instructor, InstructorGrant
from instainstru import clock
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.calendars import ADDRESS, connect, keep_busy
from tests.factories.catalog import InstructorFactory
from tests.factories.lessons import tomorrow_at

pytestmark = [pytest.mark.S15, pytest.mark.django_db]
PAGE = "/teach/calendars/"


@pytest.fixture
def teacher() -> Instructor:
    user = VerifiedUserFactory(role=Role.INSTRUCTOR)
    return InstructorFactory(user=user, slug="maya-c")


@pytest.fixture
def own(teacher: Instructor) -> Client:
    client = Client()
    client.force_login(teacher.user)
    return client


def words(page: Any) -> str:
    return " ".join(page.content.decode().split())


def test_a_calendar_is_connected_listed_and_disconnected(own: Client, teacher: Instructor) -> None:
    assert own.post(PAGE, {"name": "Family", "address": ADDRESS}).headers["Location"] == PAGE
    row = ConnectedCalendar.objects.get(instructor=teacher)
    page = own.get(PAGE)
    assert "calendar.example/…" in words(page)
    assert "private-1f2e3d" not in words(page)
    assert "no-store" in page.headers["Cache-Control"]
    assert own.post(f"{PAGE}{row.pk}/disconnect/").headers["Location"] == PAGE
    assert not ConnectedCalendar.objects.exists()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"name": "Family", "address": "http://calendar.example/a.ics"}, "address"),
        ({"name": "Family", "address": ""}, "address"),
        ({"name": "", "address": ADDRESS}, "name"),
        ({"name": "x" * 41, "address": ADDRESS}, "name"),
        ({"name": "a\x07b", "address": ADDRESS}, "name"),
        ({"name": "a\0b", "address": "\0"}, "address"),
    ],
)
def test_a_refused_form_keeps_what_was_typed(own: Client, sent: dict[str, str], field: str) -> None:
    page = own.post(PAGE, sent)
    assert page.status_code == 422
    assert page.context["form"].errors[field]
    assert page.context["form"]["name"].value() == sent["name"]
    assert not ConnectedCalendar.objects.exists()


def test_the_21st_connecting_of_an_hour_waits_and_keeps_what_was_typed(
    own: Client, teacher: Instructor
) -> None:
    """S17.4: each has the server fetch an address; disconnecting does not start it anew."""
    for number in range(20):
        sent = {"name": "Family", "address": f"{ADDRESS}?{number}"}
        assert own.post(PAGE, sent).status_code == 303
        row = ConnectedCalendar.objects.get(instructor=teacher)
        own.post(f"{PAGE}{row.pk}/disconnect/")
    page = own.post(PAGE, {"name": "Work", "address": ADDRESS})
    assert page.status_code == 429
    assert page["Retry-After"]
    assert "Too many tries." in words(page)
    assert page.context["form"]["name"].value() == "Work"
    assert page.context["form"]["address"].value() == ADDRESS
    assert not ConnectedCalendar.objects.exists()


def test_the_page_says_what_is_wrong_and_until_when_the_last_read_counts(
    own: Client, teacher: Instructor
) -> None:
    row = connect(teacher)
    now = clock.now()
    rows = ConnectedCalendar.objects.filter(pk=row.pk)
    rows.update(read_at=now, failing_since=now, fault="too_slow")
    page = words(own.get(PAGE))
    assert "The site took longer than 10 seconds. What we read last counts until" in page
    rows.update(dropped_at=now)
    assert "Its busy times no longer count." in words(own.get(PAGE))
    rows.update(dropped_at=None, failing_since=None, fault="", skipped_events=1)
    assert "1 event could not be understood and does not count." in words(own.get(PAGE))


def test_others_calendars_do_not_exist(own: Client) -> None:
    """G5"""
    stranger = InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR))
    other = connect(stranger, name="Zanzibar")
    assert own.post(f"{PAGE}{other.pk}/disconnect/").status_code == 404
    assert ConnectedCalendar.objects.filter(pk=other.pk).exists()
    assert other.name not in words(own.get(PAGE))


def test_students_have_no_such_page(client: Client) -> None:
    client.force_login(student())
    assert client.get(PAGE).status_code == 403


def test_the_week_shows_busy_times_and_names_their_calendar(
    own: Client, teacher: Instructor
) -> None:
    """S15.4: the legend and the list; the grid is drawn from the list."""
    keep_busy(teacher, (tomorrow_at(22), tomorrow_at(2, days=2)))
    week = weeks.monday_of(tomorrow_at(12).astimezone(clock.NEW_YORK).date())
    page = own.get(f"/teach/availability/?week={week}")
    shown = words(page)
    assert "External busy" in shown
    assert "Busy in your calendar Family" in shown
    pieces = [piece for piece in page.context["taken"] if piece.kind == "busy"]
    assert (pieces[0].start_minute, pieces[0].end_minute) == (22 * 60, 24 * 60)
    next_week = own.get(f"/teach/availability/?week={week + timedelta(days=21)}")
    assert not [piece for piece in next_week.context["taken"] if piece.kind == "busy"]


def test_an_assistant_sees_that_a_time_is_busy_and_no_name(
    client: Client, teacher: Instructor
) -> None:
    """S5.5"""
    keep_busy(teacher, (tomorrow_at(12), tomorrow_at(13)))
    person = VerifiedUserFactory(role=Role.INSTRUCTOR)
    InstructorGrant.objects.assign_perm(InstructorGrant.codename, person, teacher)
    client.force_login(person)
    week = weeks.monday_of(tomorrow_at(12).astimezone(clock.NEW_YORK).date())
    shown = words(client.get(f"/teach/availability/?week={week}&of=maya-c"))
    assert "Busy in another calendar" in shown
    assert "Family" not in shown
    assert BusyTime.objects.exists()
