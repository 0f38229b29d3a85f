"""The results page by keyboard, with scripts and without (Spec: S8.5, S8.6)."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from search.snapshot import forget_snapshot
from tests.factories.catalog import NeighborhoodFactory, ServiceFactory
from tests.search.builders import pianist

pytestmark = [pytest.mark.browser, pytest.mark.S8, pytest.mark.django_db(transaction=True)]

QUERY = "/search/?q=piano+in+park+slope+saturday+under+$90"


@pytest.fixture
def city() -> Any:
    """Three pianists in Park Slope, one of them too dear, and two more services."""
    for name, cents in (("Ann", 6000), ("Bob", 8000), ("Cem", 9900)):
        pianist(name, prices={60: cents})
    ServiceFactory(name="Jazz Piano")
    ServiceFactory(name="Violin", keywords=["fiddle"])
    NeighborhoodFactory(name="Gowanus", latitude=40.6733, longitude=-73.9903)
    forget_snapshot()
    yield
    forget_snapshot()


@pytest.fixture
def open_page(city: Any, live_server: Any, browser_of_session: Any) -> Any:
    contexts = []

    def open_at(path: str, **options: Any) -> Any:
        context = browser_of_session.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.goto(live_server.url + path)
        return page

    yield open_at
    for context in contexts:
        context.close()


AT_REST = """() => Promise.all(
  document.getAnimations()
    .filter((one) => one.effect.getComputedTiming().endTime !== Infinity)
    .map((one) => one.finished.catch(() => null)),
).then(() => null)"""


def focused(page: Any) -> str:
    return page.evaluate(
        "document.activeElement.getAttribute('aria-label') || document.activeElement.id"
        " || document.activeElement.textContent.trim()"
    )


def test_suggestions_by_keyboard(open_page: Any) -> None:
    """ARIA 1.2 list autocomplete: arrows, Escape, Enter; the count is announced once."""
    page = open_page("/search/")
    box = page.locator("#results-q")
    box.focus()
    page.keyboard.type("pian", delay=20)
    expect(box).to_have_attribute("aria-expanded", "true")
    expect(page.locator("#live")).to_have_text("2 suggestions")
    page.keyboard.press("ArrowDown")
    option = page.locator(f"#{box.get_attribute('aria-activedescendant')}")
    expect(option).to_have_attribute("aria-selected", "true")
    expect(option).to_contain_text("Piano")
    page.keyboard.press("ArrowUp")
    assert box.get_attribute("aria-activedescendant") is None
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    assert box.input_value() == "pian"
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("listbox")).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=Jazz+Piano")
    page.locator("#results-q").focus()
    page.keyboard.press("Escape")
    assert page.locator("#results-q").input_value() == ""


def test_an_older_answer_never_replaces_a_newer_one(open_page: Any) -> None:
    """Spec: S8.6"""
    page = open_page("/search/")
    held: list[Any] = []

    def hold(route: Any) -> None:
        if "q=pian" in route.request.url:
            held.append(route)
        else:
            route.continue_()

    page.route("**/search/suggest/**", hold)
    box = page.locator("#results-q")
    box.fill("pian")
    page.wait_for_timeout(400)
    box.fill("vio")
    expect(page.get_by_role("option")).to_contain_text(["Violin"])
    assert len(held) == 1
    held[0].fulfill(body='<a role="option" href="/">Old</a>')
    page.wait_for_timeout(200)
    expect(page.get_by_role("option")).to_contain_text(["Violin"])


def test_removing_chips_moves_focus_and_tells_the_count(open_page: Any) -> None:
    page = open_page(QUERY)
    expect(page.locator("h1")).to_contain_text("2 instructors")
    page.get_by_role("link", name="Remove Park Slope").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Remove Park Slope")).to_have_count(0)
    # Focus moves when the new page has settled.
    expect(page.get_by_role("link", name=re.compile("^Remove Sat, "))).to_be_focused()
    page.get_by_role("link", name="Remove Up to $90/hour").focus()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_contain_text("3 instructors")
    expect(page.locator("#live")).to_contain_text("3 instructors")
    expect(page.get_by_role("link", name=re.compile("^Remove Sat, "))).to_be_focused()
    assert "without=max_price" in page.url
    page.reload()
    expect(page.locator("h1")).to_contain_text("3 instructors")
    page.go_back()
    expect(page.get_by_role("link", name="Remove Up to $90/hour")).to_be_visible()
    while page.locator(".chip-remove").count():
        left = page.locator(".chip-remove").count()
        page.locator(".chip-remove").first.focus()
        page.keyboard.press("Enter")
        expect(page.locator(".chip-remove")).to_have_count(left - 1)
    expect(page.locator("#results-title")).to_be_focused()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_chip_opens_a_form_that_changes_it(open_page: Any, has_scripts: bool) -> None:
    page = open_page(QUERY, java_script_enabled=has_scripts)
    page.locator("summary", has_text="Up to $90/hour").click()
    page.locator("#chip-high").fill("120")
    page.locator("details[open]").get_by_role("button", name="Apply").click()
    expect(page.locator("h1")).to_contain_text("3 instructors")
    expect(page.get_by_role("link", name="Remove Up to $120/hour")).to_be_visible()
    expect(page.get_by_role("link", name="Remove Up to $90/hour")).to_have_count(0)


def test_a_neighborhood_is_suggested_and_fills_its_box(open_page: Any) -> None:
    """S8.6, ux section 4: by keyboard in the chip, by press in the filters."""
    page = open_page(QUERY, viewport={"width": 1280, "height": 900})
    page.locator("summary", has_text="Park Slope").click()
    box = page.locator("#chip-place")
    box.fill("")
    page.keyboard.type("gow", delay=20)
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(box).to_have_value("Gowanus")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Remove Gowanus")).to_be_visible()
    # The boxes of the new page come to life when it has settled.
    expect(page.locator("#filter-place")).to_have_attribute("role", "combobox")
    page.locator("#filter-place").fill("park s")
    page.locator("#filters").get_by_role("option", name="Park Slope").click()
    expect(page.locator("#filter-place")).to_have_value("Park Slope")


def test_filters_count_before_they_apply(open_page: Any) -> None:
    page = open_page("/search/?q=piano", viewport={"width": 1280, "height": 900})
    apply = page.locator("#apply")
    expect(apply).to_have_text("Show 3 instructors")
    page.locator("#filter-price_max").fill("70")
    page.keyboard.press("Tab")
    expect(apply).to_have_text("Show 1 instructor")
    assert "price_max" not in page.url
    apply.press("Enter")
    expect(page.locator("h1")).to_contain_text("1 instructor for")
    assert "price_max=70" in page.url
    expect(page.locator("#results-title")).to_be_focused()


def test_filters_are_a_sheet_on_a_phone(open_page: Any) -> None:
    page = open_page("/search/?q=piano", viewport={"width": 390, "height": 844})
    expect(page.locator("#apply")).to_be_hidden()
    page.get_by_role("button", name="Filters").press("Enter")
    expect(page.locator("#apply")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#apply")).to_be_hidden()
    assert focused(page).startswith("Filters")
    page.keyboard.press("Enter")
    page.locator("label", has_text="Evening").click()
    page.locator("#apply").click()
    expect(page.get_by_role("button", name="Filters (1)")).to_be_visible()
    assert "time=evening" in page.url
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_wrong_price_is_told_where_it_is(open_page: Any) -> None:
    """Spec: S8.5"""
    page = open_page("/search/?q=piano", viewport={"width": 390, "height": 844})
    page.get_by_role("button", name="Filters").click()
    page.locator("#filter-price_max").fill("cheap")
    page.locator("#apply").click()
    summary = page.locator("[data-error-summary]")
    expect(summary).to_be_focused()
    summary.get_by_role("link").click()
    expect(page.locator("#filter-price_max")).to_be_focused()
    expect(page.locator("#filter-price_max")).to_have_value("cheap")


def test_more_cards_come_under_the_others(open_page: Any) -> None:
    for number in range(20):
        pianist(f"More{number}")
    page = open_page("/search/?q=piano")
    expect(page.locator("#cards > .card")).to_have_count(20)
    page.get_by_role("link", name="Show 3 more").press("Enter")
    expect(page.locator("#cards > .card")).to_have_count(23)
    expect(page.locator("#cards > .card >> nth=20 >> .card-link")).to_be_focused()
    expect(page.get_by_role("link", name=re.compile("^Show .* more"))).to_have_count(0)
    assert "page=2" in page.url


def test_without_scripts_everything_is_links_and_forms(open_page: Any) -> None:
    """Spec: G1"""
    page = open_page("/search/?q=piano", java_script_enabled=False)
    page.fill("#results-q", "piano in park slope")
    page.press("#results-q", "Enter")
    page.wait_for_url("**q=piano+in+park+slope")
    page.locator("label.toggle", has_text="Online").click()
    page.locator("#apply").click()
    page.wait_for_url("**where=online**")
    page.locator("summary", has_text="Best match").click()
    page.get_by_role("link", name="Lowest price").click()
    page.wait_for_url("**sort=price_low**")
    assert "where=online" in page.url
    page.get_by_role("link", name="Map", exact=True).click()
    page.get_by_role("link", name="Park Slope, 3 instructors").last.click()
    expect(page.locator("h1")).to_contain_text("3 instructors")


def test_too_many_searches_say_so_in_place(open_page: Any, monkeypatch: Any) -> None:
    """Spec: G6"""
    from instainstru.ratelimit import Limit
    from search import views

    page = open_page(QUERY)
    monkeypatch.setattr(views, "SEARCH", Limit("one", 1, views.SEARCH.window))
    page.get_by_role("link", name="Remove Piano").click()
    expect(page.get_by_role("link", name="Remove Piano")).to_have_count(0)
    page.get_by_role("link", name="Remove Park Slope").click()
    expect(page.locator("h1")).to_contain_text("Too many searches. Wait")
    expect(page.get_by_role("link", name="Try again")).to_be_visible()
    assert page.locator("#results-q").input_value().startswith("piano")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.slow
def test_axe_finds_nothing_with_all_open(open_page: Any, width: int, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(QUERY, viewport={"width": width, "height": 900}, color_scheme=scheme)
    for query in (
        QUERY,
        "/search/?q=piano&view=map",
        "/search/?q=zzzz",
        "/search/?q=piano+under+$7",
    ):
        page.goto(page.url.split("/search/")[0] + query)
        if width == 390 and page.get_by_role("button", name="Filters").count():
            page.get_by_role("button", name="Filters").click()
        box = page.locator("#results-q")
        if width == 1280:
            box.fill("pian")
            expect(page.get_by_role("listbox")).to_be_visible()
        # A sheet that still fades in has other colors.
        page.evaluate(AT_REST)
        results = Axe().run(page)
        assert results.violations_count == 0, results.generate_report()
