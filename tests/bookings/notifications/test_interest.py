"""Mail to people who wait, and what people send us."""

import re
from datetime import timedelta
from typing import Any

import pytest

from bookings.notifications.interest import (
    offer_to_teach,
    report_profile,
    send_contact_message,
    write_to_waiting,
)
from bookings.notifications.models import ContactMessage, OutgoingMail
from catalog.interest import find_waiting, join_waitlist, request_alert, request_return
from catalog.models import Instructor, ReturnAlert, ServiceAlert, TeachingInterest, WaitlistEntry
from instainstru.celery import SCHEDULE
from tests.factories.catalog import (
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    ServiceFactory,
    expired_check_on,
)

pytestmark = [pytest.mark.django_db]


@pytest.mark.S7
def test_the_first_live_instructor_brings_one_mail_with_a_way_out() -> None:
    """S7.5."""
    oud = ServiceFactory(name="Oud")
    request_alert(email="maya@example.com", service=oud)
    assert write_to_waiting() == 0
    offer = OfferingFactory(service=oud, instructor__status="submitted")
    assert write_to_waiting() == 0
    Instructor.objects.filter(pk=offer.instructor_id).update(status="live")
    assert write_to_waiting() == 1
    assert write_to_waiting() == 0
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.kind) == ("maya@example.com", "service_alert")
    assert "/services/music/oud/" in mail.text
    token = re.search(r"/mail/stop/([\w-]+)/", mail.text)
    assert token is not None
    assert find_waiting(token[1]) == ServiceAlert.objects.get()
    assert token[1] not in ServiceAlert.objects.get().removal_hash


@pytest.mark.S7
def test_nobody_with_an_expired_check_counts() -> None:
    """S8.7."""
    oud = ServiceFactory(name="Oud")
    request_alert(email="maya@example.com", service=oud)
    OfferingFactory(service=oud, instructor__background_checked_on=expired_check_on())
    assert write_to_waiting() == 0


@pytest.mark.S7
def test_the_job_runs_well_within_fifteen_minutes() -> None:
    """S7.5."""
    task, every = SCHEDULE["write-to-waiting"]
    assert task == "notifications.write_to_waiting"
    assert every <= timedelta(minutes=5)


@pytest.mark.S9
def test_a_served_neighborhood_brings_one_mail() -> None:
    """S9.4."""
    place = NeighborhoodFactory(name="Red Hook")
    join_waitlist(email="maya@example.com", neighborhood=place)
    InstructorFactory(status="paused", serves=[place])
    assert write_to_waiting() == 0
    InstructorFactory(serves=[place])
    assert write_to_waiting() == 1
    assert write_to_waiting() == 0
    assert "Red Hook" in OutgoingMail.objects.get().subject
    assert WaitlistEntry.objects.get().notified_at is not None


@pytest.mark.S10
def test_a_paused_instructor_who_is_back_brings_one_mail_each_time() -> None:
    """S10.3."""
    offer = OfferingFactory(instructor__status="paused")
    person = offer.instructor
    request_return(email="maya@example.com", instructor=person)
    assert write_to_waiting() == 0
    Instructor.objects.filter(pk=person.pk).update(status="live")
    assert [write_to_waiting(), write_to_waiting()] == [1, 0]
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.kind) == ("maya@example.com", "return_alert")
    assert f"/i/{person.slug}/" in mail.text
    token = re.search(r"/mail/stop/([\w-]+)/", mail.text)
    assert token is not None
    assert find_waiting(token[1]) == ReturnAlert.objects.get()
    Instructor.objects.filter(pk=person.pk).update(status="paused")
    person.refresh_from_db()
    request_return(email="Maya@example.com", instructor=person)
    assert write_to_waiting() == 0
    Instructor.objects.filter(pk=person.pk).update(status="live")
    assert write_to_waiting() == 1


@pytest.mark.S10
@pytest.mark.parametrize("fields", [{"background_checked_on": expired_check_on()}, {}])
def test_nobody_is_called_back_who_cannot_be_booked(fields: dict[str, Any]) -> None:
    """S8.7: an expired check, nothing on offer."""
    person = InstructorFactory(**fields)
    if fields:
        OfferingFactory(instructor=person)
    request_return(email="maya@example.com", instructor=person)
    assert write_to_waiting() == 0


@pytest.mark.S10
@pytest.mark.parametrize(("kind", "mails"), [("safety", 1), ("misleading", 0)])
def test_a_report_about_safety_reaches_support_at_once(kind: str, mails: int) -> None:
    """S10.5."""
    text = "Somebody else came <b>to our door</b>."
    report = report_profile(by=None, instructor=InstructorFactory(), kind=kind, text=text)
    assert OutgoingMail.objects.count() == mails
    for mail in OutgoingMail.objects.all():
        assert report.public_id in mail.subject
        assert "Urgent" in mail.subject
        assert text in mail.text
        assert "<b>to our" not in mail.html


def test_many_are_written_to_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bookings.notifications.interest.BATCH_SIZE", 2)
    place = NeighborhoodFactory()
    for number in range(5):
        join_waitlist(email=f"p{number}@example.com", neighborhood=place)
    InstructorFactory(serves=[place])
    assert write_to_waiting() == 5
    assert OutgoingMail.objects.count() == 5


def test_a_wish_to_teach_is_stored_and_confirmed_once() -> None:
    place = NeighborhoodFactory()
    for teaches in ("Oud", "oud"):
        offer_to_teach(
            email="Maya@example.com", first_name="Maya", teaches=teaches, neighborhood=place
        )
    assert TeachingInterest.objects.get().email == "maya@example.com"
    assert OutgoingMail.objects.get().to == "maya@example.com"


def test_a_message_is_stored_and_reaches_support(settings: object) -> None:
    settings.SUPPORT_EMAIL = "support@example.com"  # type: ignore[attr-defined]
    send_contact_message(name="Maya", email="m@example.com", topic="lesson", text="<b>Hello</b>")
    mail = OutgoingMail.objects.get()
    assert mail.to == "support@example.com"
    assert "<b>Hello</b>" in mail.text
    assert "<b>Hello</b>" not in mail.html
    assert ContactMessage.objects.get().public_id in mail.subject
