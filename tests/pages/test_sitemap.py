"""What search engines are told, and what they are asked to leave out."""

from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.factories.accounts import student
from tests.factories.catalog import InstructorFactory, OfferingFactory, ServiceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S10]


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    cache.clear()


def test_sitemap_names_public_pages_only(client: Client) -> None:
    """S10.8: profiles, services and categories; nothing that answers 404 or 410."""
    offering = OfferingFactory()
    paused = InstructorFactory(status="paused")
    gone = ServiceFactory(name="Gone", is_active=False)
    hidden = [InstructorFactory(status=status) for status in ("draft", "suspended", "closed")]
    body = client.get("/sitemap.xml").content.decode()
    service = offering.service
    for address in (
        "/", "/services/", reverse("catalog:category", args=[service.category.slug]),
        reverse("catalog:service", args=[service.category.slug, service.slug]),
        reverse("instructor-profile", args=[offering.instructor.slug]),
        reverse("instructor-profile", args=[paused.slug]),
    ):  # fmt: skip
        assert f"<loc>{settings.SITE_URL}{address}</loc>" in body
    assert f"/{gone.slug}/" not in body
    for person in hidden:
        assert person.slug not in body


def test_sitemap_is_read_once(client: Client, django_assert_num_queries: Any) -> None:
    InstructorFactory()
    first = client.get("/sitemap.xml")
    assert "max-age" in first["Cache-Control"]
    with django_assert_num_queries(0):
        assert client.get("/sitemap.xml").content == first.content


def test_robots_names_the_sitemap(client: Client) -> None:
    body = client.get("/robots.txt").content.decode()
    assert f"Sitemap: {settings.SITE_URL}/sitemap.xml" in body
    assert "Disallow: /lessons/" in body


def test_pages_that_are_not_to_be_listed_say_so(client: Client) -> None:
    """S10.8."""
    profile = reverse("instructor-profile", args=[OfferingFactory().instructor.slug])
    assert "X-Robots-Tag" not in client.get(profile)
    assert "X-Robots-Tag" not in client.get("/")
    assert client.get(profile, {"duration": "60"})["X-Robots-Tag"] == "noindex"
    assert client.get("/accounts/login/")["X-Robots-Tag"] == "noindex"
    assert client.get("/lessons/")["X-Robots-Tag"] == "noindex"
    client.force_login(student())
    assert client.get(profile)["X-Robots-Tag"] == "noindex"


def test_profile_names_its_one_address(client: Client) -> None:
    """S10.8: whatever the query string."""
    address = reverse("instructor-profile", args=[OfferingFactory().instructor.slug])
    html = client.get(address, {"duration": "30"}).content.decode()
    assert f'<link rel="canonical" href="{settings.SITE_URL}{address}">' in html
