"""The booking panel: beside the profile, and as a sheet on a phone (Spec: S10.4, ux 6.5)."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.factories.catalog import OfferingFactory

pytestmark = [pytest.mark.browser, pytest.mark.S10, pytest.mark.django_db(transaction=True)]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def open_profile(live_server: Any, browser_of_session: Any) -> Any:
    offering = OfferingFactory(prices={30: 4500, 60: 8500, 90: 12000})
    contexts = []

    def open_in(**options: Any) -> Any:
        contexts.append(browser_of_session.new_context(**options))
        page = contexts[-1].new_page()
        page.goto(f"{live_server.url}/i/{offering.instructor.slug}/")
        return page

    yield open_in
    for context in contexts:
        context.close()


def test_panel_stands_beside_the_profile_on_a_wide_screen(open_profile: Any) -> None:
    page = open_profile(viewport={"width": 1280, "height": 900})
    expect(page.get_by_role("button", name="Book this time")).to_be_visible()
    expect(page.get_by_role("button", name="Book", exact=True)).to_be_hidden()
    page.locator("#panel").get_by_text("90 min").click()
    expect(page.locator("#panel")).to_contain_text("$120 for 90 minutes")
    expect(page.locator("#p_duration_90")).to_be_focused()


@pytest.mark.parametrize("has_scripts", [True, False], ids=["scripts", "no-scripts"])
def test_panel_is_a_sheet_on_a_phone(open_profile: Any, has_scripts: bool) -> None:
    """With scripts or without: open, close, choose, go on to the time page."""
    page = open_profile(viewport=PHONE, java_script_enabled=has_scripts)
    book = page.get_by_role("button", name="Book", exact=True)
    go_on = page.get_by_role("button", name="Book this time")
    expect(go_on).to_be_hidden()
    book.press("Enter")
    expect(go_on).to_be_visible()
    page.keyboard.press("Escape")
    expect(go_on).to_be_hidden()
    book.press("Enter")
    page.locator("#panel").get_by_role("button", name="Close").click()
    expect(go_on).to_be_hidden()
    book.click()
    page.locator("#panel").get_by_text("90 min").click()
    if has_scripts:
        expect(page.locator("#panel")).to_contain_text("$120 for 90 minutes")
    go_on.click()
    page.wait_for_url("**/book/**")
    chosen = parse_qs(urlsplit(page.url).query)
    assert chosen["duration"] == ["90"]
    assert chosen["start"]


def test_bar_of_a_phone_links_to_the_next_time(open_profile: Any) -> None:
    page = open_profile(viewport=PHONE, java_script_enabled=False)
    page.locator(".bottom-bar a").click()
    page.wait_for_url("**/book/**start=**")
    expect(page.get_by_role("button", name="Continue with")).to_be_visible()
