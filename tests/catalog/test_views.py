"""All Services, its categories and the page of a service."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from catalog.importer import import_catalog
from catalog.models import Service, ServiceSlugAlias
from tests.factories.catalog import CategoryFactory, InstructorFactory, OfferingFactory
from tests.factories.catalog import ServiceFactory as Services

pytestmark = [pytest.mark.django_db, pytest.mark.S7]


def test_all_services_fits_its_budgets(client: Client, django_assert_max_num_queries: Any) -> None:
    """S7.2: at most six queries and 100 KB."""
    import_catalog()
    with django_assert_max_num_queries(6):
        response = client.get("/services/")
    assert len(response.content) < 100_000
    assert b"552 services in 9 categories" in response.content


def test_first_two_categories_come_at_once_the_others_by_link(client: Client) -> None:
    """S7.1: without scripts each category is a link."""
    import_catalog()
    html = client.get("/services/").content.decode()
    assert html.count('class="service-row"') == 78 + 69
    assert '<a href="/services/hidden-gems/">Show 69 Hidden Gems services</a>' in html
    assert client.get("/services/hidden-gems/").content.count(b'class="service-row"') == 69


def test_category_fragment_for_htmx(client: Client) -> None:
    """G1."""
    import_catalog()
    html = client.get("/services/kids/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in html
    assert html.count('class="service-row"') == 44


def test_rows_count_live_instructors_and_round_the_price_up(client: Client) -> None:
    """S7.1: the lowest price of any length scaled to one hour."""
    piano = Services(name="Piano")
    OfferingFactory(service=piano, prices={60: 8500, 90: 10001})
    OfferingFactory(service=piano, prices={60: 9000})
    OfferingFactory(service=piano, prices={60: 2000}, instructor__status="paused")
    OfferingFactory(service=piano, prices={60: 1500}, is_active=False)
    Services(name="Oud")
    html = client.get("/services/music/").content.decode()
    assert "2 instructors" in html
    assert "from $67/hour" in html
    assert "No one yet" in html


def test_unknown_category_and_service_are_404(client: Client) -> None:
    Services(name="Piano")
    assert client.get("/services/cooking/").status_code == 404
    assert client.get("/services/music/kazoo/").status_code == 404


def test_service_addresses_lead_to_the_right_one(client: Client) -> None:
    """S7.4, G10: wrong category 301, renamed 301 for ever."""
    piano = Services(name="Piano")
    CategoryFactory(name="Arts")
    ServiceSlugAlias.objects.create(slug="pianoforte", service=piano)
    right = reverse("catalog:service", args=["music", "piano"])
    for wrong in ("/services/arts/piano/", "/services/music/pianoforte/"):
        response = client.get(wrong)
        assert (response.status_code, response["Location"]) == (301, right)
    assert client.get(right).status_code == 200


def test_inactive_service_is_410_with_alternatives(client: Client) -> None:
    """S7.4."""
    Services(name="Piano")
    Services(name="Clavichord")
    Service.objects.filter(slug="clavichord").update(is_active=False)
    response = client.get("/services/music/clavichord/")
    assert response.status_code == 410
    assert b"/services/music/piano/" in response.content


def test_service_page_lists_live_instructors_only(client: Client) -> None:
    """S7.4, S8.7."""
    piano = Services(name="Piano")
    live = OfferingFactory(service=piano).instructor
    hidden = OfferingFactory(service=piano, instructor__status="suspended").instructor
    html = client.get("/services/music/piano/").content.decode()
    assert f"/i/{live.slug}/" in html
    assert f"/i/{hidden.slug}/" not in html


def test_service_without_instructors_says_so(client: Client) -> None:
    """S7.4."""
    Services(name="Oud")
    response = client.get("/services/music/oud/")
    assert response.status_code == 200
    assert b"No one" in response.content


@pytest.mark.parametrize("rows", [1, 3])
def test_service_page_query_budget(
    client: Client, django_assert_max_num_queries: Any, rows: int
) -> None:
    """Each more instructor costs no query."""
    piano = Services(name="Piano")
    for _ in range(rows):
        OfferingFactory(service=piano, instructor=InstructorFactory())
    with django_assert_max_num_queries(10):
        assert client.get("/services/music/piano/").status_code == 200
