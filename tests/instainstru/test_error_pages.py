"""Refusals and failures have words, a way back and the frame, with the database away."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

import html5lib
import pytest
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings
from django.urls import path
from django.views.decorators.http import require_POST

from instainstru import urls
from instainstru.access import public
from instainstru.error_pages import PAGES, error_page
from instainstru.errors import (
    ConflictError,
    ForbiddenError,
    RateLimitedError,
    ValidationFailedError,
)

handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500
HTMX = {"HX-Request": "true"}
RAISED: dict[str, tuple[Exception, int]] = {
    "role": (PermissionDenied("bookings.view_own"), 403),
    "forbidden": (ForbiddenError("Only the learner may read this."), 403),
    "conflict": (ConflictError("Andre moved this lesson."), 409),
    "input": (ValidationFailedError("Choose a day first."), 422),
    "limit": (RateLimitedError("Too many.", retry_after_seconds=37), 429),
    "large": (RequestDataTooBig("11 MB"), 413),
    "bug": (ZeroDivisionError(), 500),
    "database": (OperationalError("gone"), 503),
}


@public
def fail(request: HttpRequest, kind: str) -> HttpResponse:
    raise RAISED[kind][0]


@public
@require_POST
def only_post(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


urlpatterns = [path("fail/<slug:kind>/", fail), path("post/", only_post), *urls.urlpatterns]


@pytest.fixture(autouse=True)
def no_database(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every query fails as it does when the server is stopped; no test here may connect."""

    def refuse(*_: Any) -> None:
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def visitor() -> Client:
    client = Client(raise_request_exception=False)
    # A cookie of a session that only the lost database could explain.
    client.cookies["sessionid"] = "x" * 32
    return client


@pytest.fixture
def sender() -> Client:
    """A browser that has visited a form: the token is looked for in the body."""
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    return client


def parse(page: HttpResponse) -> Any:
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page.content)


@pytest.mark.parametrize("kind", sorted(RAISED))
def test_every_failure_answers_in_the_frame_without_a_database(visitor: Client, kind: str) -> None:
    """Spec: G2, G3, G5, G6."""
    page = visitor.get(f"/fail/{kind}/")
    assert page.status_code == RAISED[kind][1]
    document = parse(page)
    assert len(document.findall(".//h1")) == 1
    assert document.find(".//footer") is not None
    assert document.find(".//main[@id='main']") is not None
    assert document.findall(".//main//a") or kind == "database"


def test_an_unknown_address_offers_a_search(visitor: Client) -> None:
    page = visitor.get("/nothing/here/")
    assert page.status_code == 404
    assert parse(page).find(".//main//form[@role='search']") is not None


def test_a_lost_database_is_503_with_a_time_to_come_back(visitor: Client) -> None:
    """Spec: G6."""
    page = visitor.get("/")
    assert page.status_code == 503
    assert page["Retry-After"] == "5"
    assert "5 seconds" in page.content.decode()


def test_a_missing_role_is_named(visitor: Client) -> None:
    """Spec: G5."""
    assert "student or admin" in visitor.get("/fail/role/").content.decode()


def test_sentences_of_the_refusal_reach_the_page(visitor: Client) -> None:
    for kind in ("forbidden", "conflict", "input"):
        assert str(RAISED[kind][0].args[0]) in visitor.get(f"/fail/{kind}/").content.decode()


def test_a_limit_names_the_real_wait(visitor: Client) -> None:
    """Spec: G6."""
    page = visitor.get("/fail/limit/")
    assert page["Retry-After"] == "37"
    assert "37 seconds" in page.content.decode()


def test_a_bug_gives_the_id_that_is_in_the_log(visitor: Client) -> None:
    """Spec: G6."""
    page = visitor.get("/fail/bug/", headers={"X-Request-ID": "request-12345"})
    assert page["X-Request-ID"] == "request-12345"
    assert "request-12345" in page.content.decode()
    assert "ZeroDivisionError" not in page.content.decode()


def test_input_errors_say_so_in_the_title(visitor: Client) -> None:
    titles = {kind: parse(visitor.get(f"/fail/{kind}/")).find(".//title").text for kind in RAISED}
    marked = {kind for kind, title in titles.items() if title.startswith("Error: ")}
    assert marked == {"conflict", "input"}


@pytest.mark.parametrize("kind", sorted(RAISED))
def test_htmx_gets_the_same_words_as_a_fragment(visitor: Client, kind: str) -> None:
    """Spec: G1."""
    page = visitor.get(f"/fail/{kind}/", headers=HTMX)
    text = page.content.decode()
    assert page.status_code == RAISED[kind][1]
    assert "<html" not in text
    assert text.count('role="alert"') == 1
    assert "data-error-words" in text
    assert "HX-Request" in page["Vary"]


def test_an_address_that_only_takes_forms_says_so(visitor: Client) -> None:
    page = visitor.get("/post/")
    assert page.status_code == 405
    assert page["Allow"] == "POST"
    assert len(parse(page).findall(".//h1")) == 1


def test_files_over_the_limit_are_413_and_never_written(sender: Client) -> None:
    """S17.3: files count like fields."""
    large = SimpleUploadedFile("large.bin", b"x" * 5000)
    with (
        patch.object(MemoryFileUploadHandler, "new_file") as opened,
        override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=2000),
    ):
        page = sender.post("/post/", {"text": "x", "file": large})
    assert page.status_code == 413
    opened.assert_not_called()


def test_a_body_over_the_limit_is_413(sender: Client) -> None:
    """Spec: S17.3."""
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        page = sender.post("/post/", {"text": "x" * 200})
    assert page.status_code == 413
    assert "10 MB" in page.content.decode()


def test_more_than_a_thousand_fields_are_400(sender: Client) -> None:
    """Spec: S17.3."""
    page = sender.post("/post/", {f"f{number}": "x" for number in range(1001)})
    assert page.status_code == 400
    assert len(parse(page).findall(".//h1")) == 1


def test_a_form_without_its_token_can_be_sent_again() -> None:
    """Spec: S17.10."""
    page = Client(enforce_csrf_checks=True).post("/post/")
    assert page.status_code == 403
    assert "reload the page" in page.content.decode()


@pytest.mark.parametrize("status", sorted(PAGES))
def test_words_from_outside_stay_words(rf: RequestFactory, status: int) -> None:
    bad = "<script>alert(1)</script>"
    for headers in ({}, HTMX):
        page = error_page(rf.get("/", headers=headers), status, message=bad, roles=bad)
        assert bad not in page.content.decode()


@pytest.mark.parametrize(("status", "words"), [(402, "sent"), (410, "sent"), (502, "our side")])
def test_a_status_without_words_of_its_own_borrows_some(
    rf: RequestFactory, status: int, words: str
) -> None:
    page = error_page(rf.get("/"), status)
    assert page.status_code == status
    assert words in parse(page).find(".//h1").text
