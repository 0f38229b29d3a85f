"""Private calendar feeds (Spec: S11.7, S15.14, D17)."""

from datetime import timedelta

import icalendar
import pytest
from django.test import Client

from bookings.lessons.cancellation import cancel_as_instructor
from bookings.lessons.models import CalendarFeed
from bookings.lessons.reports import accept_report, report_lesson
from instainstru import clock
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.S11, pytest.mark.django_db]


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def browser(person: object) -> Client:
    client = Client()
    client.force_login(person)  # type: ignore[arg-type]
    return client


def address_of(client: Client) -> str:
    page = client.post("/account/calendar/", {"what": "make"})
    assert page.status_code == 200
    return str(page.context["address"]).removeprefix("http://localhost:8000")


def events(client: Client, address: str) -> list[icalendar.Event]:
    answer = client.get(address[address.index("/calendar/") :])
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/calendar")
    assert "no-store" in answer["Cache-Control"]
    return list(icalendar.Calendar.from_ical(answer.content).walk("VEVENT"))


def test_both_sides_see_their_lessons_with_first_names_and_no_address(stage: Stage) -> None:
    HoldFactory(student=stage.maya, offering=stage.lesson.offering, start_at=tomorrow_at(15))
    BookingFactory(start_at=tomorrow_at(12))
    for person, other in ((stage.maya, "Andre"), (stage.andre, "Maya")):
        (event,) = events(Client(), address_of(browser(person)))
        assert str(event["summary"]).endswith(f"with {other}")
        assert event["uid"] == f"booking-{stage.lesson.ics_uid}@instainstru.com"
        assert event["dtstart"].dt == stage.lesson.start_at
        assert "Carroll" not in event.to_ical().decode()
        assert "Cohen" not in event.to_ical().decode()


def test_cancelled_lessons_stay_for_thirty_days_as_cancelled(stage: Stage) -> None:
    """D17"""
    address = address_of(browser(stage.maya))
    cancel_as_instructor(by=stage.andre, code=stage.code, reason="I am ill today, I am sorry.")
    (event,) = events(Client(), address)
    assert (event["status"], event["sequence"]) == ("CANCELLED", 1)
    BookingFactory(
        student=stage.maya, status="completed", start_at=clock.now() - timedelta(days=31)
    )
    assert len(events(Client(), address)) == 1


def test_a_missed_lesson_was_not_canceled(stage: Stage) -> None:
    """D17: calendar programs ignore another status without another sequence."""
    end = stage.lesson.end_at
    report_lesson(
        by=stage.andre, code=stage.code, kind="student_no_show", now=end,
        statement="I waited at the door for half an hour.",
    )  # fmt: skip
    accept_report(by=stage.maya, code=stage.code, now=end)
    assert stage.fresh().status == "no_show_student"
    (event,) = events(Client(), address_of(browser(stage.maya)))
    assert (event["status"], event["sequence"]) == ("CONFIRMED", 0)


def test_new_address_ends_the_old_one_and_revoking_ends_both(stage: Stage) -> None:
    """S15.14: at once; unknown, old and revoked ones do not exist."""
    client = browser(stage.maya)
    old = address_of(client)
    new = address_of(client)
    assert Client().get(old[old.index("/calendar/") :]).status_code == 404
    assert events(Client(), new)
    client.post("/account/calendar/", {"what": "revoke"})
    assert Client().get(new[new.index("/calendar/") :]).status_code == 404
    assert Client().get("/calendar/guess.ics").status_code == 404
    assert not CalendarFeed.objects.exists()


def test_token_is_long_kept_as_a_digest_and_dies_with_the_account(stage: Stage) -> None:
    address = address_of(browser(stage.maya))
    token = address.rsplit("/", 1)[1].removesuffix(".ics")
    assert len(token) >= 43
    assert token not in str(CalendarFeed.objects.values().get())
    stage.maya.is_active = False
    stage.maya.save()
    assert Client().get(f"/calendar/{token}.ics").status_code == 404
