"""The grid of an instructor's hours: hands, fingers and keys edit the rows of the form (S15.4)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from bookings.availability.models import WeeklyWindow
from bookings.availability.weeks import monday_of
from instainstru import clock
from tests.e2e.town import Town, session_cookies
from tests.factories.lessons import tomorrow_at

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db, pytest.mark.S15]
PAGE = "/teach/availability/"
UNDO = "[data-hours-undo]"


def _open_page(browser: Any, town: Town, site: str, **how: Any) -> Any:
    context = browser.new_context(base_url=site, **how)
    context.add_cookies(session_cookies(town.people["teacher"], site))
    page = context.new_page()
    page.goto(PAGE)
    page.wait_for_selector("[data-hours-grid]:not([hidden])")
    return page


@pytest.fixture
def desk(town: Town, site: str, browser_of_session: Any) -> Iterator[Any]:
    """At a desk; open every day from nine to eight in the evening."""
    page = _open_page(browser_of_session, town, site, viewport={"width": 1280, "height": 1000})
    yield page
    page.context.close()


def cell(page: Any, day: int, hour: float) -> Any:
    return page.locator(f"[data-cell='{day},{int(hour * 4)}']")


def rows(page: Any, day: int) -> list[str]:
    found: list[str] = page.locator(
        f"[data-hours-day='{day}'] [data-hours-row] input"
    ).evaluate_all("inputs => inputs.map(input => `${input.name}=${input.value}`)")
    return found


def test_a_click_closes_a_quarter_and_undo_brings_it_back(desk: Any) -> None:
    cell(desk, 0, 12).click()
    assert rows(desk, 0) == [
        "d0-0-start=09:00", "d0-0-end=12:00", "d0-1-start=12:15", "d0-1-end=20:00",
    ]  # fmt: skip
    expect(cell(desk, 0, 12)).to_have_attribute("aria-label", "Monday, 12:00 PM, closed")
    expect(desk.locator("#live")).to_contain_text("Closed Monday 12:00 PM to 12:15 PM")
    desk.locator(UNDO).click()
    assert rows(desk, 0) == ["d0-0-start=09:00", "d0-0-end=20:00"]
    expect(desk.locator(UNDO)).to_be_disabled()


def test_a_drag_paints_a_rectangle_and_escape_takes_it_back(desk: Any) -> None:
    cell(desk, 1, 10).hover()
    desk.mouse.down()
    cell(desk, 2, 11.75).hover()
    desk.keyboard.press("Escape")
    desk.mouse.up()
    assert rows(desk, 2) == ["d2-0-start=09:00", "d2-0-end=20:00"]
    cell(desk, 1, 10).hover()
    desk.mouse.down()
    cell(desk, 2, 11.75).hover()
    desk.mouse.up()
    for day in (1, 2):
        assert rows(desk, day)[1:3] == [f"d{day}-0-end=10:00", f"d{day}-1-start=12:00"]
    assert rows(desk, 3) == ["d3-0-start=09:00", "d3-0-end=20:00"]


def test_keys_move_mark_open_close_and_copy(desk: Any) -> None:
    expect(desk.locator("[data-cell][tabindex='0']")).to_have_count(1)
    cell(desk, 0, 9).focus()
    desk.keyboard.press("ArrowUp")
    desk.keyboard.press("Shift+ArrowUp")
    expect(desk.locator("[aria-selected='true']")).to_have_count(2)
    desk.keyboard.press("Enter")
    assert rows(desk, 0) == ["d0-0-start=08:30", "d0-0-end=20:00"]
    desk.keyboard.press("Space")
    assert rows(desk, 0) == ["d0-0-start=09:00", "d0-0-end=20:00"]
    desk.keyboard.press("End")
    desk.keyboard.press("Space")
    assert rows(desk, 0)[2:] == ["d0-1-start=23:45", "d0-1-end=00:00"]
    desk.keyboard.press("Control+c")
    desk.keyboard.press("ArrowRight")
    desk.keyboard.press("Control+v")
    assert rows(desk, 1)[2:] == ["d1-1-start=23:45", "d1-1-end=00:00"]
    for _ in range(5):
        desk.keyboard.press("Control+z")
    assert rows(desk, 0) == ["d0-0-start=09:00", "d0-0-end=20:00"]


def test_what_is_painted_is_saved_with_the_form(desk: Any) -> None:
    desk.get_by_role("button", name="Show 12 AM").click()
    cell(desk, 6, 0).click()
    desk.get_by_role("button", name="Save", exact=False).first.click()
    expect(desk.locator("#toasts")).to_contain_text("Saved.")
    sunday = WeeklyWindow.objects.filter(instructor__slug="maya-c", weekday=6)
    assert list(sunday.values_list("start_minute", "end_minute")) == [(0, 15), (540, 1200)]
    expect(cell(desk, 6, 0)).to_be_visible()


def test_rows_that_are_typed_show_in_the_grid(desk: Any) -> None:
    desk.locator("[name='d4-0-end']").fill("10:00")
    desk.locator("[name='d4-0-end']").press("Tab")
    expect(cell(desk, 4, 10)).to_have_attribute("data-state", "closed")
    desk.get_by_role("button", name="Add time on Friday").click()
    desk.locator("[name='d4-1-start']").fill("15:00")
    desk.locator("[name='d4-1-end']").fill("16:00")
    desk.locator("[name='d4-1-end']").press("Tab")
    expect(cell(desk, 4, 15.5)).to_have_attribute("data-state", "open")


def test_a_phone_shows_one_day_and_a_tap_toggles(
    town: Town, site: str, browser_of_session: Any
) -> None:
    size = {"width": 390, "height": 844}
    page = _open_page(browser_of_session, town, site, viewport=size, has_touch=True, is_mobile=True)
    page.get_by_text("Paint on a grid").click()
    page.get_by_role("button", name="Wed", exact=True).click()
    expect(cell(page, 0, 12)).to_be_hidden()
    cell(page, 2, 12).tap()
    expect(cell(page, 2, 12)).to_have_attribute("data-state", "closed")
    assert rows(page, 2)[1:3] == ["d2-0-end=12:00", "d2-1-start=12:15"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()


def test_what_another_calendar_keeps_is_drawn_and_said(desk: Any) -> None:
    """The town keeps today and tomorrow busy from 4:00 to 5:20 PM; hours under it can be edited."""
    start = tomorrow_at(16)
    day = start.astimezone(clock.NEW_YORK).date()
    desk.goto(f"{PAGE}?week={monday_of(day)}")
    desk.wait_for_selector("[data-hours-grid]:not([hidden])", state="attached")
    desk.locator("[data-hours-grid] > summary").click()
    busy = cell(desk, day.weekday(), 17.25)
    expect(busy).to_have_attribute("data-state", "busy")
    expect(busy).to_have_attribute(
        "aria-label", re.compile(r", 5:15 PM, Busy in your calendar Family$")
    )
    expect(cell(desk, day.weekday(), 17.5)).to_have_attribute("data-state", "open")
    expect(desk.locator(".legend-busy")).to_have_text("External busy")
