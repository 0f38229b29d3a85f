"""Every operation with seeded nonsense, as each kind of person: no failure, no other shape.

What to send is drawn from the schema, then spoilt. Spec: 11 section 5 (API fuzzing), S17.6
"""

import json
import random
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from accounts.roles import Role
from instainstru import ratelimit
from instainstru.ratelimit import MINUTE, Limit
from tests.bookings.lessons.lesson_stage import set_stage
from tests.bookings.lessons.stage import become_guest, hold_of
from tests.factories.accounts import VerifiedUserFactory
from tests.factories.lessons import HoldFactory, tomorrow_at

pytestmark = [pytest.mark.django_db, pytest.mark.S17]
TRIES, SEED = 12, 20261127
NONSENSE: tuple[Any, ...] = (
    None, True, -1, 0, 10**40, 1.5, 1e308, "", " ", "x" * 5000, "\x00", "\u202e", "é" * 90, "%00",
    "' OR 1=1 --", "<script>", "{{7*7}}", "0001-01-01", "9999-12-31T23:59:59Z", "2026-02-30",
    "2026-11-29T15:00:00+99:00", [], ["online"], {}, {"a": {"b": []}}, "II-ZZZZZZ",
)  # fmt: skip
MINE = ("holds_create", "bookings_list", "bookings_get", "bookings_cancel_preview")
Schema = dict[str, Any]


@pytest.fixture(scope="module")
def schema() -> Schema:
    from instainstru.api_schema import description

    found: Schema = json.loads(description())
    return found


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_GUESTS", "API_PEOPLE"):
        assert isinstance(getattr(ratelimit, name), Limit)
        monkeypatch.setattr(f"instainstru.api.{name}", Limit("fuzz", 10**6, MINUTE))


class Fuzzer:
    """Draws requests for the operations of a schema."""

    def __init__(self, schema: Schema, known: dict[str, list[Any]], luck: random.Random) -> None:
        self.schema, self.known, self.luck = schema, known, luck
        self.is_spoilt = True

    def resolved(self, part: Schema) -> Schema:
        """Follow a reference, and take the one part of a composition."""
        if "$ref" in part:
            name = part["$ref"].rsplit("/", 1)[1]
            return self.resolved(self.schema["components"]["schemas"][name])
        for word in ("allOf", "oneOf", "anyOf"):
            if word in part:
                return self.resolved(part[word][0])
        return part

    def value(self, name: str, part: Schema) -> Any:
        """Return something known, something that fits, or nonsense."""
        dice = self.luck.random() if self.is_spoilt else 1
        if dice < 0.35:
            return self.luck.choice(NONSENSE)
        if dice > 0.5 and name in self.known:
            return self.luck.choice(self.known[name])
        part = self.resolved(part)
        kind = part.get("type")
        kind = kind[0] if isinstance(kind, list) else kind
        if "enum" in part:
            return self.luck.choice(part["enum"])
        if kind == "integer":
            return self.luck.choice([0, 1, 60, 9500, 2**63])
        if kind == "boolean":
            return self.luck.choice([True, False])
        return "".join(self.luck.choices("abcXYZ019-_ .é", k=self.luck.randint(0, 30)))

    def body(self, operation: Schema) -> Any:
        """Return a body for the operation, now and then one that is no object at all."""
        if "requestBody" not in operation or (self.is_spoilt and self.luck.random() < 0.1):
            return self.luck.choice(NONSENSE)
        part = self.resolved(operation["requestBody"]["content"]["application/json"]["schema"])
        body = {name: self.value(name, each) for name, each in part["properties"].items()}
        if self.is_spoilt and self.luck.random() < 0.3:
            body.pop(self.luck.choice(sorted(body)))
        if self.is_spoilt and self.luck.random() < 0.15:
            body["price_cents"] = 1
        return body

    def query(self, operation: Schema) -> dict[str, str]:
        """Return parameters for the operation."""
        found = {}
        for each in operation.get("parameters", ()):
            if each["in"] == "query" and (not self.is_spoilt or self.luck.random() < 0.85):
                found[each["name"]] = str(self.value(each["name"], each["schema"]))
        return found

    def path(self, path: str, operation: Schema) -> str:
        """Return an address with known or unknown names in it."""
        for each in operation.get("parameters", ()):
            if each["in"] == "path":
                unknown = ["ZZZZZZZZZZ", "II-ZZZZZZ", "x" * 300, "0"]
                pool = self.known.get(each["name"], []) + (unknown if self.is_spoilt else [])
                path = path.replace("{" + each["name"] + "}", self.luck.choice(pool))
        return path


