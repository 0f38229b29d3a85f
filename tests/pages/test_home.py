"""The homepage, signed out and signed in."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.roles import Role
from catalog.importer import import_catalog
from catalog.models import Service
from instainstru import clock
from instainstru.pages.home import available_today, greeting
from instainstru.pages.market import booked_lately, market_facts, popular_services
from instainstru.tasks import refresh_popular
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.catalog import (
    CategoryFactory,
    InstructorFactory,
    OfferingFactory,
    ServiceFactory,
)
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.django_db, pytest.mark.S9]

# Noon in New York, so that afternoons are still ahead.
NOON = datetime(2027, 2, 24, 17, tzinfo=UTC)


def test_signed_out_page_answers_what_who_and_how(client: Client) -> None:
    """S9.1."""
    import_catalog()
    html = client.get("/").content.decode()
    assert "If you live in New&nbsp;York" in html
    assert 'action="/search/"' in html
    assert html.count('class="tile"') == 9
    assert "How it works" in html
    assert "Good " not in html


def test_tiles_carry_true_counts_in_brand_order() -> None:
    """S9.1, 00 section 7."""
    import_catalog()
    Service.objects.filter(slug="oud").update(is_active=False)
    tiles = market_facts(clock.now()).tiles
    assert [tile.count for tile in tiles] == [77, 69, 78, 59, 61, 49, 44, 45, 69]
    assert tiles[0].note == "Piano, Jazz Piano and 75 more"


def test_examples_lead_to_real_result_pages(client: Client) -> None:
    """S9.1."""
    OfferingFactory(service=ServiceFactory(name="Piano"))
    html = client.get("/").content.decode()
    links = [part.split('"')[0] for part in html.split('class="chip chip-line" href="')[1:]]
    assert len(links) == 3
    for link in links:
        assert client.get(link.replace("&amp;", "&")).status_code == 200


def test_no_times_today_hide_the_rail(client: Client) -> None:
    """S9.1: only with three real times or more."""
    OfferingFactory(instructor__weekly=[])
    assert b"Available today" not in client.get("/").content


def test_rail_needs_three_times_and_shows_at_most_six_people() -> None:
    """S9.1: three times of one person are enough, two are not."""
    wednesday = 2
    with time_machine.travel(NOON, tick=False):
        OfferingFactory(instructor__weekly=[(wednesday, 15 * 60, 16 * 60 + 30)])
        assert available_today(NOON) == []
        OfferingFactory(instructor__weekly=[(wednesday, 15 * 60, 16 * 60)])
        assert len(available_today(NOON)) == 2
        for _ in range(7):
            OfferingFactory()
        rail = available_today(NOON)
    assert len(rail) == 6
    assert all(1 <= len(starts) <= 3 for _, starts in rail)


def test_rail_mixes_categories_and_leaves_out_the_unchecked() -> None:
    """S8.7, S10.1: nobody whose check is too old."""
    with time_machine.travel(NOON, tick=False):
        music, arts = CategoryFactory(name="Music"), CategoryFactory(name="Arts")
        for _ in range(6):
            OfferingFactory(service=ServiceFactory(category=music))
        drawing = OfferingFactory(service=ServiceFactory(name="Drawing", category=arts))
        old = OfferingFactory(
            instructor__background_checked_on=datetime(2024, 1, 1, tzinfo=UTC).date()
        )
        offers = [offer for offer, _ in available_today(NOON)]
    assert drawing in offers[:2]
    assert old not in offers


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        (4, "Good evening"), (5, "Good morning"), (11, "Good morning"), (12, "Good afternoon"),
        (16, "Good afternoon"), (17, "Good evening"), (23, "Good evening"),
    ],
)  # fmt: skip
def test_greeting_follows_the_clock_of_new_york(hour: int, words: str) -> None:
    """S9.2."""
    from instainstru.clock import NEW_YORK

    assert greeting(datetime(2027, 7, 1, hour, tzinfo=NEW_YORK)) == words


def test_signed_in_page_shows_the_next_lesson_and_open_holds(client: Client) -> None:
    """S9.2."""
    booking = BookingFactory(student=student(), start_at=tomorrow_at(11, days=3))
    HoldFactory(student=booking.student, start_at=tomorrow_at(15))
    client.force_login(booking.student)
    response = client.get("/")
    html = response.content.decode()
    assert "Next lesson" in html
    assert booking.code in html
    assert "Needs you" in html
    assert "no-store" in response["Cache-Control"]


def test_staff_see_what_there_is_and_no_lessons_of_their_own(client: Client) -> None:
    """S5.2: nothing on the page leads where they may not go."""
    client.force_login(VerifiedUserFactory(role=Role.ANALYST))
    html = client.get("/").content.decode()
    assert "/lessons/" not in html
    assert "/preferences/" not in html


def test_two_people_never_see_each_others_data(client: Client) -> None:
    """S9.3."""
    booking = BookingFactory(student=student())
    client.force_login(booking.student)
    assert booking.code in client.get("/").content.decode()
    client.force_login(student(first_name="Noor"))
    html = client.get("/").content.decode()
    assert booking.code not in html
    assert "Next lesson" not in html
    assert "Noor" in html


@pytest.mark.parametrize("rows", [1, 3])
def test_query_budget_signed_out(
    client: Client, django_assert_max_num_queries: Any, rows: int
) -> None:
    """S9.1 allows eight queries; our own budget is five, and 60 KB."""
    for _ in range(rows):
        BookingFactory(offering=OfferingFactory(instructor=InstructorFactory()))
    refresh_popular()
    with django_assert_max_num_queries(5):
        answer = client.get("/")
    assert answer.status_code == 200
    assert len(answer.content) < 60_000
    assert b"csrfmiddlewaretoken" not in answer.content
    assert not answer.cookies


def test_popular_services_are_those_booked_most_lately(client: Client) -> None:
    """S9.1: by lessons of the last 30 days while nothing records searches."""
    piano, oud = (OfferingFactory(service=ServiceFactory(name=name)) for name in ("Piano", "Oud"))
    for days in (1, 2):
        BookingFactory(offering=oud, start_at=tomorrow_at(9, days=days))
    BookingFactory(offering=piano)
    long_ago = clock.now() - timedelta(days=31)
    BookingFactory(
        offering=OfferingFactory(service=ServiceFactory(name="Lute")), confirmed_at=long_ago
    )
    html = client.get("/").content.decode()
    chips = html.split('id="popular"')[1].split("</section>")[0]
    assert chips.index(">Oud<") < chips.index(">Piano<")
    assert "Lute" not in chips


def test_what_is_popular_is_counted_again_by_the_job(client: Client) -> None:
    """S9.1: a month of lessons is too much to count for every page."""
    offer, now = OfferingFactory(service=ServiceFactory(name="Oud")), clock.now()
    borough = offer.instructor.base_neighborhood.borough
    assert (booked_lately(borough, now), popular_services(now)) == ({}, ())
    BookingFactory(offering=offer)
    assert (booked_lately(borough, now), popular_services(now)) == ({}, ())
    refresh_popular()
    assert booked_lately(borough, now) == {offer.pk: 1}
    assert [service.name for service in popular_services(now)] == ["Oud"]
    assert ">Oud<" in client.get("/").content.decode().split('id="popular"')[1]


def _fail(*_: Any) -> None:
    raise RuntimeError("broken")


def test_a_section_that_fails_leaves_the_rest(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """G11."""
    monkeypatch.setattr("instainstru.pages.home.available_today", _fail)
    monkeypatch.setattr("instainstru.pages.home.market_facts", _fail)
    answer = client.get("/")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert html.count("load this.") == 2
    assert "How it works" in html
