"""Times and holds for programs (Spec: S17.14, S12.4, R14, G12)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from bookings.lessons.errors import SlotTakenError
from bookings.lessons.locks import SlotBusyError
from bookings.lessons.models import Booking
from catalog.models import Offering
from instainstru import clock
from tests.api.programs import call
from tests.bookings.lessons.stage import hold_of, slot_value
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import tomorrow_at

pytestmark = [pytest.mark.django_db, pytest.mark.S17, pytest.mark.S12]
HOLDS = "/api/v1/holds/"


@pytest.fixture
def offering() -> Any:
    return OfferingFactory(instructor=InstructorFactory(slug="maya-c"))


def wanted(offering: Offering, **changes: Any) -> dict[str, Any]:
    return {
        "instructor": offering.instructor.slug,
        "service": offering.service.slug,
        "duration": 60,
        "place": "online",
        "start": slot_value(tomorrow_at(10)),
        **changes,
    }


def asked(offering: Offering, **changes: Any) -> dict[str, Any]:
    today = clock.now().astimezone(clock.NEW_YORK).date()
    query = {
        "service": offering.service.slug,
        "duration": "60",
        "place": "online",
        "first_on": today.isoformat(),
        "last_on": today.replace(day=28).isoformat() if today.day < 28 else today.isoformat(),
        **changes,
    }
    return {name: value for name, value in query.items() if value is not None}


# --- Times ----------------------------------------------------------------------------------------
def test_slots_are_the_instants_that_can_be_held(client: Client, offering: Offering) -> None:
    start = tomorrow_at(10)
    on = start.astimezone(clock.NEW_YORK).date().isoformat()
    query = asked(offering, first_on=on, last_on=on)
    path = "/api/v1/instructors/maya-c/slots/"
    body = client.get(path, query).json()
    assert slot_value(start) in body["starts"]
    assert body["zone"] == "America/New_York"
    assert body["travel_fee_cents"] == 0
    call(client, "POST", HOLDS, wanted(offering))
    seen_by_others = Client().get(path, query).json()["starts"]
    assert slot_value(start) not in seen_by_others


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"service": "juggling"}, "service"),
        ({"duration": "61"}, "duration"),
        ({"duration": "x"}, "duration"),
        ({"place": "on the moon"}, "place"),
        ({"first_on": "tomorrow"}, "first_on"),
        ({"first_on": "0001-01-01"}, "last_on"),
        ({"last_on": "2099-01-01"}, "last_on"),
        ({"learner": "ZZZZZZZZZZ"}, "learner"),
        ({"service": None}, "service"),
        ({"color": "blue"}, "color"),
    ],
)
def test_wrong_value_of_a_question_is_named(
    client: Client, offering: Offering, changes: dict[str, Any], field: str
) -> None:
    answer = client.get("/api/v1/instructors/maya-c/slots/", asked(offering, **changes))
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["code"] == "validation"
    assert set(error["fields"]) == {field}


def test_unknown_instructor_is_not_found(client: Client, offering: Offering) -> None:
    answer = client.get("/api/v1/instructors/nobody/slots/", asked(offering))
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


# --- Holds ----------------------------------------------------------------------------------------
def test_guest_holds_looks_and_releases(client: Client, offering: Offering) -> None:
    made = call(client, "POST", HOLDS, wanted(offering))
    assert made.status_code == 201
    assert set(made.json()) == {"hold_id", "status"}
    address = f"{HOLDS}{made.json()['hold_id']}/"
    found = client.get(address).json()
    assert (found["status"], found["learner"]) == ("held", None)
    assert found["start"] == slot_value(tomorrow_at(10))
    assert found["due_cents"] == found["price_cents"]
    assert call(client, "DELETE", address).status_code == 204
    assert call(client, "DELETE", address).status_code == 204
    assert client.get(address).json()["status"] == "expired"


def test_taken_time_answers_with_the_three_nearest(client: Client, offering: Offering) -> None:
    call(Client(), "POST", HOLDS, wanted(offering))
    answer = call(client, "POST", HOLDS, wanted(offering))
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "slot_taken"
    assert len(error["nearest"]) == 3
    fresh = call(client, "POST", HOLDS, wanted(offering, start=error["nearest"][0]))
    assert fresh.status_code == 201


@pytest.mark.parametrize("look", [Client, lambda: _signed_in(student())])
def test_hold_of_somebody_else_does_not_exist(look: Callable[[], Client]) -> None:
    hold = hold_of(student())
    address = f"{HOLDS}{hold.hold_id}/"
    for method in ("GET", "DELETE"):
        answer = call(look(), method, address)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert Booking.objects.get().status == "held"


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(
    "stowaway",
    ["price_cents", "status", "student", "owner", "fee_pct", "hold_id", "expires_at", "code"],
)
def test_nobody_sets_what_is_not_theirs(client: Client, offering: Offering, stowaway: str) -> None:
    """Spec: S17.3"""
    answer = call(client, "POST", HOLDS, wanted(offering, **{stowaway: 1}))
    assert answer.status_code == 422
    assert set(answer.json()["error"]["fields"]) == {stowaway}
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"duration": 75}, "duration"),
        ({"duration": -1}, "duration"),
        ({"duration": 1e300}, "duration"),
        ({"start": "2020-01-01T10:00:00Z"}, "start"),
        ({"start": "2020-01-01T10:00:00"}, "start"),
        ({"start": 5}, "start"),
        ({"service": "a\x00b"}, "service"),
        ({"learner": "ZZZZZZZZZZ"}, "learner"),
        ({"place": ["online"]}, "place"),
    ],
)
def test_wrong_value_is_named(
    client: Client, offering: Offering, changes: dict[str, Any], field: str
) -> None:
    answer = call(client, "POST", HOLDS, wanted(offering, **changes))
    assert answer.status_code == 422
    assert set(answer.json()["error"]["fields"]) == {field}


def test_person_who_may_not_book_is_refused(client: Client, offering: Offering) -> None:
    client.force_login(VerifiedUserFactory(role=Role.INSTRUCTOR))
    answer = call(client, "POST", HOLDS, wanted(offering))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


def test_fourth_live_hold_names_the_wait(client: Client, offering: Offering) -> None:
    call(client, "POST", HOLDS, wanted(offering, start=slot_value(tomorrow_at(9))))
    for hour in (11, 13, 15):
        last = call(client, "POST", HOLDS, wanted(offering, start=slot_value(tomorrow_at(hour))))
    assert (last.status_code, last.json()["error"]["code"]) == (429, "rate_limited")
    assert int(last["Retry-After"]) > 0


# --- Once (R14) -----------------------------------------------------------------------------------
def test_repeated_key_gets_the_first_answer(client: Client, offering: Offering) -> None:
    first = call(client, "POST", HOLDS, wanted(offering), key="one")
    again = call(client, "POST", HOLDS, wanted(offering), key="one")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert Booking.objects.count() == 1


def test_key_of_another_body_is_refused(client: Client, offering: Offering) -> None:
    call(client, "POST", HOLDS, wanted(offering), key="one")
    other = wanted(offering, start=slot_value(tomorrow_at(12)))
    answer = call(client, "POST", HOLDS, other, key="one")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "idempotency_mismatch")
    assert Booking.objects.count() == 1


def test_a_refusal_is_the_answer_to_its_key(client: Client, offering: Offering) -> None:
    """R14: the same key gets it again, word for word; a new key tries again."""
    rival = Client()
    held = call(rival, "POST", HOLDS, wanted(offering)).json()["hold_id"]
    first = call(client, "POST", HOLDS, wanted(offering), key="one")
    assert (first.status_code, first.json()["error"]["code"]) == (409, "slot_taken")
    assert first.json()["error"]["nearest"]
    call(rival, "DELETE", f"{HOLDS}{held}/")
    again = call(client, "POST", HOLDS, wanted(offering), key="one")
    assert (again.status_code, again.content) == (409, first.content)
    assert call(client, "POST", HOLDS, wanted(offering), key="two").status_code == 201


def test_somebody_who_waited_too_long_for_a_lock_may_try_the_same_key_again(
    client: Client, offering: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R12, R14: nothing was decided about the time."""
    busy = SlotBusyError("Somebody is booking this time right now. Please try again.")

    def refuses(**_wanted: object) -> None:
        raise SlotTakenError(start_at=tomorrow_at(10), nearest=[]) from busy

    with monkeypatch.context() as patched:
        patched.setattr("bookings.lessons.api.hold_slot", refuses)
        assert call(client, "POST", HOLDS, wanted(offering), key="one").status_code == 409
    assert call(client, "POST", HOLDS, wanted(offering), key="one").status_code == 201


def test_overlong_key_is_refused(client: Client, offering: Offering) -> None:
    assert call(client, "POST", HOLDS, wanted(offering), key="k" * 81).status_code == 422