@pytest.mark.parametrize("who", ["guest", "student", "instructor", "analyst"])
def test_no_nonsense_makes_it_fail(schema: Schema, who: str) -> None:
    luck = random.Random(f"{SEED} {who}")  # noqa: S311 - a plan, not a secret
    stage = set_stage(profile={"slug": "andre-w"})
    offering = stage.lesson.offering
    guests = HoldFactory(
        student=None, learner=None, guest_key="guest-key-1", offering=offering,
        start_at=tomorrow_at(9, days=7),
    )  # fmt: skip
    own = hold_of(stage.maya, offering=offering, start_at=tomorrow_at(13, days=7))
    client = Client(raise_request_exception=False)
    if who == "guest":
        become_guest(client)
    else:
        analyst = VerifiedUserFactory(role=Role.ANALYST)
        client.force_login({"student": stage.maya, "instructor": stage.andre}.get(who, analyst))
    learners = [own.learner.public_id] if who == "student" else [""]
    known = {
        "slug": ["andre-w"], "instructor": ["andre-w"], "service": [offering.service.slug],
        "duration": [60], "place": ["online"], "hold_id": [guests.hold_id, own.hold_id],
        "code": [stage.code], "learner": learners, "terms": [True],
        "start": [f"{tomorrow_at(hour, days=6):%Y-%m-%dT%H:%M:%SZ}" for hour in (9, 11, 14)],
        "first_on": [f"{tomorrow_at(9):%Y-%m-%d}"],
        "last_on": [f"{tomorrow_at(9, days=6):%Y-%m-%d}"],
        "reason": ["schedule"], "card_refund_cents": [9500], "credit_cents": [0],
        "card_number": ["4242 4242 4242 4242"], "due_cents": [9000, 9500],
        "neighborhood": [own.neighborhood.slug], "address": ["45 Carroll Street"], "limit": [5],
        "refund_to": ["card"], "cursor": [""],
    }  # fmt: skip
    fuzzer, seen = Fuzzer(schema, known, luck), set()
    for path, operations in sorted(schema["paths"].items()):
        for method, operation in sorted(operations.items()):
            for number in range(TRIES):
                fuzzer.is_spoilt = number % 3 > 0
                address = fuzzer.path(path, operation)
                key = luck.choice(["", "k", f"k{number}", "\x7f", "k" * 200])
                if method == "get":
                    answer = client.get(address, fuzzer.query(operation))
                else:
                    text = json.dumps(fuzzer.body(operation))
                    headers = {"Idempotency-Key": key} if key else {}
                    answer = client.generic(
                        method.upper(), address, text, "application/json", headers=headers
                    )
                told = (method, address, answer.status_code, answer.content[:300])
                assert answer.status_code < 500, told
                _check_shape(schema, operation, answer, told)
                seen.add((operation["operationId"], answer.status_code // 100))
    done = {name for name, hundred in seen if hundred == 2}
    assert done >= {"schema", "slots", *(MINE if who == "student" else ())}


def _check_shape(schema: Schema, operation: Schema, answer: Any, told: Any) -> None:
    responses = operation["responses"]
    declared = responses.get(str(answer.status_code))
    if declared is None and 400 <= answer.status_code < 500:
        declared = responses["4XX"]
    assert declared is not None, told
    if "content" not in declared:
        assert not answer.content, told
        return
    part = declared["content"]["application/json"]["schema"]
    validator = Draft202012Validator({**part, "components": schema["components"]})
    errors = list(validator.iter_errors(answer.json()))
    assert not errors, (told, errors[:2])
