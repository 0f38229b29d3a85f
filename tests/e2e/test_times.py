"""Choosing a time by keyboard, and a page that stays fresh (Spec: S12.2, S12.3, S12.4)."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from instainstru.clock import NEW_YORK
from tests.bookings.lessons.stage import slot_value
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.browser, pytest.mark.S12, pytest.mark.django_db(transaction=True)]


RETURN = """() => {
    const real = performance.now.bind(performance);
    performance.now = () => real() + 60000;
    window.dispatchEvent(new Event('focus'));
}"""
"""Come back to the page after a minute."""


@pytest.fixture
def page(browser_of_session: Any) -> Iterator[Any]:
    context = browser_of_session.new_context(timezone_id="America/New_York")
    page = context.new_page()
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    assert page.errors == []
    context.close()


def _open(page: Any, live_server: Any, offering: Any, **query: str) -> None:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    page.goto(f"{live_server.url}/i/{offering.instructor.slug}/book/?{asked}")
    page.wait_for_selector("[data-walks]")


def _focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_month_is_one_tab_stop_and_arrows_walk_it(page: Any, live_server: Any) -> None:
    """S12.2"""
    offering = OfferingFactory()
    on = tomorrow_at(12).astimezone(NEW_YORK).date().replace(day=15)
    _open(page, live_server, offering, month=f"{on:%Y-%m}")
    assert page.locator("[data-day][tabindex='0']").count() == 1
    page.locator("[data-day][tabindex='0']").focus()
    here = page.locator("[data-day]")
    ids = [here.nth(number).get_attribute("id") for number in range(here.count())]
    place = ids.index(_focused(page))
    page.keyboard.press("ArrowLeft" if place else "ArrowRight")
    assert _focused(page) == ids[place - 1 if place else 1]
    page.keyboard.press("Home")
    page.keyboard.press("End")
    row = page.evaluate(
        "document.activeElement.closest('tr').querySelectorAll('[data-day]').length"
    )
    assert _focused(page) in ids
    assert row <= 7
    page.keyboard.press("PageDown")
    expect(page.locator("#month-name")).not_to_have_text(f"{on:%B %Y}")
    expect(page.locator("[data-day]:focus")).to_be_attached()


def test_enter_on_a_day_shows_its_times_and_says_so(page: Any, live_server: Any) -> None:
    """S12.2"""
    offering = OfferingFactory()
    _open(page, live_server, offering)
    day = page.locator("a[data-day]").last
    label = day.get_attribute("aria-label")
    chosen = day.get_attribute("id")
    day.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"td[aria-selected=true] #{chosen}")).to_be_visible()
    expect(page.locator("#day-name")).to_have_text(label.rsplit(",", 1)[0])
    expect(page.locator("#live")).to_contain_text("times")
    assert _focused(page) == chosen


def test_button_repeats_the_choice_in_words(page: Any, live_server: Any) -> None:
    offering = OfferingFactory()
    on = tomorrow_at(12).astimezone(NEW_YORK).date()
    _open(page, live_server, offering, date=f"{on}")
    value = slot_value(tomorrow_at(10, 30))
    page.locator(f"label[for='start-{value}']").click()
    button = page.get_by_role("button", name="Continue with")
    expect(button).to_contain_text(f"{on:%A, %B} {on.day}, 10:30 AM")


def test_time_booked_meanwhile_is_struck_through_on_return(page: Any, live_server: Any) -> None:
    """S12.4: the page looks again when it gets the focus."""
    offering = OfferingFactory()
    on = tomorrow_at(12).astimezone(NEW_YORK).date()
    _open(page, live_server, offering, date=f"{on}")
    value = slot_value(tomorrow_at(10))
    page.locator(f"label[for='start-{value}']").click()
    BookingFactory(offering=offering, start_at=tomorrow_at(10))
    page.evaluate(RETURN)
    expect(page.get_by_role("alert")).to_contain_text("is not available")
    assert page.locator(f"[id='start-{value}']").is_disabled()


def test_looking_again_pulls_nobody_away(page: Any, live_server: Any) -> None:
    """What the page fetches by itself moves no focus and says nothing (ux section 7)."""
    _open(page, live_server, OfferingFactory(), start="2020-01-01T10:00:00Z")
    expect(page.get_by_role("alert")).to_be_focused()
    page.locator("#id_duration").focus()
    page.evaluate("""() => {
        const live = document.getElementById("live");
        window.said = [];
        new MutationObserver(() => live.textContent && window.said.push(live.textContent))
          .observe(live, { childList: true });
    }""")
    with page.expect_response(lambda answer: "/book/" in answer.url):
        page.evaluate(RETURN)
    page.wait_for_selector("[data-quiet]", state="detached")
    page.evaluate("document.dispatchEvent(new CustomEvent('announce', { detail: 'after' }))")
    expect(page.locator("#live")).to_have_text("after")
    expect(page.locator("#id_duration")).to_be_focused()
    assert page.evaluate("window.said") == ["after"]


def test_what_has_the_focus_stays_where_it_is_when_the_page_looks_again(
    page: Any, live_server: Any
) -> None:
    """What is new above it moves nobody away. Spec: S12.4"""
    page.set_viewport_size({"width": 390, "height": 700})
    slug = OfferingFactory().instructor.slug
    page.goto(f"{live_server.url}/i/{slug}/book/?view=week")
    page.locator("[data-times]").wait_for()
    page.locator("#week-next").focus()
    top = "document.getElementById('week-next').getBoundingClientRect().top"
    before = page.evaluate(top)

    def with_more_above(route: Any) -> None:
        answer = route.fetch()
        more = "<div id='more' style='height: 1000px'></div>"
        route.fulfill(response=answer, body=more + answer.text())

    page.route("**/book/**", with_more_above)
    page.evaluate(RETURN)
    expect(page.locator("#more")).to_be_attached()
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert _focused(page) == "week-next"
    assert abs(page.evaluate(top) - before) < 2


def test_browsers_zone_is_taken_for_an_online_lesson(
    browser_of_session: Any, live_server: Any
) -> None:
    """S12.3"""
    context = browser_of_session.new_context(timezone_id="America/Los_Angeles")
    page = context.new_page()
    _open(page, live_server, OfferingFactory(modalities=["online"]))
    expect(page.locator(".zone-line")).to_contain_text("Los Angeles")
    context.close()
