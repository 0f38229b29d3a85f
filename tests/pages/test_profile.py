"""The public profile: states, panel, times, budgets."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog.models import Instructor, Modality
from tests.factories.accounts import UserFactory
from tests.factories.catalog import (
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    ServiceFactory,
)
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.django_db, pytest.mark.S10]

HTMX = {"HX-Request": "true"}


def page_of(person: Instructor) -> str:
    return reverse("instructor-profile", args=[person.slug])


def test_live_profile_shows_who_what_where_and_for_how_much(client: Client) -> None:
    """S10.1, S10.2: prices per duration, area, checks with dates, and no invented rating."""
    offering = OfferingFactory(materials_note="A keyboard is enough.")
    html = client.get(page_of(offering.instructor)).content.decode()
    for words in (
        "Maya C.",
        "60&nbsp;min&nbsp;$85",
        "Park Slope",
        "Background checked",
        "keyboard",
    ):
        assert words in html
    assert "New on InstaInstru" in html
    assert offering.instructor.studio_address not in html
    assert offering.instructor.online_link not in html
    assert "Cohen" not in html


@pytest.mark.parametrize(
    ("status", "expected"),
    [("live", 200), ("paused", 200), ("draft", 404), ("suspended", 404), ("closed", 410)],
)
def test_states_answer_as_specified(client: Client, status: str, expected: int) -> None:
    """S10.3."""
    offering = OfferingFactory(instructor__status=status)
    assert client.get(page_of(offering.instructor)).status_code == expected


def test_unknown_slug_is_404(client: Client) -> None:
    assert client.get("/i/nobody-x/").status_code == 404


def test_owner_previews_a_draft_and_nobody_else_does(client: Client) -> None:
    """S10.3."""
    person = OfferingFactory(instructor__status="draft").instructor
    client.force_login(UserFactory())
    assert client.get(page_of(person)).status_code == 404
    client.force_login(person.user)
    response = client.get(page_of(person))
    assert response.status_code == 200
    assert b"Only you can see this page" in response.content
    person.status = "suspended"
    person.save()
    assert client.get(page_of(person)).status_code == 404


def test_own_profile_has_no_booking_controls(client: Client) -> None:
    """S10.5."""
    person = OfferingFactory().instructor
    client.force_login(person.user)
    html = client.get(page_of(person)).content.decode()
    assert "This is how students see you" in html
    assert "Choose a time" not in html


def test_paused_profile_cannot_be_booked_and_names_others(client: Client) -> None:
    """S10.3, S15.11."""
    offering = OfferingFactory(instructor__status="paused")
    other = OfferingFactory(service=offering.service)
    html = client.get(page_of(offering.instructor)).content.decode()
    assert "isn&#x27;t taking bookings" in html or "isn't taking bookings" in html
    assert page_of(other.instructor) in html
    assert reverse("lessons:times", args=[offering.instructor.slug]) not in html


def test_panel_is_a_get_form_that_keeps_the_search(client: Client) -> None:
    """S10.4."""
    person = InstructorFactory()
    OfferingFactory(instructor=person, service=ServiceFactory(name="Piano"))
    OfferingFactory(
        instructor=person,
        service=ServiceFactory(name="Organ"),
        modalities=[Modality.ONLINE],
        prices={30: 4000, 45: 5000},
    )
    query = {"service": "organ", "duration": "45", "place": "online", "date": "2030-01-02"}
    html = client.get(page_of(person), query).content.decode()
    assert f'action="{reverse("lessons:times", args=[person.slug])}"' in html
    assert '<option value="organ" selected>' in html
    assert '<option value="45" selected>' in html
    assert 'name="date" value="2030-01-02"' in html


@pytest.mark.parametrize(
    "query",
    [
        {"service": "'; DROP TABLE", "duration": "-1", "place": "moon", "date": "2026-02-31"},
        {"service": "x" * 9000, "duration": "9" * 500, "date": "0000-00-00", "start": "\x00"},
        {"duration": "٣٠", "date": "🎹", "place": "\u202e"},
    ],
)
def test_nonsense_in_the_address_is_ignored_with_a_notice(
    client: Client, query: dict[str, str]
) -> None:
    """S10.4: never 500."""
    person = OfferingFactory().instructor
    response = client.get(page_of(person), query)
    assert response.status_code == 200
    assert "ignored" in response.content.decode() or "on offer" in response.content.decode()


def test_panel_alone_for_htmx(client: Client) -> None:
    """G1: one URL, two renderings; the days follow the chosen length."""
    person = OfferingFactory().instructor
    html = client.get(page_of(person), {"duration": "30"}, headers=HTMX).content.decode()
    assert "<html" not in html
    assert '<option value="30" selected>' in html
    assert 'hx-swap-oob="true"' in html
    assert "30 minutes" in html


def test_shown_times_are_bookable_and_taken_ones_are_gone(client: Client) -> None:
    """00 section 3: a shown time is bookable."""
    offering = OfferingFactory()
    start = tomorrow_at(9)
    query = {"date": f"{start.astimezone():%Y-%m-%d}", "duration": "60"}
    value = f"start={start:%Y-%m-%dT%H}%3A00%3A00Z"
    assert value in client.get(page_of(offering.instructor), query).content.decode()
    BookingFactory(offering=offering, start_at=start)
    assert value not in client.get(page_of(offering.instructor), query).content.decode()


def test_profile_query_budget_does_not_grow_with_rows(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    """Performance D6: nine on a miss, five of them the calendar; stored pages need none."""
    small = OfferingFactory().instructor
    large = InstructorFactory(serves=[NeighborhoodFactory(name=f"Area {n}") for n in range(6)])
    for number in range(4):
        OfferingFactory(instructor=large, service=ServiceFactory(name=f"Subject {number}"))
    for person in (small, large):
        with django_assert_max_num_queries(9):
            assert client.get(page_of(person)).status_code == 200


def test_signed_in_profile_is_private(client: Client) -> None:
    """S9.3."""
    person = OfferingFactory().instructor
    assert "private" not in client.get(page_of(person)).headers.get("Cache-Control", "")
    client.force_login(UserFactory())
    assert "no-store" in client.get(page_of(person))["Cache-Control"]
