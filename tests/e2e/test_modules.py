"""The small scripts of the frame: what they add, and that pages do without (ux section 7)."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.town import Town, session_cookies

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db]

GALLERY = "/dev/gallery/"
OPENER = "a[hx-target='#dialog']"
NOTICE = "#toasts > [data-notice]"
SUMMARY = (
    '<div data-error-summary tabindex="-1"><h2 id="dialog-title">There is a problem</h2></div>'
)
REFUSAL = "<div><p data-error-words>Too many tries. Wait 37 seconds.</p></div>"


@pytest.fixture
def window(town: Town, site: str, browser_of_session: Any) -> Iterator[Any]:
    """A member of staff who is also a student, at a desk."""
    context = browser_of_session.new_context(base_url=site, viewport={"width": 1280, "height": 800})
    context.add_cookies(session_cookies(town.people["staff"], site))
    yield context
    context.close()


@pytest.fixture
def gallery(window: Any) -> Any:
    page = window.new_page()
    page.goto(GALLERY)
    expect(page.locator("[data-theme-switch]:not([hidden])").first).to_be_attached()
    return page


@pytest.fixture
def timed(window: Any) -> Any:
    """The gallery under a clock that the test moves."""
    page = window.new_page()
    page.clock.install()
    page.goto(GALLERY)
    expect(page.locator("[data-running]").nth(1)).to_be_attached()
    return page


def _without_scripts(browser: Any, town: Town, site: str) -> Any:
    context = browser.new_context(base_url=site, java_script_enabled=False)
    context.add_cookies(session_cookies(town.people["staff"], site))
    return context.new_page()


# --- Theme ----------------------------------------------------------------------------------------
def test_a_chosen_theme_stays_and_system_follows_the_device(gallery: Any) -> None:
    root, bars = gallery.locator("html"), "meta[name='theme-color'][media='all']"
    gallery.get_by_role("button", name="Dark").click()
    expect(root).to_have_attribute("data-theme", "dark")
    gallery.reload()
    expect(root).to_have_attribute("data-theme", "dark")
    expect(gallery.get_by_role("button", name="Dark")).to_have_attribute("aria-pressed", "true")
    assert gallery.locator(bars).get_attribute("content") == "#14101F"
    gallery.get_by_role("button", name="System").click()
    assert root.get_attribute("data-theme") is None
    assert gallery.locator(bars).count() == 0


def test_without_scripts_no_dead_switch_is_shown(
    browser_of_session: Any, town: Town, site: str
) -> None:
    page = _without_scripts(browser_of_session, town, site)
    page.goto(GALLERY)
    expect(page.locator("[data-theme-switch]")).to_be_hidden()
    page.locator(OPENER).first.click()
    expect(page.locator("h1")).to_contain_text("Cancel Thu, Mar 5")
    page.context.close()


# --- Dialog ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("way", ["Escape", "Close", "outside"])
def test_a_dialog_takes_the_focus_and_gives_it_back(gallery: Any, way: str) -> None:
    opener, dialog = gallery.locator(OPENER).first, gallery.locator("#dialog")
    for _ in range(2):
        opener.focus()
        gallery.keyboard.press("Enter")
        expect(dialog).to_be_visible()
        expect(gallery.locator("#dialog-title")).to_be_focused()
        assert gallery.evaluate("document.querySelector('#dialog').matches(':modal')")
        if way == "Escape":
            gallery.keyboard.press("Escape")
        elif way == "Close":
            dialog.get_by_role("link", name="Close").click()
        else:
            gallery.mouse.click(5, 5)
        expect(dialog).to_be_hidden()
        expect(opener).to_be_focused()


# --- Toasts and countdown -------------------------------------------------------------------------
def test_a_toast_waits_while_it_is_read(timed: Any) -> None:
    toast = timed.locator("[data-toast]").first
    toast.scroll_into_view_if_needed()
    toast.hover()
    timed.clock.run_for(20_000)
    expect(toast).to_be_visible()
    timed.mouse.move(0, 0)
    timed.clock.run_for(7_000)
    # Errors stay until somebody has closed them.
    left = timed.locator("[data-toast]")
    expect(left).to_have_count(1)
    expect(left).to_have_class(re.compile("toast-error"))
    left.get_by_role("button", name="Close this message").click()
    expect(left).to_have_count(0)


def test_time_left_is_said_at_two_minutes_and_thirty_seconds_and_at_the_end(timed: Any) -> None:
    """Spec: S13.2; ux 6.7."""
    live, left = timed.locator("#live"), timed.locator("[data-time-left]")
    timed.clock.run_for(7 * 60_000)
    expect(left).to_have_text(re.compile(r"^[23]:\d\d$"))
    timed.clock.run_for(61_000)
    expect(live).to_have_text(re.compile(r"^(2 minutes|1 minute \d+ seconds) left\.$"))
    timed.clock.run_for(90_000)
    expect(live).to_have_text(re.compile(r"^\d+ seconds left\.$"))
    timed.clock.run_for(31_000)
    expect(live).to_have_text("Your hold ended.")
    expect(timed.locator("#hold-over")).to_be_visible()


# --- Waiting, offline, refused --------------------------------------------------------------------
def test_a_slow_answer_can_be_asked_for_again(timed: Any) -> None:
    asked: list[str] = []

    def answer_the_second(route: Any) -> None:
        asked.append(route.request.url)
        if len(asked) == 2:
            route.continue_()

    timed.route("**/*dialog=1*", answer_the_second)
    timed.locator(OPENER).first.click()
    timed.clock.run_for(8_100)
    expect(timed.locator(NOTICE)).to_contain_text("Still working…")
    timed.get_by_role("button", name="Try again").click()
    expect(timed.locator("#dialog-title")).to_be_visible()
    expect(timed.locator(NOTICE)).to_have_count(0)
    assert len(asked) == 2


def test_offline_keeps_what_was_typed(window: Any) -> None:
    window.clear_cookies()
    page = window.new_page()
    page.goto("/accounts/password/reset/")
    page.fill("main input[type=email]", "sam@example.com")
    window.set_offline(True)
    page.locator("main form button").first.click()
    expect(page.locator(NOTICE)).to_contain_text("You're offline. We kept what you typed.")
    assert page.input_value("main input[type=email]") == "sam@example.com"
    window.set_offline(False)
    expect(page.locator(NOTICE)).to_have_count(0)
    page.locator("main form button").first.click()
    page.wait_for_url("**/password/reset/done/")


def test_an_offline_link_says_so(gallery: Any) -> None:
    gallery.context.set_offline(True)
    gallery.locator(OPENER).first.click()
    expect(gallery.locator(NOTICE)).to_contain_text("You're offline.")
    gallery.context.set_offline(False)


def test_a_refusal_is_shown_in_the_words_of_the_server(gallery: Any) -> None:
    """Spec: G6."""
    gallery.route("**/*dialog=1*", lambda route: route.fulfill(status=429, body=REFUSAL))
    gallery.locator(OPENER).first.click()
    expect(gallery.locator(NOTICE)).to_contain_text("Too many tries. Wait 37 seconds.")


def test_an_ended_session_leads_to_signing_in(gallery: Any) -> None:
    """Spec: G4."""
    gallery.context.clear_cookies()
    gallery.locator(OPENER).first.click()
    gallery.wait_for_url("**/accounts/login/?next=*gallery*")


def test_wrong_input_moves_the_focus_and_marks_the_title(window: Any) -> None:
    """Spec: G2."""
    page = window.new_page()
    page.goto(GALLERY)
    page.evaluate("document.querySelectorAll('main [data-error-summary]').forEach(e => e.remove())")
    page.route("**/*dialog=1*", lambda route: route.fulfill(status=422, body=SUMMARY))
    page.locator(OPENER).first.click()
    expect(page.locator("#dialog [data-error-summary]")).to_be_focused()
    assert page.title().startswith("Error: ")
    page.unroute("**/*dialog=1*")
    page.keyboard.press("Escape")
    page.locator(OPENER).first.click()
    expect(page.locator("#dialog-title")).to_be_focused()
    assert not page.title().startswith("Error: ")


# --- Forms, menus, passwords ----------------------------------------------------------------------
def test_a_form_is_sent_once_and_keeps_its_button_in_shape(gallery: Any) -> None:
    button = gallery.get_by_role("button", name="Pressed once")
    before = button.bounding_box()["width"]
    # "No content" leaves the page as it is, like an answer that is still on its way.
    gallery.route("**/*x=1*", lambda route: route.fulfill(status=204))
    button.evaluate("(button) => button.form.requestSubmit(button)")
    busy = gallery.get_by_role("button", name="Paying…")
    expect(busy).to_have_attribute("aria-disabled", "true")
    assert busy.bounding_box()["width"] >= before
    assert busy.locator(".spinner").count() == 1
    assert busy.evaluate(
        """(button) => !button.form.dispatchEvent(
          new SubmitEvent("submit", { bubbles: true, cancelable: true }))"""
    )


def test_an_error_link_focuses_its_field(gallery: Any) -> None:
    gallery.locator("[data-error-summary] a").first.click()
    assert gallery.evaluate("document.activeElement.id") == "bad_email"


def test_a_menu_closes_by_escape_press_elsewhere_and_tab(gallery: Any) -> None:
    summary, menu = gallery.locator(".menu > summary"), gallery.locator(".menu")
    for close in (
        lambda: gallery.keyboard.press("Escape"),
        lambda: gallery.locator("h1").click(),
        gallery.locator("main a").first.focus,
    ):
        summary.click()
        expect(menu).to_have_attribute("open", "")
        close()
        expect(menu).not_to_have_attribute("open", "")
    summary.click()
    gallery.keyboard.press("Escape")
    expect(summary).to_be_focused()


def test_a_password_can_be_shown_and_its_strength_is_said(window: Any) -> None:
    window.clear_cookies()
    page = window.new_page()
    page.goto("/accounts/signup/")
    field = page.locator("input[name=password1]")
    field.fill("short")
    expect(page.locator("main [role=status]")).to_contain_text("Too short")
    page.get_by_role("button", name="Show password").click()
    expect(field).to_have_attribute("type", "text")
    page.get_by_role("button", name="Hide password").click()
    expect(field).to_have_attribute("type", "password")


@pytest.mark.usefixtures("kept_pages")
def test_a_page_seen_before_signing_in_is_not_shown_after_it(
    browser_of_session: Any, town: Town, site: str
) -> None:
    """S9.3: neither from the browser's cache nor from its memory of whole pages."""
    context = browser_of_session.new_context(base_url=site)
    page, log_in = context.new_page(), "a[href='/accounts/login/']"
    page.goto("/services/")
    expect(page.locator(log_in).first).to_be_attached()
    page.goto("/help/")
    context.add_cookies(session_cookies(town.people["student"], site))
    page.go_back()
    expect(page.locator(log_in)).to_have_count(0)
    # The browser of the tests remembers no pages by itself.
    context.clear_cookies()
    page.evaluate("localStorage.setItem('signed-in', 'false')")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator(log_in).first).to_be_attached()
    context.close()
