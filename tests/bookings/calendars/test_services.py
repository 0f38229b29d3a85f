"""Connecting calendars and reading them: rows first, bookings untouched, secrets kept.

Spec: S15.9, R3, R18
"""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
import time_machine
from django.db import connection, transaction
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from bookings.availability.models import BusyTime, CalendarChange, ConnectedCalendar
from bookings.calendars import services
from bookings.calendars.services import (
    connect_calendar,
    disconnect_calendar,
    read_due_calendars,
    site_of,
)
from bookings.hours import services as hours
from bookings.hours.rules_services import change_zone
from bookings.lessons import rules
from bookings.lessons.locks import booking_transaction
from bookings.lessons.models import Booking
from bookings.lessons.selectors import WantedLesson, load_facts
from bookings.notifications.models import Notice, OutgoingMail
from catalog.models import Instructor
from instainstru import clock
from instainstru.celery import SCHEDULE
from instainstru.errors import (
    ApplicationError,
    ForbiddenError,
    NotFoundError,
    ValidationFailedError,
)
from tests.bookings.calendars.stage import Stage, answer, calendar
from tests.bookings.payments.conftest import in_parallel
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.calendars import ADDRESS, connect, keep_busy
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S15, pytest.mark.django_db]
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No broker is asked; what would have been is noted."""
    calls: list[str] = []
    monkeypatch.setattr(services, "wake_task", lambda task: calls.append(task.name))
    return calls


@pytest.fixture
def teacher() -> Instructor:
    """Open every day from nine to eight."""
    return InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR))


def event(start: datetime, end: datetime | None = None, *more: str) -> str:
    lines = [f"DTSTART:{start:%Y%m%dT%H%M%SZ}", f"DTEND:{end or start + HOUR:%Y%m%dT%H%M%SZ}"]
    return "\n".join([*lines, *more])


def read(*events: str, at: datetime | None = None, sent: bytes | None = None) -> Stage:
    """Let the calendars that are due be read; each holds these events."""
    stage = Stage([answer(calendar(*events)) if sent is None else sent] * 10)
    with time_machine.travel(at or clock.now() + timedelta(seconds=1), tick=False):
        read_due_calendars(stage.fetcher)
    return stage


def fail(at: datetime) -> None:
    read(at=at, sent=answer(status="404 Not Found"))


def busy(teacher: Instructor) -> list[tuple[datetime, datetime]]:
    rows = BusyTime.objects.filter(instructor=teacher).order_by("start_at")
    return list(rows.values_list("start_at", "end_at"))


def failures(teacher: Instructor, start: datetime) -> Any:
    offering = OfferingFactory(instructor=teacher)
    wanted = WantedLesson(offering=offering, duration_minutes=60, modality="online")
    now, on = clock.now(), start.astimezone(clock.NEW_YORK).date()
    facts = load_facts(wanted, first_on=on, last_on=on, now=now)
    return rules.explain(facts, start, 60, now)


# --- Connecting -----------------------------------------------------------------------------------
def test_a_connected_calendar_is_due_at_once(
    teacher: Instructor, woken: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    """S4.1: the row is the truth; a worker is woken after the commit, and the beat finds it."""
    with django_capture_on_commit_callbacks(execute=True):
        row = connect(teacher)
    assert row.due_at <= clock.now()
    assert woken == ["calendars.read_due"]
    name, every = SCHEDULE["read-connected-calendars"]
    assert (name, every) == ("calendars.read_due", timedelta(seconds=60))


def test_the_address_is_stored_sealed(teacher: Instructor) -> None:
    """S17.11"""
    row = connect(teacher)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT row_to_json(c)::text FROM availability_connectedcalendar c WHERE id = %s",
            [row.pk],
        )
        stored = cursor.fetchone()[0]
    assert "private" not in stored
    assert "calendar.example" not in stored
    assert site_of(row) == "calendar.example"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://calendar.example/a.ics", "https"),
        ("https://me:pw@calendar.example/a.ics", "password"),
        ("https://calendar.example:8080/a.ics", "port"),
        ("no address", "not an address"),
    ],
)
def test_other_addresses_are_refused_naming_the_field(
    teacher: Instructor, url: str, words: str
) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        connect(teacher, url=url)
    assert words in refused.value.fields["address"]


def test_a_calendar_and_a_name_are_there_once(teacher: Instructor) -> None:
    connect(teacher)
    with pytest.raises(ValidationFailedError) as again:
        connect(teacher, name="Work", url=ADDRESS.replace("https", "webcal"))
    assert "already" in again.value.fields["address"]
    with pytest.raises(ValidationFailedError) as named:
        connect(teacher, url=ADDRESS + "?other")
    assert "name" in named.value.fields
    connect(InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR)))


def test_there_are_five_at_most(teacher: Instructor) -> None:
    for number in range(5):
        connect(teacher, name=f"C{number}", url=f"{ADDRESS}?{number}")
    with pytest.raises(ValidationFailedError, match="5 calendars at most"):
        connect(teacher, name="C5", url=f"{ADDRESS}?5")


def _learner() -> User:
    return student()


def _without_profile() -> User:
    return VerifiedUserFactory(role=Role.INSTRUCTOR)


@pytest.mark.parametrize(
    ("who", "error"), [(_learner, ForbiddenError), (_without_profile, NotFoundError)]
)
def test_only_instructors_connect(who: Callable[[], User], error: type[ApplicationError]) -> None:
    with pytest.raises(error):
        connect_calendar(by=who(), name="Family", url=ADDRESS)


def test_nobody_disconnects_anothers_calendar(teacher: Instructor) -> None:
    """G5"""
    other = InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR))
    row = connect(other)
    with pytest.raises(NotFoundError):
        disconnect_calendar(by=teacher.user, calendar_id=row.pk)
    assert ConnectedCalendar.objects.filter(pk=row.pk).exists()


# --- Reading --------------------------------------------------------------------------------------
def test_a_busy_time_closes_its_hours_and_names_the_calendar(teacher: Instructor) -> None:
    """R3, S15.8, S12.6: the instructor is told which calendar, students nothing."""
    row = connect(teacher)
    assert failures(teacher, tomorrow_at(12)) == ()
    read(event(tomorrow_at(12)))
    row.refresh_from_db()
    assert (row.fault, row.failing_since, row.skipped_events) == ("", None, 0)
    assert row.read_at is not None
    (found,) = failures(teacher, tomorrow_at(12))
    assert (found.rule, found.code) == ("R3", "external_busy")
    assert found.instructor_text == "Busy in your calendar Family."
    assert found.student_text == "Not available."
    assert failures(teacher, tomorrow_at(13)) == ()


def test_titles_are_stored_nowhere(teacher: Instructor) -> None:
    connect(teacher)
    secrets = ("SUMMARY:Oncologist", "DESCRIPTION:Oncologist", "LOCATION:Oncologist")
    read(event(tomorrow_at(12), None, *secrets))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT json_agg(b) FROM availability_busytime b)::text"
            " || (SELECT json_agg(c) FROM availability_connectedcalendar c)::text"
        )
        assert "Oncologist" not in cursor.fetchone()[0]


def test_it_is_read_again_after_a_quarter_of_an_hour(teacher: Instructor) -> None:
    connect(teacher)
    first = clock.now() + timedelta(seconds=1)
    assert len(read(at=first).opened) == 1
    assert read(at=first + timedelta(minutes=14)).opened == []
    assert len(read(at=first + timedelta(minutes=15)).opened) == 1


def test_each_read_replaces_what_the_last_one_found(teacher: Instructor) -> None:
    connect(teacher)
    now = clock.now() + timedelta(seconds=1)
    read(event(tomorrow_at(12)), event(tomorrow_at(15)), at=now)
    read(event(tomorrow_at(15)), event(tomorrow_at(18)), at=now + HOUR)
    assert [start for start, _ in busy(teacher)] == [tomorrow_at(15), tomorrow_at(18)]


def test_a_read_that_finds_the_same_writes_no_calendar_change(teacher: Instructor) -> None:
    """S8.12: remembered calendars and kept pages stay as they are."""
    connect(teacher)
    now = clock.now() + timedelta(seconds=1)
    read(event(tomorrow_at(12)), at=now)
    CalendarChange.objects.all().delete()
    read(event(tomorrow_at(12)), at=now + HOUR)
    assert not CalendarChange.objects.exists()
    read(event(tomorrow_at(12), tomorrow_at(14)), at=now + 2 * HOUR)
    assert CalendarChange.objects.filter(instructor=teacher).exists()


def test_importing_changes_no_booking(teacher: Instructor) -> None:
    """R18: the lesson in the way stands, untouched."""
    lesson = BookingFactory(offering=OfferingFactory(instructor=teacher), start_at=tomorrow_at(12))
    before = Booking.objects.filter(pk=lesson.pk).values().get()
    connect(teacher)
    read(event(tomorrow_at(11), tomorrow_at(14)))
    assert Booking.objects.filter(pk=lesson.pk).values().get() == before


def test_our_own_lessons_that_come_back_keep_nothing(teacher: Instructor) -> None:
    """A calendar that follows our feed would else block a lesson's own move."""
    connect(teacher)
    uid = "UID:booking-0f8fad5b-d9cb-469f-a165-70867728950e@instainstru.com"
    read(event(tomorrow_at(12), None, uid))
    assert busy(teacher) == []


