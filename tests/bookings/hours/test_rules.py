"""An instructor's booking rules and time zone (Spec: S15.7)."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from accounts.models import AuditEvent
from accounts.roles import Role
from bookings.availability.intervals import hours_intervals
from bookings.availability.models import AvailabilityRules
from bookings.availability.selectors import Limits, load_instructor_time
from bookings.hours.rules_services import change_zone, save_rules
from bookings.lessons.models import Booking
from bookings.lessons.selectors import lesson_zone
from catalog.models import Instructor
from instainstru.errors import ConflictError, NotFoundError, ValidationFailedError
from tests.factories.accounts import VerifiedUserFactory
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S15, pytest.mark.django_db]
RULES = "/teach/rules/"
ZONE = "/teach/rules/zone/"
USUAL = {
    "slot_step_minutes": "15", "buffer_before_minutes": "5", "buffer_after_minutes": "10",
    "notice_hours": "0.5", "max_advance_days": "30", "max_lessons_per_day": "4",
    "most_hours_a_week": "",
}  # fmt: skip


@pytest.fixture
def teacher() -> Instructor:
    """Open every day from nine to five, online only."""
    user = VerifiedUserFactory(role=Role.INSTRUCTOR)
    instructor = InstructorFactory(user=user, weekly=[(day, 540, 1020) for day in range(7)])
    OfferingFactory(instructor=instructor, modalities=["online"])
    return instructor


@pytest.fixture
def own(teacher: Instructor) -> Client:
    client = Client()
    client.force_login(teacher.user)
    return client


def stored(teacher: Instructor) -> tuple[Any, ...]:
    names = Limits._fields
    found: tuple[Any, ...] = AvailabilityRules.objects.values_list(*names).get(instructor=teacher)
    return found


def test_rules_are_shown_and_saved(own: Client, teacher: Instructor) -> None:
    """S15.7"""
    page = own.get(RULES).content.decode()
    assert 'name="notice_hours" value="2"' in page
    assert own.post(RULES, USUAL).status_code == 303
    assert stored(teacher) == (15, 5, 10, 30, 30, 4, None)
    assert 'name="notice_hours" value="0.5"' in own.get(RULES).content.decode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("slot_step_minutes", "20"), ("buffer_before_minutes", "121"),
        ("buffer_after_minutes", "-1"), ("notice_hours", "337"), ("max_advance_days", "0"),
        ("max_advance_days", "366"), ("max_lessons_per_day", "0"), ("most_hours_a_week", "169"),
    ],
)  # fmt: skip
def test_rules_out_of_range_are_refused(
    own: Client, teacher: Instructor, name: str, value: str
) -> None:
    """S15.7"""
    before = stored(teacher)
    answer = own.post(RULES, USUAL | {name: value})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {name}
    assert stored(teacher) == before


def test_the_service_itself_refuses_what_no_form_checked(teacher: Instructor) -> None:
    wrong = Limits(20, 121, 0, 0, 0, 0, None)
    with pytest.raises(ValidationFailedError) as refused:
        save_rules(by=teacher.user, rules=wrong)
    assert set(refused.value.fields) == {
        "slot_step_minutes", "buffer_before_minutes", "max_advance_days", "max_lessons_per_day",
    }  # fmt: skip


def test_saving_rules_leaves_booked_lessons_theirs(own: Client, teacher: Instructor) -> None:
    """R17, R18"""
    lesson = BookingFactory(offering=teacher.offerings.get())
    before = Booking.objects.values().get(pk=lesson.pk)
    own.post(RULES, USUAL)
    assert Booking.objects.values().get(pk=lesson.pk) == before


def test_another_zone_is_asked_about_first(own: Client, teacher: Instructor) -> None:
    """D13: a page says what it means before anything changes."""
    lesson = BookingFactory(offering=teacher.offerings.get(), start_at=tomorrow_at(12))
    answer = own.post(ZONE, {"zone": "America/Los_Angeles"})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "12:00 PM E" in page
    assert "9:00 AM P" in page
    teacher.refresh_from_db()
    assert teacher.zone == "America/New_York"
    confirmed = {"zone": "America/Los_Angeles", "known_zone": "America/New_York"}
    assert own.post(ZONE, confirmed).status_code == 303
    teacher.refresh_from_db()
    assert teacher.zone == "America/Los_Angeles"
    assert AuditEvent.objects.filter(action="instructor.zone_changed").count() == 1
    lesson.refresh_from_db()
    assert lesson.zone == "America/New_York"


def test_lessons_keep_utc_and_hours_are_read_in_the_new_zone(teacher: Instructor) -> None:
    """D13"""
    lesson = BookingFactory(offering=teacher.offerings.get(), start_at=tomorrow_at(10))
    before = Booking.objects.values().get(pk=lesson.pk)
    on = date(2026, 6, 1)

    def opens_at() -> datetime:
        teacher.refresh_from_db()
        read = load_instructor_time([teacher.pk], first_on=on, last_on=on)[teacher.pk]
        weekly, zone = read.schedule.weekly, lesson_zone(teacher)
        hours = hours_intervals(weekly=weekly, overrides={}, zone=zone, first_on=on, last_on=on)
        return hours[0].start

    assert opens_at() == datetime(2026, 6, 1, 13, tzinfo=UTC)
    change_zone(by=teacher.user, zone="Asia/Tokyo", known_zone="America/New_York")
    assert opens_at() == datetime(2026, 6, 1, 0, tzinfo=UTC)
    assert opens_at().astimezone(ZoneInfo("Asia/Tokyo")).hour == 9
    assert Booking.objects.values().get(pk=lesson.pk) == before


def test_who_teaches_in_person_stays_in_new_york(own: Client, teacher: Instructor) -> None:
    """Spec 05: New York unless they teach online only from elsewhere."""
    OfferingFactory(instructor=teacher, modalities=["online", "at_student"])
    asked = {"zone": "Asia/Tokyo", "known_zone": "America/New_York"}
    answer = own.post(ZONE, asked)
    assert answer.status_code == 422
    assert b"You teach in person" in answer.content
    teacher.refresh_from_db()
    assert teacher.zone == "America/New_York"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "A" * 500])
def test_unknown_zones_are_refused(own: Client, zone: str) -> None:
    assert own.post(ZONE, {"zone": zone}).status_code == 422


def test_a_zone_changed_meanwhile_is_told(own: Client, teacher: Instructor) -> None:
    asked = {"zone": "Asia/Tokyo", "known_zone": "Europe/Paris"}
    assert own.post(ZONE, asked).status_code == 409
    with pytest.raises(ConflictError):
        change_zone(by=teacher.user, **asked)


def test_only_who_teaches_has_rules() -> None:
    person = VerifiedUserFactory(role=Role.INSTRUCTOR)
    with pytest.raises(NotFoundError):
        save_rules(by=person, rules=Limits(30, 0, 15, 120, 60, None, None))
