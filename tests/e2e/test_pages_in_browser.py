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
def opened(town: Town, visitors: dict[str, Any], request: pytest.FixtureRequest) -> Iterator[Any]:
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
    if page.locator("meta[http-equiv=refresh]").count():
        page.route(page.url, lambda route: route.abort("aborted"))
    page.place = place
    yield page
    page.close()


def _is_foreign(address: str) -> bool:
    return not address.startswith(("http://localhost:", "data:", "blob:"))


EACH_PAGE = pytest.mark.parametrize(
    "opened", PLACES, indirect=True, ids=lambda place: place.name
)  # fmt: skip


@EACH_PAGE
def test_a_page_is_open_to_everybody_in_every_mode(opened: Any) -> None:
    """Axe finds nothing, nothing scrolls sideways, the focus is seen, spacing and zoom are safe."""
    found = [*opened.problems, *_keyboard(opened)]
    # Where the keyboard has scrolled to, the header would lie over what axe measures.
    opened.evaluate("scrollTo(0, 0)")
    for width, scheme in looks.MODES:
        opened.set_viewport_size({"width": width, "height": looks.HEIGHT})
        opened.emulate_media(color_scheme=scheme)
        found += _noted(f"sideways at {width}", opened.evaluate(looks.SIDEWAYS))
        only = () if (width, scheme) in {(1280, "light"), (390, "dark")} else looks.COLOURS
        found += _noted(f"axe {width} {scheme}", looks.axe_violations(opened, only=only))
    opened.set_viewport_size(ZOOMED)
    found += _noted("sideways at 400 %", opened.evaluate(looks.SIDEWAYS))
    opened.set_viewport_size({"width": 390, "height": looks.HEIGHT})
    opened.evaluate(looks.SPACING)
    found += _noted("sideways when spaced", opened.evaluate(looks.SIDEWAYS))
    found += _noted("cut off when spaced", opened.evaluate(looks.CUT_OFF))
    assert not found, "\n".join(found)


def _noted(where: str, findings: list[str]) -> list[str]:
    return [f"{where}: {finding}" for finding in findings]


def _keyboard(page: Any) -> list[str]:
    """The first Tab reaches the skip link; what has the focus shows it and is not covered."""
    found = []
    page.set_viewport_size({"width": 390, "height": 700})
    for number in range(TABS_LOOKED_AT):
        page.keyboard.press("Tab")
        focus = page.evaluate(looks.FOCUS)
        if not focus["name"]:
            break
        if number == 0 and not page.place.takes_focus and "skip-link" not in focus["name"]:
            found.append(f"first Tab: {focus['name']}")
        if not focus["ring"]:
            found.append(f"focus not shown: {focus['name']}")
        if focus["hidden"] and not _is_seen_at_rest(page):
            found.append(f"focus covered, {focus['at']}: {focus['name']}")
    return found


def _is_seen_at_rest(page: Any) -> bool:
    """A page that was made narrow a moment ago may still be scrolling to what has the focus."""
    return bool(page.evaluate(looks.SEEN_SOON))


@pytest.mark.parametrize(
    "opened", [place for place in PLACES if place.address == "/dev/gallery/"], indirect=True
)
def test_components_survive_forced_colors_and_reduced_motion(opened: Any) -> None:
    """Borders stay when colours are forced; nothing moves when motion is not wanted."""
    found = _noted("moves", opened.evaluate(looks.MOVING))
    opened.emulate_media(forced_colors="active")
    found += _noted("no edge", opened.evaluate(looks.UNMARKED))
    assert not found, "\n".join(found)


PRINTED = [
    place for place in PLACES
    if place.address in {"/lessons/{code}/", "/lessons/{code}/confirmed/"}
]  # fmt: skip


@pytest.mark.parametrize("opened", PRINTED, indirect=True)
def test_a_receipt_prints_dark_on_white_without_the_frame(opened: Any) -> None:
    """Also when the reader has chosen the dark theme."""
    opened.evaluate("document.documentElement.dataset.theme = 'dark'")
    opened.emulate_media(media="print")
    for hidden in (".site-header", ".site-footer", ".tier-banner", "main .button"):
        assert not opened.locator(hidden).first.is_visible(), hidden
    expect(opened.locator("h1")).to_be_visible()
    for part in ("body", "h1", "main p"):
        color = opened.locator(part).first.evaluate("(e) => getComputedStyle(e).color")
        assert color == "rgb(0, 0, 0)", part
    ground = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
