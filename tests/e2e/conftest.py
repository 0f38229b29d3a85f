"""A real Chromium against the live test server."""

import os
import secrets
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update")


def find_chromium() -> str | None:
    """Return the browser's path: ``$CHROMIUM``, else the first one in PATH."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Return the browser's path; skips with the way to get one."""
    named = find_chromium()
    if not named:
        pytest.skip("needs Chromium: install the package 'chromium' or set CHROMIUM to its path")
    return named


@pytest.fixture(scope="session")
def browser_of_session(chromium_path: str) -> Iterator[Any]:
    """Start the browser once."""
    from playwright.sync_api import expect, sync_playwright

    # Long enough for a machine that does much else; waiting ends when the page is as expected.
    expect.set_options(timeout=30_000)
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    # Playwright runs an event loop in this thread; the ORM of the test itself is not in it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=ARGUMENTS)
        yield browser
        browser.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="module")
def town(django_db_setup: None, django_db_blocker: Any, worker_id: str) -> Iterator[Any]:
    """One committed town for all tests of a module; the tables are emptied after the last."""
    from django.core.cache import cache
    from django.core.management import call_command
    from django.test import override_settings

    from search.snapshot import forget_snapshot
    from tests.conftest import PLAIN_STORAGES, restore_first_rows
    from tests.e2e.town import build_town

    before, cache.key_prefix = cache.key_prefix, f"test:{worker_id}:{secrets.token_hex(4)}"
    outbox = "bookings.notifications.mail.OutboxEmailBackend"
    with django_db_blocker.unblock(), override_settings(
        EMAIL_BACKEND=outbox, STORAGES=PLAIN_STORAGES
    ):  # fmt: skip
        yield build_town()
        call_command("flush", interactive=False, verbosity=0)
        restore_first_rows()
        forget_snapshot()
    cache.key_prefix = before


@pytest.fixture(scope="module")
def site(town: Any) -> Iterator[str]:
    """The address of a server that shows the town."""
    from pytest_django.live_server_helper import LiveServer

    server = LiveServer("localhost")
    yield server.url
    server.stop()
