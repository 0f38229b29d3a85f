"""What a page may weigh and ask (performance D6): bytes, queries, requests, no other server."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import brotli
import django_htmx
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.test.testcases import LiveServerThread
from django.test.utils import CaptureQueriesContext

from instainstru.bundling import SHEET, bundle_css
from tests.e2e.town import Town

pytestmark = pytest.mark.django_db

STATIC = Path(settings.BASE_DIR) / "static"
HTMX = Path(django_htmx.__file__).parent / "static" / "django_htmx" / "htmx-2.min.js"
KB = 1000
BUNDLED = {
    **settings.STORAGES,
    "staticfiles": {"BACKEND": "instainstru.bundling.BundlingStaticFilesStorage"},
}
NOT_SENT = ["admin", "account", "ext", "*htmx-4*", "htmax*"]
FIRST_VIEWS = ("/", "/services/", "/search/?q=piano", "/i/maya-c/", "/i/maya-c/book/")


class Budget(NamedTuple):
    """Most queries, bytes of HTML and bytes of it compressed, for one page and person.

    The times of a day need six queries where D6 asks for two: instructor, offers, prices, policy,
    hours and bookings are six tables' worth, and no page of times may be kept.
    """

    address: str
    who: str
    queries: int
    html: int = 60 * KB
    packed: int = 8 * KB
    is_fragment: bool = False


TIMES = "?service={service}&duration=60&place=at_student"
BUDGETS = (
    Budget("/", "guest", 5),
    Budget("/", "student", 12),
    Budget("/services/", "guest", 2),
    Budget("/services/music/", "guest", 2),
    Budget("/services/music/{service}/", "guest", 5),
    Budget("/i/maya-c/", "guest", 6),
    Budget("/search/?q=piano in park slope saturday", "guest", 5, 40 * KB, 7 * KB),
    Budget("/i/maya-c/book/" + TIMES, "guest", 6),
    Budget("/i/maya-c/book/" + TIMES, "guest", 6, 20 * KB, 4 * KB, is_fragment=True),
    Budget("/book/{hold}/", "student", 10),
    Budget("/lessons/", "student", 6, 40 * KB),
    Budget("/lessons/{code}/", "student", 6, 40 * KB),
    Budget("/teach/", "teacher", 6, 40 * KB),
    Budget("/legal/privacy/", "guest", 0),
    Budget("/accessibility/", "guest", 0),
    Budget("/accounts/login/", "guest", 3),
)


@pytest.mark.parametrize(
    "budget", BUDGETS, ids=lambda b: f"{b.who}:{b.address}{b.is_fragment or ''}"
)
def test_a_page_stays_within_its_queries_and_bytes(town: Town, budget: Budget) -> None:
    client, address = town.people[budget.who], town.address(budget.address)
    headers = {"HX-Request": "true"} if budget.is_fragment else {}
    client.get(address, headers=headers)
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address, headers=headers)
    used = (len(captured), len(answer.content), len(brotli.compress(answer.content, quality=5)))
    assert answer.status_code == 200
    allowed = (budget.queries, budget.html, budget.packed)
    assert all(mine <= most for mine, most in zip(used, allowed, strict=True)), (used, allowed)


def _packed(text: bytes) -> int:
    return len(brotli.compress(text, quality=11))


def test_styles_scripts_and_fonts_stay_small() -> None:
    """As they are sent: one sheet, each module by itself, htmx included."""
    sheet = bundle_css(SHEET, lambda name: (STATIC / name).read_text())
    scripts = [HTMX, *(STATIC / "js").rglob("*.js")]
    fonts = (STATIC / "vendor" / "fonts").glob("*.woff2")
    assert _packed(sheet.encode()) <= 25 * KB
    assert sum(_packed(path.read_bytes()) for path in scripts) <= 35 * KB
    assert sum(path.stat().st_size for path in fonts) <= 61 * 1024


@pytest.fixture(scope="module")
def deployed(town: Town, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with collected, hashed and compressed static files."""
    root = tmp_path_factory.mktemp("static")
    with override_settings(STORAGES=BUNDLED, STATIC_ROOT=root):
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=NOT_SENT)
        # The site's own middleware serves the files, as it does when deployed.
        server = LiveServerThread("localhost", static_handler=lambda application: application)
        server.daemon = True
        server.start()
        server.is_ready.wait()
        assert server.error is None
        yield f"http://localhost:{server.port}"
        server.terminate()


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("address", FIRST_VIEWS)
def test_a_first_view_takes_few_requests_and_bytes_from_one_server(
    deployed: str, browser_of_session: Any, address: str
) -> None:
    window = browser_of_session.new_context(viewport={"width": 1280, "height": 900})
    answers: list[Any] = []
    page = window.new_page()
    page.on("response", lambda answer: answers.extend([answer]))
    with override_settings(STORAGES=BUNDLED):
        page.goto(deployed + address, wait_until="networkidle")
    sent = [answer for answer in answers if not answer.url.startswith("data:")]
    assert all(answer.url.startswith(deployed) and answer.ok for answer in sent)
    sizes = {answer.url: answer.request.sizes()["responseBodySize"] for answer in sent}
    # A section that comes into view later asks for itself; in a small town all are in view.
    first = [answer for answer in sent if "hx-request" not in answer.request.headers]
    assert len(first) <= 12, sizes
    assert sum(sizes.values()) <= 250 * KB, sizes
    for answer in sent:
        assert "/static/" not in answer.url or "immutable" in answer.headers["cache-control"]
    window.close()
