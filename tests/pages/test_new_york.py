"""Where lessons can be booked today, and the map that shows it."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.core.cache import cache
from django.template.loader import render_to_string
from django.test import Client

from catalog.city_map import coverage_map, matches_map
from instainstru.pages.new_york import open_places, refresh_open_places
from instainstru.tasks import refresh_open_places as job
from tests.factories.catalog import NeighborhoodFactory, OfferingFactory
from tests.factories.lessons import BookingFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S9]

# Wednesday noon in New York.
NOON = datetime(2027, 2, 24, 17, tzinfo=UTC)
WEDNESDAY, THURSDAY = 2, 3


@pytest.fixture(autouse=True)
def _noon() -> Any:
    cache.clear()
    with time_machine.travel(NOON, tick=False):
        yield
    cache.clear()


def offer_in(name: str, **values: Any) -> Any:
    return OfferingFactory(
        instructor__base_neighborhood=NeighborhoodFactory(name=name),
        **{f"instructor__{key}": value for key, value in values.items()},
    )


def test_places_with_times_left_today_are_open() -> None:
    """S9.1: hours that are over, other days and full days do not count."""
    offer_in("SoHo")
    offer_in("Inwood", weekly=[(THURSDAY, 9 * 60, 20 * 60)])
    offer_in("Astoria", weekly=[(WEDNESDAY, 8 * 60, 11 * 60)])
    full = offer_in("Tribeca", weekly=[(WEDNESDAY, 15 * 60, 16 * 60)])
    BookingFactory(offering=full, start_at=datetime(2027, 2, 24, 20, tzinfo=UTC))
    assert refresh_open_places(NOON) == 1
    assert open_places(NOON) == ["SoHo"]


def test_nobody_unbookable_lights_a_place() -> None:
    """S8.7, S10.1."""
    offer_in("SoHo", status="paused")
    offer_in("Inwood", background_checked_on=datetime(2024, 1, 1, tzinfo=UTC).date())
    assert refresh_open_places(NOON) == 0
    assert open_places(NOON) == []


def test_yesterdays_places_are_not_todays() -> None:
    refresh_open_places(NOON)
    assert open_places(NOON.replace(day=25)) is None


@pytest.mark.parametrize("rows", [1, 3])
def test_the_job_asks_as_often_for_many(django_assert_max_num_queries: Any, rows: int) -> None:
    for number in range(rows):
        offer_in(f"Place {number}")
    with django_assert_max_num_queries(8):
        assert job() == rows


def test_home_lights_the_rail_until_the_job_has_run(client: Client) -> None:
    """S9.1: no number is claimed before everybody was looked at."""
    offer_in("SoHo")
    html = client.get("/").content.decode()
    assert html.count('class="map-lit"') == 1
    assert "new-york.svg#soho" in html
    assert "Open times today</p>" in html
    job()
    assert "Open times today in 1 neighborhood</p>" in client.get("/").content.decode()


def test_home_without_times_says_nothing_about_today(client: Client) -> None:
    html = client.get("/").content.decode()
    assert "new-york.svg#land" in html
    assert "map-lit" not in html
    assert "Open times today" not in html


def test_map_of_matches_and_its_list_are_the_same_links() -> None:
    """S8.4: the map is never the only way."""
    counts = {"SoHo": 4, "Astoria": 1}
    html = render_to_string("components/map.html", {"map": matches_map(counts, "/x/?in={}".format)})
    for name, words in (("SoHo", "SoHo, 4 instructors"), ("Astoria", "Astoria, 1 instructor")):
        assert html.count(f'href="/x/?in={name}"') == 2
        assert f"<title>{words}</title>" in html
        assert f">{words}</a></li>" in html


def test_map_of_coverage_names_every_place_beside_it() -> None:
    """S10.1: neighborhoods, never an address; names are escaped."""
    shown = coverage_map("Hell's Kitchen", ["Chelsea"])
    html = render_to_string("components/map.html", {"map": shown})
    assert "<li>Hell&#x27;s Kitchen, based here</li><li>Chelsea</li>" in html
    assert 'role="img" aria-label="Map: based in Hell&#x27;s Kitchen, comes to 1 more' in html
    assert "<a " not in html
