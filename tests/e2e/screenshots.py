"""Takes the pictures of the README from a running demo site; run it by ``bin/screenshots``."""

import re
import sys
from pathlib import Path
from typing import Any

from accounts.demo import DEMO_PASSWORD
from tests.e2e.conftest import ARGUMENTS, find_chromium

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
EMAIL = "student@instainstru.test"
QUERY = "/search/?q=piano+in+brooklyn+under+%2490"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}


def take(page: Any, name: str, *, size: dict[str, int] = DESKTOP, scheme: str = "light") -> None:
    """Save what a visitor sees first of the page."""
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_load_state("networkidle")
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=FOLDER / f"{name}.jpg", type="jpeg", quality=82)


def sign_in(page: Any, site: str) -> None:
    """Log the demo student in."""
    page.goto(f"{site}/accounts/login/")
    page.fill("[name=login]", EMAIL)
    page.fill("[name=password]", DEMO_PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(f"{site}/")


def walk(page: Any, site: str) -> None:
    """Follow the path of a student and take a picture at each step."""
    page.goto(site)
    take(page, "home")
    take(page, "home-dark", scheme="dark")
    page.goto(f"{site}{QUERY}")
    take(page, "results")
    take(page, "results-phone", size=PHONE)
    profile = page.locator("a.card-link").first.get_attribute("href")
    page.goto(f"{site}{profile}")
    take(page, "profile")
    take(page, "profile-phone-dark", size=PHONE, scheme="dark")
    sign_in(page, site)
    page.goto(f"{site}{profile.split('?')[0]}book/")
    page.locator(".slots label").first.click()
    take(page, "times")
    page.get_by_role("button", name=re.compile("^Continue")).click()
    page.wait_for_url("**/book/*/")
    take(page, "review-and-pay")
    page.get_by_role("button", name=re.compile("^Release")).click()
    page.goto(f"{site}/lessons/")
    take(page, "my-lessons")
    take(page, "my-lessons-phone", size=PHONE)


def main() -> None:
    """Start Chromium and walk."""
    from playwright.sync_api import sync_playwright

    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        walk(browser.new_page(timezone_id="America/New_York"), sys.argv[1].rstrip("/"))
        browser.close()


if __name__ == "__main__":
    main()