def test_disconnecting_opens_the_hours_at_once(teacher: Instructor) -> None:
    row = connect(teacher)
    read(event(tomorrow_at(12)))
    disconnect_calendar(by=teacher.user, calendar_id=row.pk)
    assert busy(teacher) == []
    assert failures(teacher, tomorrow_at(12)) == ()


def test_two_calendars_are_apart(teacher: Instructor) -> None:
    row = connect(teacher)
    read(event(tomorrow_at(12)))
    connect(teacher, name="Work", url=ADDRESS + "?work")
    read(event(tomorrow_at(12)))
    (found,) = failures(teacher, tomorrow_at(12))
    assert found.instructor_text == "Busy in your calendar Family and Work."
    disconnect_calendar(by=teacher.user, calendar_id=row.pk)
    (found,) = failures(teacher, tomorrow_at(12))
    assert found.instructor_text == "Busy in your calendar Work."


def test_whole_days_are_those_of_the_instructors_zone_and_follow_a_change(
    teacher: Instructor,
) -> None:
    """D13"""
    on = tomorrow_at(12, days=3).date()
    day = f"DTSTART;VALUE=DATE:{on:%Y%m%d}"
    connect(teacher)
    read(day)
    assert busy(teacher)[0][0] == tomorrow_at(0, days=3)
    change_zone(by=teacher.user, zone="America/Los_Angeles", known_zone="America/New_York")
    read(day)
    west = datetime.combine(on, datetime.min.time(), tzinfo=ZoneInfo("America/Los_Angeles"))
    assert busy(teacher)[0][0] == west


