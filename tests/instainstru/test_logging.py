"""Request ids and the one line per request. Spec: S16.2."""

import io
import json
import logging
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from structlog.testing import capture_logs

from accounts.roles import Role
from instainstru import logging as site_logging
from tests.factories.accounts import VerifiedUserFactory

pytestmark = [pytest.mark.S16, pytest.mark.django_db]


def request_lines(captured: list[Any]) -> list[dict[str, Any]]:
    return [dict(line) for line in captured if line["event"] == "request"]


@pytest.mark.parametrize("offered", ["abcd1234", "A-b-9-0-z", "a" * 64])
def test_a_well_formed_request_id_is_taken_over(offered: str, client: Client) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": offered})["X-Request-ID"] == offered


@pytest.mark.parametrize(
    "offered",
    ["", "short-1", "a" * 65, "has space 1", "dollar$$$$", "line\nbreak1", "éééééééé", "١٢٣٤٥٦٧٨"],
)
def test_another_request_id_is_replaced_by_a_fresh_one(offered: str, client: Client) -> None:
    first, second = (
        client.get("/healthz", headers={"X-Request-ID": offered})["X-Request-ID"] for _ in "12"
    )
    assert offered not in {first, second}
    assert first != second
    assert site_logging.REQUEST_ID_PATTERN.fullmatch(first)


def test_the_line_of_a_request_names_route_status_and_time(client: Client) -> None:
    with capture_logs() as captured:
        client.get("/accounts/login/?next=/lessons/")

    (line,) = request_lines(captured)
    assert (line["method"], line["route"], line["status"]) == ("GET", "account_login", 200)
    assert line["ms"] >= 0
    assert line["user"] is None


def test_configuring_again_leaves_loggers_in_use_alone(client: Client) -> None:
    client.get("/accounts/login/")
    site_logging.configure(settings.LOGGING)
    with capture_logs() as captured:
        client.get("/accounts/login/")
    assert request_lines(captured)


def test_a_person_is_a_keyed_hash_and_no_address_or_query_is_written(client: Client) -> None:
    person = VerifiedUserFactory(role=Role.STUDENT, email="maya.secret@example.com")
    client.force_login(person)

    with capture_logs() as captured:
        client.get("/lessons/?q=my-secret-question")
        client.get("/search/?q=my-secret-question")

    assert request_lines(captured)[0]["user"] == site_logging.hashed_user_id(person.pk)
    text = json.dumps(captured, default=str)
    assert "secret" not in text


def test_the_hash_depends_on_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = site_logging.hashed_user_id(1)
    monkeypatch.setattr(settings, "SECRET_KEY", "another" * 8)
    assert site_logging.hashed_user_id(1) != before


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What the handler of the root logger writes."""
    out = io.StringIO()
    handlers = [h for h in logging.getLogger().handlers if type(h) is logging.StreamHandler]
    for handler in handlers:
        monkeypatch.setattr(handler, "stream", out)
    return out


def test_every_line_is_json_with_the_request_id(written: io.StringIO, client: Client) -> None:
    client.get("/accounts/login/", headers={"X-Request-ID": "find-me-0001"})
    logging.getLogger("some.library").warning("from %s", "elsewhere")

    lines = [json.loads(text) for text in written.getvalue().splitlines()]
    assert any(line.get("route") == "account_login" for line in lines)
    assert any(line["event"] == "from elsewhere" for line in lines)
    assert all(line["request_id"] == "find-me-0001" for line in lines)
    assert all({"event", "level", "timestamp"} <= line.keys() for line in lines)
