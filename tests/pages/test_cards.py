"""Instructor cards show the same ratings wherever they stand."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from bookings.reviews.services import rebuild_statistics
from search.snapshot import forget_snapshot
from tests.factories.catalog import OfferingFactory, ServiceFactory
from tests.factories.reviews import reviews_of

pytestmark = [pytest.mark.django_db, pytest.mark.S10]


@pytest.fixture(autouse=True)
def fresh_snapshot() -> Iterator[None]:
    forget_snapshot()
    yield
    forget_snapshot()


def test_cards_show_ratings_from_three_reviews_on(client: Client) -> None:
    """S10.2, S11.13: real counts, and never 0.0 for somebody new."""
    known = OfferingFactory(service=ServiceFactory(name="Piano"))
    new = OfferingFactory(service=ServiceFactory(name="Violin"))
    reviews_of(known, 5, 5, 4)
    reviews_of(new, 5, 5)
    rebuild_statistics()
    address = reverse("catalog:service", args=["music", known.service.slug])
    html = client.get(address).content.decode()
    assert "<strong>4.7</strong> <span>(3 reviews)</span>" in html
    address = reverse("catalog:service", args=["music", new.service.slug])
    html = client.get(address).content.decode()
    assert "(2 reviews)" not in html
    assert "0.0" not in html
    assert "New</span>" in html
    found = client.get("/search/", {"q": known.service.name}).content.decode()
    assert "<strong>4.7</strong> <span>(3 reviews)</span>" in found