def test_readiness_warns_when_nobody_reads(teacher: Instructor, client: Client) -> None:
    """S16.1: a warning and no 503."""
    row = connect(teacher)
    assert "external calendars" not in client.get("/readyz").json()["parts"]
    ConnectedCalendar.objects.filter(pk=row.pk).update(due_at=clock.now() - timedelta(minutes=31))
    answered = client.get("/readyz")
    assert answered.json()["parts"]["external calendars"] == "warn"
    assert answered.status_code == 200


def test_calendars_of_closed_accounts_are_not_read(teacher: Instructor) -> None:
    """S6.2"""
    connect(teacher)
    User.objects.filter(pk=teacher.user_id).update(is_active=False)
    assert read(event(tomorrow_at(12))).opened == []


# --- Faults ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sent", "fault"),
    [
        (answer(status="404 Not Found"), "refused"),
        (answer(b"<html>"), "not_a_calendar"),
        (answer(b"\0" * 100), "not_a_calendar"),
        (b"", "unreachable"),
    ],
)
def test_what_goes_wrong_is_noted_on_the_row_and_what_was_read_stays(
    teacher: Instructor, sent: bytes, fault: str
) -> None:
    row = connect(teacher)
    now = clock.now() + timedelta(seconds=1)
    read(event(tomorrow_at(12)), at=now)
    read(at=now + HOUR, sent=sent)
    row.refresh_from_db()
    assert (row.fault, row.failing_since) == (fault, now + HOUR)
    assert busy(teacher) == [(tomorrow_at(12), tomorrow_at(13))]
    read(event(tomorrow_at(12)), at=now + 2 * HOUR)
    row.refresh_from_db()
    assert (row.fault, row.failing_since) == ("", None)


