"""The map in a real browser: drawn, reachable by keyboard, and nothing for axe to find."""

from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Group
from django.test import Client

from accounts.roles import Role
from tests.factories.accounts import UserFactory
from tests.factories.second_step import enrol

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.slow]

SECTION = 'section[aria-labelledby="g-maps"]'


@pytest.fixture
def open_gallery(live_server: Any, browser_of_session: Any, client: Client) -> Any:
    """Return a function that opens the gallery as somebody who may."""
    admin = UserFactory()
    admin.groups.add(Group.objects.get(name=Role.ADMIN.value))
    enrol(admin)
    client.force_login(admin)
    contexts = []

    def open_it(width: int, **options: Any) -> Any:
        context = browser_of_session.new_context(
            viewport={"width": width, "height": 900}, **options
        )
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        context.add_cookies(
            [{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}]
        )
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{live_server.url}/dev/gallery/")
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_on_the_maps(open_gallery: Any, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_gallery(width, color_scheme=scheme)
    results = Axe().run(page, context=SECTION)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_shapes_are_drawn_and_take_the_colors_of_the_theme(open_gallery: Any) -> None:
    """A shape that failed to load has no size."""
    fills = set()
    for scheme in ("light", "dark"):
        page = open_gallery(1280, color_scheme=scheme)
        page.wait_for_load_state("networkidle")
        lit = page.locator(".map-lit").first
        assert lit.bounding_box()["width"] > 1
        fills.add(lit.evaluate("node => getComputedStyle(node).fill"))
    assert len(fills) == 2


def test_links_of_the_map_have_names_and_answer_the_keyboard(open_gallery: Any) -> None:
    page = open_gallery(1280)
    drawn = page.locator(".map-matches svg").first
    link = drawn.get_by_role("link", name="Williamsburg, 6 instructors")
    link.focus()
    # A key makes the focus one that must be visible.
    page.keyboard.press("Shift")
    assert link.evaluate("node => parseFloat(getComputedStyle(node).outlineWidth)") >= 2
    page.keyboard.press("Enter")
    assert page.url.endswith("#in-Williamsburg")


def test_forced_colors_keep_shapes_apart(open_gallery: Any) -> None:
    page = open_gallery(1280, forced_colors="active")
    fill = "node => getComputedStyle(node).fill"
    few = page.locator(".map-matches .map-1").first.evaluate(fill)
    many = page.locator(".map-matches .map-4").first.evaluate(fill)
    land = page.locator(".map-drawing").first.evaluate(fill)
    assert len({few, many, land}) == 3
