"""Reporting a profile."""

import pytest
from django.core.cache import cache
from django.test import Client

from catalog.models import ProfileReport
from tests.factories.accounts import student
from tests.factories.catalog import InstructorFactory, OfferingFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S10]
TEXT = "The profile says 12 years, the lesson was the first."


@pytest.fixture(autouse=True)
def fresh_windows() -> None:
    """Forget the uses that other tests counted."""
    cache.delete_pattern("rate:*")


def test_a_guest_reports_and_is_thanked(client: Client) -> None:
    """S10.5, G1: the profile leads there, the result survives a reload."""
    person = OfferingFactory().instructor
    address = f"/i/{person.slug}/report/"
    assert address in client.get(f"/i/{person.slug}/").content.decode()
    data = {"kind": "misleading", "text": TEXT, "email": "noor@example.com"}
    answer = client.post(address, data, follow=True)
    assert answer.redirect_chain == [(f"{address}?sent=1", 302)]
    assert "Thank you" in answer.content.decode()
    report = ProfileReport.objects.get()
    assert (report.instructor, report.kind, report.text) == (person, "misleading", TEXT)
    assert (report.reporter, report.email) == (None, "noor@example.com")


def test_a_person_signed_in_is_known(client: Client) -> None:
    user = student()
    client.force_login(user)
    address = f"/i/{InstructorFactory().slug}/report/"
    assert 'name="email"' not in client.get(address).content.decode()
    client.post(address, {"kind": "safety", "text": TEXT, "email": "other@example.com"})
    report = ProfileReport.objects.get()
    assert (report.reporter, report.email) == (user, "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": ""},
        {"kind": "envy"},
        {"text": ""},
        {"text": "Too short to act on"},
        {"text": " " * 40},
        {"text": "a" * 2001},
        {"text": "\x00" * 30},
        {"email": "noor@"},
    ],
)
def test_bad_input_is_422_and_kept(client: Client, wrong: dict[str, str]) -> None:
    """S10.5, G2."""
    data = {"kind": "other", "text": TEXT, "email": "noor@example.com"} | wrong
    answer = client.post(f"/i/{InstructorFactory().slug}/report/", data)
    assert answer.status_code == 422
    html = answer.content.decode()
    assert 'role="alert"' in html
    assert not ProfileReport.objects.exists()
    if "text" not in wrong:
        assert TEXT in html


@pytest.mark.parametrize(("status", "expected"), [("paused", 200), ("draft", 404), ("closed", 404)])
def test_only_public_profiles_are_reported(client: Client, status: str, expected: int) -> None:
    """S10.3."""
    address = f"/i/{InstructorFactory(status=status).slug}/report/"
    assert client.get(address).status_code == expected


def test_nobody_reports_their_own_profile(client: Client) -> None:
    """S10.5."""
    person = OfferingFactory().instructor
    client.force_login(person.user)
    assert "/report/" not in client.get(f"/i/{person.slug}/").content.decode()
    answer = client.post(f"/i/{person.slug}/report/", {"kind": "other", "text": TEXT})
    assert answer.status_code == 409


def test_the_21st_report_of_a_day_waits(client: Client) -> None:
    """S17.4."""
    address = f"/i/{InstructorFactory().slug}/report/"
    client.force_login(student())
    answers = [client.post(address, {"kind": "other", "text": TEXT}) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [302] * 20 + [429]
