"""The pages of a weekly series, with and without scripts (Spec: R19, S12.5, S13.1, S13.3)."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from accounts.models import User
from bookings.lessons.models import Booking
from catalog.models import Offering
from instainstru import clock
from tests.bookings.lessons.stage import hold_form, pay_form, self_learner, slot_value
from tests.factories.accounts import LearnerFactory, student
from tests.factories.catalog import InstructorFactory, OfferingFactory, ServiceFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S12, pytest.mark.S13, pytest.mark.django_db]
# A start whose next weeks have no holiday, whatever day the tests run.
NOON = 12


@pytest.fixture(autouse=True)
def _no_holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bookings.lessons.series_dates.holiday_on", lambda _on: "")


@pytest.fixture
def offering() -> Offering:
    made: Offering = OfferingFactory()
    return made


@pytest.fixture
def maya() -> User:
    return student()


@pytest.fixture
def signed_in(maya: User) -> Client:
    client = Client()
    client.force_login(maya)
    return client


def times_of(offering: Offering) -> str:
    return f"/i/{offering.instructor.slug}/book/"


def address(offering: Offering) -> str:
    return f"{times_of(offering)}weekly/"


def asked(offering: Offering, weeks: int = 4, **changes: Any) -> dict[str, Any]:
    return {**hold_form(offering, tomorrow_at(NOON, days=2)), "weeks": str(weeks), **changes}


def weeks_on(week: int) -> Any:
    return tomorrow_at(NOON, days=2 + 7 * week)


def test_repeating_a_time_shows_its_dates_and_holds_nothing(
    client: Client, offering: Offering
) -> None:
    """S12.5: the choice of the time page leads to the dates."""
    answer = client.post(times_of(offering), asked(offering))
    assert answer.status_code == 303
    where = urlsplit(answer["Location"])
    assert where.path == address(offering)
    assert parse_qs(where.query)["weeks"] == ["4"]
    page = client.get(answer["Location"]).content.decode()
    assert page.count('<fieldset class="field" id="d') == 4
    assert page.count("Open</span>") == 4
    assert "4 lessons, $340.00" in page
    assert not Booking.objects.exists()


def test_long_names_lead_to_the_dates_too(client: Client) -> None:
    """R14: what is remembered of a keyed form has room for 200 characters of an address."""
    service = ServiceFactory(name="Long", slug="s" * 120)
    made = OfferingFactory(service=service, instructor=InstructorFactory(slug="i" * 50))
    form = asked(made, idempotency_key="a-key")
    answer = client.post(times_of(made), form)
    assert answer.status_code == 303
    assert client.get(answer["Location"]).status_code == 200


def test_once_is_held_as_before(client: Client, offering: Offering) -> None:
    """S12.4"""
    answer = client.post(times_of(offering), asked(offering, weeks=1))
    assert answer["Location"].startswith("/book/")
    assert Booking.objects.get().series is None


def test_a_taken_date_offers_skip_or_another_time(client: Client, offering: Offering) -> None:
    """R19"""
    BookingFactory(offering=offering, start_at=weeks_on(1))
    page = client.get(address(offering), asked(offering)).content.decode()
    assert "3 lessons, $255.00" in page
    second = page.split('id="d2"')[1].split("</fieldset>")[0]
    assert "Not free" in second
    assert "Not available." in second
    assert second.count("instead") == 3
    assert 'value="book"' not in second
    assert re.search(r'value="skip"[^>]* checked', second)


def test_the_total_follows_the_choice_without_holding(client: Client, offering: Offering) -> None:
    """R19: without scripts by a button, with them as a fragment."""
    form = asked(offering, d2="skip", count="1")
    page = client.post(address(offering), form).content.decode()
    assert "3 lessons, $255.00" in page
    assert "<html" in page
    part = client.post(address(offering), form, headers={"HX-Request": "true"}).content.decode()
    assert "3 lessons, $255.00" in part
    assert "<html" not in part
    assert "<fieldset" not in part
    assert not Booking.objects.exists()


def test_the_chosen_dates_are_held_paid_and_booked(
    signed_in: Client, maya: User, offering: Offering
) -> None:
    """R19: one hold, one payment, then lesson by lesson."""
    BookingFactory(offering=offering, start_at=weeks_on(1))
    pick = weeks_on(1) + timedelta(hours=2)
    form = asked(offering, d1="book", d2=slot_value(pick), d3="skip", d4="book")
    answer = signed_in.post(address(offering), form)
    assert answer.status_code == 302
    held = Booking.objects.filter(status="held").order_by("pk")
    assert [row.start_at for row in held] == [weeks_on(0), pick, weeks_on(3)]
    page = signed_in.get(answer["Location"]).content.decode()
    assert "3 lessons, 60 min" in page
    assert "$255.00" in page
    assert "Release these times" in page
    upcoming = signed_in.get("/lessons/").content.decode()
    assert upcoming.count("Held for you") == 1
    hold = held[0]
    paid = signed_in.post(f"/book/{hold.hold_id}/pay/", pay_form(hold))
    done = signed_in.get(paid["Location"]).content.decode()
    assert "3 lessons" in done
    assert "$255.00 charged to" in done
    assert "Make it weekly" not in done
    first = Booking.objects.filter(series=hold.series).order_by("pk")[0]
    file = signed_in.get(f"/lessons/{first.code}/lesson.ics", {"all": "1"}).content.decode()
    assert file.count("BEGIN:VEVENT") == 3
    assert "METHOD:PUBLISH" in file
    upcoming = signed_in.get("/lessons/").content.decode()
    for lesson in Booking.objects.filter(series=hold.series):
        assert f"/lessons/{lesson.code}/" in upcoming
        assert lesson.status == "confirmed"
        assert f"/lessons/{lesson.code}/" in done
        detail = signed_in.get(f"/lessons/{lesson.code}/").content.decode()
        assert "Part of a weekly series" in detail
        receipt = signed_in.get(f"/lessons/{lesson.code}/receipt/").content.decode()
        assert "$85.00" in receipt


def test_a_date_taken_meanwhile_holds_nothing_and_says_so(
    client: Client, offering: Offering
) -> None:
    """G3, R12: 409 with the dates as they stand now; the other choices are kept."""
    BookingFactory(offering=offering, start_at=weeks_on(1))
    form = asked(offering, d1="book", d2="book", d3="skip", d4="book")
    answer = client.post(address(offering), form)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "not available any more. Nothing is held." in page
    assert re.search(r'name="d3" value="skip"[^>]* checked', page)
    assert "2 lessons, $170.00" in page
    assert not Booking.objects.filter(status="held").exists()


def test_one_date_is_no_series(client: Client, offering: Offering) -> None:
    """R19, G2"""
    form = asked(offering, 2, d1="book", d2="skip")
    answer = client.post(address(offering), form)
    assert answer.status_code == 422
    assert "Choose from 2 to 12 lessons." in answer.content.decode()
    assert not Booking.objects.exists()


def test_a_double_click_holds_one_series(client: Client, offering: Offering) -> None:
    """R14"""
    client.get(times_of(offering))
    form = asked(offering, idempotency_key="one-key", d1="book", d2="book")
    first = client.post(address(offering), form)
    second = client.post(address(offering), form)
    assert first["Location"] == second["Location"]
    assert Booking.objects.count() == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"start": ""},
        {"start": "yesterday"},
        {"weeks": "99999999"},
        {"weeks": "-3"},
        {"weeks": "\u0661\u0662"},
        {"d1": "\x00", "d2": "2026-13-13T00:00:00Z", "d99": "book"},
        {"start": "2100-12-31T23:00:00Z", "weeks": "12"},
        {"start": "2020-01-01T00:00:00Z"},
        {"service": "<b>", "duration": "x", "place": "moon", "learner": "\x00"},
    ],
)
def test_nonsense_breaks_nothing(
    client: Client, offering: Offering, changes: dict[str, str]
) -> None:
    """S10.4"""
    form = asked(offering) | changes
    assert client.get(address(offering), form).status_code in {200, 302}
    assert client.post(address(offering), form).status_code in {302, 409, 422}


def test_done_page_offers_the_weeks_after(signed_in: Client, maya: User) -> None:
    """S13.3: "Make it weekly?" begins a week later at the same wall time."""
    lesson = BookingFactory(
        student=maya, learner=self_learner(maya), start_at=tomorrow_at(NOON, days=2)
    )
    done = signed_in.get(f"/lessons/{lesson.code}/confirmed/").content.decode()
    found = re.search(r'href="([^"]+/weekly/[^"]+)"', done)
    assert found
    query = parse_qs(urlsplit(found[1].replace("&amp;", "&")).query)
    assert query["start"] == [slot_value(weeks_on(1))]
    assert query["learner"] == [lesson.learner.public_id]
    page = signed_in.get(found[1].replace("&amp;", "&"))
    assert page.status_code == 200
    assert "4 lessons" in page.content.decode()


def test_a_lapsed_series_leads_back_to_its_dates(signed_in: Client, offering: Offering) -> None:
    """S13.2"""
    answer = signed_in.post(address(offering), asked(offering))
    Booking.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    page = signed_in.get(answer["Location"]).content.decode()
    assert "The times are still free" in page
    Booking.objects.update(status="expired")
    BookingFactory(offering=offering, start_at=weeks_on(2))
    page = signed_in.get(answer["Location"]).content.decode()
    assert "one of these times" in page
    found = re.search(r'href="([^"]+/weekly/[^"]+)"', page)
    assert found
    again = signed_in.get(found[1].replace("&amp;", "&")).content.decode()
    assert "3 lessons" in again


def test_a_learner_keeps_being_the_one_chosen(signed_in: Client, maya: User) -> None:
    """R7, S12.1"""
    offering = OfferingFactory()
    leo = LearnerFactory(manager=maya, name="Leo", birth_year=2010)
    form = asked(offering, learner=leo.public_id)
    where = signed_in.post(times_of(offering), form)["Location"]
    assert leo.public_id in where
    signed_in.post(address(offering), form)
    assert set(Booking.objects.values_list("learner", flat=True)) == {leo.pk}


def test_somebody_elses_learner_is_nobody(signed_in: Client, offering: Offering) -> None:
    """G5"""
    other = LearnerFactory(manager=student(), name="Noa")
    signed_in.post(address(offering), asked(offering, learner=other.public_id))
    assert not Booking.objects.filter(learner=other).exists()


def test_paused_instructor_leads_to_the_profile(client: Client) -> None:
    """S10.6"""
    offering = OfferingFactory(instructor=InstructorFactory(status="paused"))
    answer = client.get(address(offering), asked(offering))
    assert answer["Location"] == f"/i/{offering.instructor.slug}/"
    part = client.post(
        address(offering), asked(offering, count="1"), headers={"HX-Request": "true"}
    )
    assert part["HX-Redirect"] == f"/i/{offering.instructor.slug}/"
