"""Paying, lessons, cancelling and moving for programs (Spec: S17.14, S11.1, S11.2, R14)."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from bookings.lessons.models import Booking, IdempotencyRecord
from bookings.payments.models import PaymentAttempt, Refund
from instainstru import clock
from tests.api.programs import call
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.bookings.lessons.stage import due_cents, hold_of, slot_value
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.django_db, pytest.mark.S17, pytest.mark.S11]
LESSONS = "/api/v1/bookings/"


@pytest.fixture
def maya(client: Client) -> User:
    person = student()
    client.force_login(person)
    return person


@pytest.fixture
def stage(client: Client) -> Stage:
    found = set_stage(profile={"slug": "andre-w"})
    client.force_login(found.maya)
    return found


def confirmation(hold: Booking, **changes: Any) -> dict[str, Any]:
    body = {
        "learner": hold.learner.public_id,
        "neighborhood": hold.neighborhood.slug,
        "address": "45 Carroll Street",
        "card_number": make.SUCCEEDS,
        "terms": True,
        "due_cents": due_cents(hold),
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def confirm_at(hold: Booking) -> str:
    return f"/api/v1/holds/{hold.hold_id}/confirm/"


# --- Confirm --------------------------------------------------------------------------------------
def test_hold_is_paid_once_and_booked(client: Client, maya: User) -> None:
    hold = hold_of(maya)
    answers = [call(client, "POST", confirm_at(hold), confirmation(hold), "k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].content == answers[1].content
    code = answers[0].json()["code"]
    assert answers[0].json() == {"code": code, "status": "confirmed"}
    assert PaymentAttempt.objects.count() == 1
    lesson = client.get(f"{LESSONS}{code}/").json()
    assert (lesson["status"], lesson["where"][:2]) == ("confirmed", "45")
    assert client.get(f"/api/v1/holds/{hold.hold_id}/").json()["code"] == code


def test_nothing_of_the_card_or_the_place_is_kept_with_the_key(client: Client, maya: User) -> None:
    """Spec: R14 (ids only), S14.1"""
    hold = hold_of(maya)
    call(client, "POST", confirm_at(hold), confirmation(hold), "k")
    record = IdempotencyRecord.objects.get()
    assert set(json.loads(record.answer)) == {"code", "status"}


def test_declined_card_may_be_replaced_under_the_same_key(client: Client, maya: User) -> None:
    hold = hold_of(maya)
    said = confirmation(hold, card_number=make.DECLINED)
    answer = call(client, "POST", confirm_at(hold), said, "k")
    assert (answer.status_code, answer.json()["error"]["code"]) == (402, "payment_declined")
    assert call(client, "POST", confirm_at(hold), confirmation(hold), "k").status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"learner": "ZZZZZZZZZZ"}, "learner"),
        ({"learner": None}, "learner"),
        ({"neighborhood": None}, "neighborhood"),
        ({"neighborhood": "atlantis"}, "neighborhood"),
        ({"address": ""}, "address"),
        ({"address": "a\x07"}, "address"),
        ({"terms": False}, "terms"),
        ({"due_cents": "much"}, "due_cents"),
        ({"card_number": "1234"}, "card_number"),
        ({"note": "x" * 501}, "note"),
        ({"price_cents": 1}, "price_cents"),
        ({"status": "confirmed"}, "status"),
        ({"student": 1}, "student"),
    ],
)
def test_wrong_value_is_named_and_nothing_is_charged(
    client: Client, maya: User, changes: dict[str, Any], field: str
) -> None:
    hold = hold_of(maya)
    answer = call(client, "POST", confirm_at(hold), confirmation(hold, **changes))
    assert answer.status_code == 422
    assert set(answer.json()["error"]["fields"]) == {field}
    assert not PaymentAttempt.objects.exists()


def test_other_price_than_shown_is_a_conflict(client: Client, maya: User) -> None:
    hold = hold_of(maya)
    answer = call(client, "POST", confirm_at(hold), confirmation(hold, due_cents=1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "amount_changed")


def test_lapsed_hold_is_a_conflict(client: Client, maya: User) -> None:
    hold = hold_of(maya, expires_at=clock.now() - timedelta(seconds=1))
    answer = call(client, "POST", confirm_at(hold), confirmation(hold))
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "hold_expired")


def test_bank_step_is_named(client: Client, maya: User) -> None:
    hold = hold_of(maya)
    answer = call(client, "POST", confirm_at(hold), confirmation(hold, card_number=make.EXTRA_STEP))
    assert answer.status_code == 202
    assert answer.json() == {"hold_id": hold.hold_id, "status": "needs_bank"}


# --- Lists ----------------------------------------------------------------------------------------
def test_lessons_come_in_parts_the_latest_first(client: Client, maya: User) -> None:
    offering = BookingFactory(student=maya, start_at=tomorrow_at(10, days=2)).offering
    for day in (3, 4, 5, 6):
        BookingFactory(student=maya, offering=offering, start_at=tomorrow_at(10, days=day))
    BookingFactory(start_at=tomorrow_at(10))
    hold_of(maya, offering=offering, start_at=tomorrow_at(10, days=9))
    starts, cursor = [], ""
    for size in (2, 2, 1):
        body = client.get(LESSONS, {"limit": "2", "cursor": cursor}).json()
        assert len(body["results"]) == size
        starts += [row["start"] for row in body["results"]]
        cursor = body["next_cursor"]
    assert cursor == ""
    assert starts == [slot_value(tomorrow_at(10, days=day)) for day in (6, 5, 4, 3, 2)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "101"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "abc"}, "cursor"),
        ({"page": "2"}, "page"),
    ],
)
def test_part_of_no_list_is_refused(
    client: Client, maya: User, query: dict[str, str], field: str
) -> None:
    answer = client.get(LESSONS, query)
    assert answer.status_code == 422
    assert set(answer.json()["error"]["fields"]) == {field}


# --- Whose they are -------------------------------------------------------------------------------
@pytest.mark.parametrize("action", ["", "cancel/", "move/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_lesson_of_somebody_else_does_not_exist(
    client: Client, maya: User, action: str, method: str
) -> None:
    """Spec: G5"""
    other = BookingFactory()
    answer = call(client, method, f"{LESSONS}{other.code}/{action}", {})
    is_wrong_method = (action, method) in {("", "POST"), ("move/", "GET")}
    assert answer.status_code == (405 if is_wrong_method else 404)


def test_guest_is_asked_to_sign_in(client: Client) -> None:
    """Spec: G4"""
    for method, path in (("GET", LESSONS), ("POST", confirm_at(hold_of(student())))):
        answer = call(client, method, path, {})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "sign_in_required")


# --- Cancel ---------------------------------------------------------------------------------------
def test_lesson_is_cancelled_for_what_was_shown(client: Client, stage: Stage) -> None:
    address = f"{LESSONS}{stage.code}/cancel/"
    shown = client.get(address).json()
    assert shown["card_refund_cents"] == 9500
    body = {
        "reason": "schedule",
        "card_refund_cents": shown["card_refund_cents"],
        "credit_cents": shown["credit_cents"],
    }
    answers = [call(client, "POST", address, body, "k") for _ in range(3)]
    assert {answer.content for answer in answers} == {answers[0].content}
    assert answers[0].json() == {"code": stage.code, "status": "cancelled_student"}
    assert Refund.objects.count() == 1


def test_money_may_come_as_credit(client: Client, stage: Stage) -> None:
    address = f"{LESSONS}{stage.code}/cancel/"
    stage_is_past_grace = clock.now() - timedelta(hours=1)
    Booking.objects.update(confirmed_at=stage_is_past_grace)
    shown = client.get(address, {"refund_to": "credit"}).json()
    assert (shown["card_refund_cents"], shown["credit_cents"]) == (0, 9500)
    body = {"reason": "other", "refund_to": "credit"}
    body |= {"card_refund_cents": 0, "credit_cents": 9500}
    assert call(client, "POST", address, body).status_code == 200


def test_other_amount_answers_with_the_new_one(client: Client, stage: Stage) -> None:
    body = {"reason": "schedule", "card_refund_cents": 1, "credit_cents": 0}
    answer = call(client, "POST", f"{LESSONS}{stage.code}/cancel/", body)
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert (error["code"], error["card_refund_cents"]) == ("amount_changed", 9500)
    assert stage.fresh().status == "confirmed"


def test_second_cancellation_is_a_conflict(client: Client, stage: Stage) -> None:
    body = {"reason": "schedule", "card_refund_cents": 9500, "credit_cents": 0}
    address = f"{LESSONS}{stage.code}/cancel/"
    assert call(client, "POST", address, body).status_code == 200
    answer = call(client, "POST", address, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "lesson_changed")
    assert client.get(address).status_code == 409


# --- Move -----------------------------------------------------------------------------------------
def test_lesson_is_moved(client: Client, stage: Stage) -> None:
    start = tomorrow_at(12, days=5)
    address = f"{LESSONS}{stage.code}/move/"
    answers = [call(client, "POST", address, {"start": slot_value(start)}, "k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    moved = client.get(f"{LESSONS}{stage.code}/").json()
    assert (moved["start"], moved["revision"]) == (slot_value(start), 1)


def test_taken_time_leaves_the_lesson_where_it_was(client: Client, stage: Stage) -> None:
    start = tomorrow_at(14, days=5)
    BookingFactory(offering=stage.lesson.offering, start_at=start)
    answer = call(client, "POST", f"{LESSONS}{stage.code}/move/", {"start": slot_value(start)})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "slot_taken")
    assert len(answer.json()["error"]["nearest"]) == 3
    assert stage.fresh().start_at == stage.lesson.start_at


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("cancel/", {"reason": "boredom", "card_refund_cents": 1, "credit_cents": 0}, "reason"),
        (
            "cancel/",
            {"reason": "price", "card_refund_cents": -1, "credit_cents": 0},
            "card_refund_cents",
        ),
        (
            "cancel/",
            {"reason": "price", "card_refund_cents": 1.5, "credit_cents": 0},
            "card_refund_cents",
        ),
        ("move/", {"start": "soon"}, "start"),
        ("move/", {"start": "2099-01-01T10:00:00Z", "price_cents": 1}, "price_cents"),
    ],
)
def test_wrong_value_of_a_change_is_named(
    client: Client, stage: Stage, action: str, body: dict[str, Any], field: str
) -> None:
    answer = call(client, "POST", f"{LESSONS}{stage.code}/{action}", body)
    assert answer.status_code == 422
    assert set(answer.json()["error"]["fields"]) == {field}