def test_one_broken_calendar_does_not_keep_the_next_from_being_read(
    teacher: Instructor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a file does to the parser: it is noted, and no word of it is logged."""
    first = connect(teacher)
    other = InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR))
    connect(other)
    genuine = services.parse_busy

    def crash_once(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(services, "parse_busy", genuine)
        raise RuntimeError(ADDRESS)

    monkeypatch.setattr(services, "parse_busy", crash_once)
    with structlog.testing.capture_logs() as logged:
        read(event(tomorrow_at(12)))
    first.refresh_from_db()
    assert first.fault == "unreachable"
    assert busy(other) == [(tomorrow_at(12), tomorrow_at(13))]
    assert "calendar.example" not in str(logged)


def test_the_address_is_in_no_log(
    teacher: Instructor, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """S17.11"""
    caplog.set_level(logging.DEBUG)
    connect(teacher)
    with structlog.testing.capture_logs() as logged:
        fail(clock.now() + timedelta(seconds=1))
    assert any(row["event"] == "calendar_failed" for row in logged)
    everything = f"{logged} {caplog.text} {capfd.readouterr()}"
    assert "private-1f2e3d" not in everything
    assert "calendar.example" not in everything


def test_an_address_that_no_key_opens_any_more_says_so(teacher: Instructor) -> None:
    row = connect(teacher)
    ConnectedCalendar.objects.update(sealed_address="gAAAAA")
    read()
    row.refresh_from_db()
    assert row.fault == "sealed"
    assert site_of(row) == ""


def test_a_day_of_failures_is_told_once(teacher: Instructor) -> None:
    """S15.9: exactly 24 hours is a day."""
    connect(teacher)
    now = clock.now() + timedelta(seconds=1)
    fail(now)
    fail(now + DAY - timedelta(seconds=1))
    assert not OutgoingMail.objects.filter(kind="calendar_failing").exists()
    fail(now + DAY + timedelta(minutes=14))
    fail(now + DAY + HOUR)
    mail = OutgoingMail.objects.get(kind="calendar_failing")
    assert mail.to == teacher.user.email
    assert "Family" in mail.subject
    assert "calendar.example" not in mail.text + mail.html
    assert Notice.objects.get(user=teacher.user).path == "/teach/calendars/"


def test_the_next_failure_after_a_good_read_is_told_again(teacher: Instructor) -> None:
    connect(teacher)
    now = clock.now() + timedelta(seconds=1)
    for at in (now, now + DAY):
        fail(at)
    read(at=now + DAY + HOUR)
    for at in (now + 2 * DAY, now + 3 * DAY):
        fail(at)
    assert OutgoingMail.objects.filter(kind="calendar_failing").count() == 2


def test_after_two_days_what_was_read_last_is_dropped_with_a_warning(teacher: Instructor) -> None:
    """S15.9"""
    row = connect(teacher)
    now = clock.now() + timedelta(seconds=1)
    far = tomorrow_at(12, days=9)
    read(event(far), at=now)
    fail(now + HOUR)
    fail(now + 2 * DAY - timedelta(seconds=1))
    assert busy(teacher) == [(far, far + HOUR)]
    fail(now + 2 * DAY + timedelta(minutes=15))
    assert busy(teacher) == []
    assert failures(teacher, far) == ()
    row.refresh_from_db()
    assert row.dropped_at == now + 2 * DAY + timedelta(minutes=15)
    warning = OutgoingMail.objects.get(subject__startswith="Busy times")
    assert "no longer count" in warning.text
    fail(now + 3 * DAY)
    assert OutgoingMail.objects.filter(kind="calendar_failing").count() == 2
    read(event(far), at=now + 4 * DAY)
    assert busy(teacher) == [(far, far + HOUR)]
    row.refresh_from_db()
    assert row.dropped_at is None


# --- At once --------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_two_workers_read_a_calendar_once(teacher: Instructor) -> None:
    """S4.2"""
    connect(teacher)
    stage = Stage([answer(calendar(event(tomorrow_at(12))))] * 4)
    counts = in_parallel([lambda: read_due_calendars(stage.fetcher)] * 4)
    assert sorted(counts) == [0, 0, 0, 1]
    assert len(stage.opened) == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_read_twice_at_once_has_one_effect(teacher: Instructor) -> None:
    """S4.2: a message may come twice."""
    row = connect(teacher)
    sent = answer(calendar(event(tomorrow_at(12)), event(tomorrow_at(15))))
    stages = [Stage([sent]) for _ in range(3)]
    results = in_parallel([lambda s=s: services.read_calendar(row, s.fetcher) for s in stages])
    assert results == [None] * 3
    assert [start for start, _ in busy(teacher)] == [tomorrow_at(12), tomorrow_at(15)]


@pytest.mark.django_db(transaction=True)
def test_storing_waits_for_whoever_books_and_gives_up_unharmed(
    teacher: Instructor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R10: under the instructor's lock; the next read comes anyway."""
    from bookings.lessons import locks

    monkeypatch.setattr(locks, "LOCK_TIMEOUT", "50ms")
    row = connect(teacher)
    stage = Stage([answer(calendar(event(tomorrow_at(12))))] * 2)
    with booking_transaction(instructor_ids=[teacher.pk]):
        (result,) = in_parallel([lambda: services.read_calendar(row, stage.fetcher)])
        assert result is None
    assert busy(teacher) == []
    services.read_calendar(row, stage.fetcher)
    assert len(busy(teacher)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_read_that_finds_the_same_waits_for_nobody(teacher: Instructor) -> None:
    row = connect(teacher)
    stage = Stage([answer(calendar(event(tomorrow_at(12))))] * 2)
    services.read_calendar(row, stage.fetcher)
    ConnectedCalendar.objects.update(read_at=None)
    with booking_transaction(instructor_ids=[teacher.pk]):
        in_parallel([lambda: services.read_calendar(row, stage.fetcher)])
        row.refresh_from_db()
    assert row.read_at is not None


def test_a_calendar_that_was_disconnected_meanwhile_stays_away(teacher: Instructor) -> None:
    row = connect(teacher)
    disconnect_calendar(by=teacher.user, calendar_id=row.pk)
    stage = Stage([answer(calendar(event(tomorrow_at(12)))), answer(status="404 Not Found")])
    row.pk = row.pk or 1
    services.read_calendar(row, stage.fetcher)
    services.read_calendar(row, stage.fetcher)
    assert not BusyTime.objects.exists()


# --- One rule -------------------------------------------------------------------------------------
def test_busy_hours_offer_what_time_off_of_the_same_hours_offers() -> None:
    """R3: the two layers close the same starts, on every date around a change of clocks."""
    with time_machine.travel(datetime(2026, 10, 30, 12, tzinfo=UTC), tick=False):
        night = [(day, 0, 1440) for day in range(7)]
        one, other = (
            InstructorFactory(
                user=VerifiedUserFactory(role=Role.INSTRUCTOR),
                weekly=night,
                rules={"min_notice_minutes": 0, "slot_step_minutes": 15},
            )
            for _ in range(2)
        )
        first_on = datetime(2026, 10, 31, tzinfo=UTC).date()
        days = [first_on + number * DAY for number in range(3)]
        minutes = (23 * 60, 24 * 60), (45, 3 * 60 + 15)
        for first, last in minutes:
            hours.add_time_off(
                by=one.user, slug=one.slug, first_on=days[0], last_on=days[-1], window=(first, last)
            )
        connect(other)
        events = [
            f"DTSTART:{on:%Y%m%d}T{first // 60:02}{first % 60:02}00\n"
            + (
                f"DTEND:{on + DAY:%Y%m%d}T000000"
                if last == 1440
                else f"DTEND:{on:%Y%m%d}T{last // 60:02}{last % 60:02}00"
            )
            for on in days
            for first, last in minutes
        ]
        read(*events)
        found = []
        for teacher in (one, other):
            wanted = WantedLesson(
                offering=OfferingFactory(instructor=teacher), duration_minutes=60, modality="online"
            )
            facts = load_facts(wanted, first_on=days[0], last_on=days[-1], now=clock.now())
            found.append(rules.bookable_starts(facts, 60, days[0], days[-1], clock.now()))
    assert found[0] == found[1]
    assert found[0]


def test_the_same_busy_time_cannot_be_stored_twice(teacher: Instructor) -> None:
    from django.db import IntegrityError

    times = (tomorrow_at(12), tomorrow_at(13))
    with pytest.raises(IntegrityError, match="busy_time_starts_once"), transaction.atomic():
        keep_busy(teacher, times, times)
    with pytest.raises(IntegrityError, match="busy_time_ordered"), transaction.atomic():
        keep_busy(teacher, times[::-1])
