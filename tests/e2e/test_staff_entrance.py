"""Staff set up their second step before the admin opens; a recovery code works once (S17.2)."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import User
from accounts.roles import Role
from accounts.services import grant_role
from tests.factories.accounts import VerifiedUserFactory
from tests.factories.second_step import code_of

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.S5,
    pytest.mark.django_db(transaction=True),
]

PASSWORD = "correct horse battery"


@pytest.fixture
def ada() -> User:
    """Staff of today, who has only a password."""
    person: User = VerifiedUserFactory(
        email="ada@example.com", first_name="Ada", last_name="Moss", password=PASSWORD
    )
    grant_role(person, Role.ADMIN)
    return person


@pytest.fixture
def page(browser_of_session: Any, live_server: Any) -> Any:
    window = browser_of_session.new_context(base_url=live_server.url, reduced_motion="reduce")
    yield window.new_page()
    window.close()


def _sign_in(page: Page) -> None:
    page.goto("/accounts/login/?next=/admin/")
    page.get_by_label("Email", exact=False).first.fill("ada@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Log in").first.click()


def _second_step(page: Page, code: str) -> None:
    page.get_by_label("Code").fill(code)
    page.locator("main").get_by_role("button", name="Log in").click()


def test_staff_are_led_to_the_second_step_and_a_recovery_code_works_once(
    page: Page, ada: User
) -> None:
    _sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Turn on the second step")
    page.goto("/admin/accounts/user/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Turn on the second step")
    seed = page.locator("code.key").text_content() or ""
    page.get_by_label("Code").fill(code_of(seed.replace(" ", "")))
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    code = page.locator(".codes code").first.text_content() or ""
    page.get_by_role("link", name="I've saved them, continue").click()
    expect(page).to_have_url(re.compile(r"/admin/"))

    page.context.clear_cookies()
    _sign_in(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Second step")
    _second_step(page, code)
    expect(page).to_have_url(re.compile(r"/admin/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("What waits")

    page.context.clear_cookies()
    _sign_in(page)
    _second_step(page, code)
    expect(page.locator("[data-error-summary]")).to_be_visible()
    page.goto("/admin/")
    expect(page).to_have_url(re.compile(r"/accounts/"))
