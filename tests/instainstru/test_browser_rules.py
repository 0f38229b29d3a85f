"""What browsers are told on every answer, and what they report (Spec: S17.1, S17.10, S17.11)."""

import json
from typing import Any

import pytest
from django.test import Client
from structlog.testing import capture_logs

from instainstru.browser_rules import UNUSED_FEATURES
from tests.factories.accounts import student

pytestmark = [pytest.mark.django_db, pytest.mark.S17]

ADDRESS = "/csp-report/"
REPORT = {
    "document-uri": "https://instainstru.example/mail/off/a-secret-token/?next=x",
    "effective-directive": "script-src-elem",
    "blocked-uri": "https://evil.example/steal?cookie=secret",
}


def send(body: object, **headers: Any) -> Any:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    browser = Client(enforce_csrf_checks=True)
    return browser.post(ADDRESS, text, content_type="application/csp-report", **headers)


@pytest.mark.parametrize("address", ["/", "/nowhere/", "/accounts/login/", "/account/", "/healthz"])
def test_every_answer_denies_what_no_page_uses(client: Client, address: str) -> None:
    """S17.1."""
    answer = client.get(address)
    assert {f"{each}=()" for each in UNUSED_FEATURES} == set(
        answer["Permissions-Policy"].split(", ")
    )
    assert answer["Content-Security-Policy"].endswith(f"report-uri {ADDRESS}") or (
        f"report-uri {ADDRESS};" in answer["Content-Security-Policy"]
    )


def test_a_report_is_one_line_without_anything_secret() -> None:
    """S17.1, S17.11: tokens of links and what a page would have sent stay out of the log."""
    with capture_logs() as lines:
        assert send({"csp-report": REPORT}).status_code == 204
    told = [line for line in lines if line["event"] == "csp_violation"]
    assert [(line["directive"], line["page"], line["blocked"]) for line in told] == [
        ("script-src-elem", "accounts:mail-off", "evil.example")
    ]
    assert "secret" not in json.dumps(told)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\x00", b"[", b"[" * 5000, b"\xff\xfe", [], {}, "x", {"csp-report": []},
        {"csp-report": "x"}, {"csp-report": None},
    ],
)  # fmt: skip
def test_nonsense_is_refused(body: object) -> None:
    assert send(body).status_code == 400


@pytest.mark.parametrize(
    "name_and_value",
    [("blocked-uri", "http://[::1"), ("document-uri", "http://[::1"), ("blocked-uri", ["x"])],
)
def test_addresses_that_are_none_break_nothing(name_and_value: tuple[str, object]) -> None:
    report = REPORT | dict([name_and_value])
    assert send({"csp-report": report}).status_code in {204, 400}


def test_size_and_number_are_limited() -> None:
    """S17.10."""
    assert send(b" " * 8193).status_code == 413
    answers = [send({"csp-report": REPORT}).status_code for _ in range(61)]
    assert answers == [204] * 60 + [429]


def test_reports_are_only_sent(client: Client) -> None:
    client.force_login(student())
    assert client.get(ADDRESS).status_code == 405
