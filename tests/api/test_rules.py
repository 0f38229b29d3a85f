"""What holds for every address of the API (Spec: S17.14, S17.4, S17.10, G4, G12)."""

import json

import pytest
from django.db import OperationalError
from django.test import Client, override_settings
from drf_spectacular.validation import validate_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.roles import Role
from instainstru import ratelimit
from instainstru.api_rules import DeclaredAccess
from instainstru.ratelimit import MINUTE, Limit
from tests.api.programs import call
from tests.factories.accounts import VerifiedUserFactory, student

pytestmark = [pytest.mark.django_db, pytest.mark.S17]
SCHEMA, HOLDS = "/api/v1/schema/", "/api/v1/holds/"


def error_of(answer: object) -> str:
    return str(answer.json()["error"]["code"])


def test_schema_is_public_and_valid(client: Client) -> None:
    answer = client.get(SCHEMA)
    assert answer.status_code == 200
    assert answer["Cache-Control"].startswith("public")
    validate_schema(answer.json())


def test_every_operation_says_how_it_refuses(client: Client) -> None:
    for operations in client.get(SCHEMA).json()["paths"].values():
        for operation in operations.values():
            assert "4XX" in operation["responses"]
            assert operation["description"]


def test_schema_says_who_may_call(client: Client) -> None:
    """Spec: S5.2"""
    paths = client.get(SCHEMA).json()["paths"]
    assert {} in paths[HOLDS]["post"]["security"]
    confirm = paths["/api/v1/holds/{hold_id}/confirm/"]["post"]
    assert confirm["security"] == [{"session": []}]
    assert confirm["x-permissions"] == ["bookings.create"]


def test_page_of_the_operations_is_for_those_who_run_the_site(client: Client) -> None:
    client.force_login(VerifiedUserFactory(role=Role.ADMIN))
    page = client.get("/staff/api/").content.decode()
    for path in client.get(SCHEMA).json()["paths"]:
        assert path in page
    client.force_login(student())
    assert client.get("/staff/api/").status_code == 403


@pytest.mark.parametrize("path", ["/api/v1/nothing/", "/api/v2/", "/api/v1/holds/ZZZZZZZZZZ/"])
def test_unknown_address_answers_json(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, error_of(answer)) == (404, "not_found")
    assert answer["Content-Type"] == "application/json"


def test_wrong_method_names_the_right_ones(client: Client) -> None:
    answer = call(client, "PATCH", HOLDS, {})
    assert (answer.status_code, error_of(answer)) == (405, "method_not_allowed")
    assert answer["Allow"] == "POST"


def test_only_json_is_read(client: Client) -> None:
    answer = client.post(HOLDS, {"a": "b"})
    assert (answer.status_code, error_of(answer)) == (415, "unsupported_media_type")


@pytest.mark.parametrize(
    "body", ["{", "[" * 100_000, '{"a": NaN}', "\xff", '{"a": "\\ud800"}', '{"a": ' + "9" * 9999]
)
def test_unreadable_body_is_refused(client: Client, body: str) -> None:
    answer = client.generic("POST", HOLDS, body.encode("latin-1"), content_type="application/json")
    assert (answer.status_code, error_of(answer)) == (400, "bad_request")


@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "[{}]"])
def test_body_that_is_no_object_is_refused(client: Client, body: str) -> None:
    answer = client.generic("POST", HOLDS, body, content_type="application/json")
    assert (answer.status_code, error_of(answer)) == (422, "validation")


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100)
def test_huge_body_is_refused(client: Client) -> None:
    answer = call(client, "POST", HOLDS, {"service": "x" * 200})
    assert (answer.status_code, error_of(answer)) == (413, "too_large")


@pytest.mark.parametrize("is_guest", [True, False])
def test_token_is_asked_of_guests_too(is_guest: bool) -> None:
    """Spec: S17.10"""
    client = Client(enforce_csrf_checks=True)
    if not is_guest:
        client.force_login(student())
    answer = call(client, "POST", HOLDS, {})
    assert (answer.status_code, error_of(answer)) == (403, "csrf")
    client.get("/accounts/login/" if is_guest else "/account/")
    headers = {"X-CSRFToken": client.cookies["csrftoken"].value}
    answer = client.post(HOLDS, {}, content_type="application/json", headers=headers)
    assert answer.status_code == 422


@pytest.mark.parametrize(("is_guest", "name"), [(True, "API_GUESTS"), (False, "API_PEOPLE")])
def test_too_many_requests_name_the_wait(
    client: Client, monkeypatch: pytest.MonkeyPatch, is_guest: bool, name: str
) -> None:
    assert getattr(ratelimit, name).uses == (120 if is_guest else 600)
    monkeypatch.setattr(f"instainstru.api.{name}", Limit("few", 2, MINUTE))
    if not is_guest:
        client.force_login(student())
    answers = [client.get(SCHEMA) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert error_of(answers[2]) == "rate_limited"
    assert int(answers[2]["Retry-After"]) > 0


def test_view_without_a_rule_is_refused(client: Client) -> None:
    class Bare(APIView):
        pass

    assert Bare().permission_classes == [DeclaredAccess]
    assert not DeclaredAccess().has_permission(Request(client.get(SCHEMA).wsgi_request), Bare())


def test_answers_are_private(client: Client) -> None:
    answer = client.get("/api/v1/holds/ZZZZZZZZZZ/")
    assert answer["Cache-Control"] == "private, no-store"
    assert "default-src 'none'" in answer["Content-Security-Policy"]


def test_failure_is_json_and_says_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise RuntimeError("secret")

    client.raise_request_exception = False
    monkeypatch.setattr("bookings.lessons.api.release_hold", fail)
    answer = client.delete("/api/v1/holds/ZZZZZZZZZZ/")
    assert (answer.status_code, error_of(answer)) == (500, "internal")
    assert "secret" not in json.dumps(answer.json())


def test_lost_database_says_when_to_try_again(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("bookings.lessons.api.release_hold", fail)
    answer = client.delete("/api/v1/holds/ZZZZZZZZZZ/")
    assert (answer.status_code, error_of(answer)) == (503, "unavailable")
    assert answer["Retry-After"]
