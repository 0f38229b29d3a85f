"""Each page loaded once and looked at in every mode (ux sections 7 and 8)."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e import looks
from tests.e2e.places import PLACES, Place
from tests.e2e.town import Town, session_cookies

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db]

TABS_LOOKED_AT = 24
ZOOMED = {"width": 320, "height": 256}
"""A window of 1280 by 1024 at 400 %."""


@pytest.fixture(scope="module")
def visitors(town: Town, site: str, browser_of_session: Any) -> Iterator[dict[str, Any]]:
    """One browser window for each person of the town."""
    windows = {}
    for name, client in town.people.items():
        windows[name] = browser_of_session.new_context(reduced_motion="reduce", base_url=site)
        windows[name].add_cookies(session_cookies(client, site))
    yield windows
    for window in windows.values():
        window.close()


@pytest.fixture
def page(town: Town, visitors: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Any]:
    """Load the place once; everything a page may not do is collected on the way."""
    place: Place = request.param
    page = visitors[place.who].new_page()
    page.set_viewport_size({"width": 1280, "height": looks.HEIGHT})
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda m: page.problems.append(m.text) if "Content Sec" in m.text else None)
    page.on("request", lambda r: page.problems.append(r.url) if _is_foreign(r.url) else None)
    answer = page.goto(town.address(place.address))
    if place.submits:
        page.locator(place.submits).first.click()
        expect(page.locator("[data-error-summary]")).to_be_focused()
    else:
        assert answer.status == place.status
    page.wait_for_load_state("networkidle")
    page.place = place
    yield page
    page.close()


def _is_foreign(address: str) -> bool:
    return not address.startswith(("http://localhost:", "data:", "blob:"))


each_page = pytest.mark.parametrize(
    "page", PLACES, indirect=True, ids=lambda place: place.name
)  # fmt: skip


@each_page
def test_a_page_is_open_to_everybody_in_every_mode(page: Any) -> None:
    """Axe finds nothing, nothing scrolls sideways, the focus is seen, spacing and zoom are safe."""
    assert page.problems == []
    _check_keyboard(page)
    for width, scheme in looks.MODES:
        page.set_viewport_size({"width": width, "height": looks.HEIGHT})
        page.emulate_media(color_scheme=scheme)
        assert page.evaluate(looks.SIDEWAYS) == [], (width, scheme)
        assert looks.axe_violations(page) == [], (width, scheme)
    page.set_viewport_size(ZOOMED)
    assert page.evaluate(looks.SIDEWAYS) == []
    page.set_viewport_size({"width": 390, "height": looks.HEIGHT})
    page.evaluate(looks.SPACING)
    assert page.evaluate(looks.SIDEWAYS) == []
    assert page.evaluate(looks.CUT_OFF) == []


def _check_keyboard(page: Any) -> None:
    """The first Tab reaches the skip link; what has the focus shows it and is not covered."""
    page.set_viewport_size({"width": 390, "height": 700})
    for number in range(TABS_LOOKED_AT):
        page.keyboard.press("Tab")
        focus = page.evaluate(looks.FOCUS)
        if not focus["name"]:
            break
        if number == 0 and not page.place.takes_focus:
            assert "skip-link" in focus["name"]
        assert focus["ring"], focus
        assert not focus["hidden"], focus


@pytest.mark.parametrize(
    "page", [place for place in PLACES if place.address == "/dev/gallery/"], indirect=True
)
def test_components_survive_forced_colors_and_reduced_motion(page: Any) -> None:
    """Borders stay when colours are forced; nothing moves when motion is not wanted."""
    assert page.evaluate(looks.MOVING) == []
    page.emulate_media(forced_colors="active")
    assert page.evaluate(looks.UNMARKED) == []
    assert page.evaluate(looks.SIDEWAYS) == []
