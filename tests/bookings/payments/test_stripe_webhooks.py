"""Stripe's events: signed, once, in any order the same end (Spec: S14.8, S14.3)."""

import json
from datetime import timedelta
from unittest.mock import patch

import pytest
from django.test import Client

from bookings.lessons.models import Booking
from bookings.payments.gateways import current_gateway
from bookings.payments.models import LedgerTransaction, PaymentAttempt, WebhookEvent
from bookings.payments.selectors import ledger_imbalances
from bookings.payments.services.webhooks import process_events, receive_event
from instainstru import clock
from instainstru.signatures import sign
from tests.bookings.lessons.stage import hold_of
from tests.bookings.payments.orders import all_orders_end_the_same
from tests.bookings.payments.stripe_stage import SECRET, Stage
from tests.factories import payments as make
from tests.factories.accounts import student

pytestmark = [pytest.mark.S14, pytest.mark.django_db, pytest.mark.usefixtures("stripe")]
KINDS = (
    "payment_intent.created",
    "payment_intent.requires_action",
    "payment_intent.processing",
    "payment_intent.succeeded",
    "refund.created",
    "charge.refunded",
)


def event(kind: str, reference: str, event_id: str = "evt_1") -> bytes:
    about = {"id": reference, "object": "payment_intent"}
    if kind.startswith(("refund.", "charge.")):
        thing, _, _ = kind.partition(".")
        about = {"id": "re_1", "object": thing, "payment_intent": reference}
    said = {"id": event_id, "object": "event", "type": kind, "data": {"object": about}}
    return json.dumps(said).encode()


def signed(content: bytes, *, age: timedelta = timedelta(), secret: str = SECRET) -> str:
    return sign(content, secret=secret.encode(), at=clock.now() - age)


def post(client: Client, content: bytes, signature: str) -> int:
    return client.post(
        "/webhooks/stripe/",
        content,
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    ).status_code


def receive(content: bytes) -> bool:
    now = clock.now()
    return receive_event(gateway="stripe", body=content, signature=signed(content), now=now)


def charged_and_left(stripe: Stage, hold: Booking, number: str = make.SUCCEEDS) -> PaymentAttempt:
    """Charge at the gateway, as a process does that dies before it writes the result down."""
    attempt, gateway = make.attempt_for(hold), current_gateway()
    intent = gateway.create_intent(key=attempt.idempotency_key, amount_cents=attempt.amount_cents)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(gateway_reference=intent.reference)
    gateway.confirm(reference=intent.reference, card=gateway.read_card(stripe.typed_card(number)))
    attempt.refresh_from_db()
    return attempt


def test_success_that_nobody_wrote_down_confirms_the_lesson(client: Client, stripe: Stage) -> None:
    hold = hold_of(student())
    attempt = charged_and_left(stripe, hold)
    content = event("payment_intent.succeeded", attempt.gateway_reference)
    assert [post(client, content, signed(content)) for _ in range(3)] == [200, 200, 200]
    assert process_events(clock.now()) == 1
    hold.refresh_from_db()
    assert hold.status == "confirmed"
    assert LedgerTransaction.objects.filter(kind="charge").count() == 1
    assert ledger_imbalances() == []


def test_refusal_by_webhook_ends_the_attempt(client: Client, stripe: Stage) -> None:
    attempt = charged_and_left(stripe, hold_of(student()), make.DECLINED)
    content = event("payment_intent.payment_failed", attempt.gateway_reference)
    assert post(client, content, signed(content)) == 200
    process_events(clock.now())
    attempt.refresh_from_db()
    assert (attempt.status, attempt.decline_reason) == ("declined", "card_declined")
    assert len(stripe.intents) == 1


def test_what_stripe_did_not_sign_is_not_stored(client: Client, stripe: Stage) -> None:
    """S14.8: 400 for another secret, another body, another header, and after five minutes."""
    content = event("payment_intent.succeeded", "pi_x")
    late = timedelta(minutes=5, seconds=2)
    other = event("payment_intent.succeeded", "pi_y")
    bad = ("", "t=1,v1=", signed(content, secret="whsec_other"), signed(other))
    for signature in (*bad, signed(content, age=late), signed(content, age=-late)):
        assert post(client, content, signature) == 400
    right = signed(content)
    answer = client.post(
        "/webhooks/stripe/", content, content_type="application/json",
        headers={"X-Signature": right},
    )  # fmt: skip
    assert answer.status_code == 400
    for nonsense in (
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"id": "e", "type": "t", "data": {"object": 1}}',
    ):
        assert post(client, nonsense, signed(nonsense)) == 400
    assert not WebhookEvent.objects.exists()
    with patch("bookings.payments.services.webhooks.log.error"):
        assert post(client, content, signed(content, age=timedelta(minutes=4))) == 202


def test_secret_that_is_being_changed_signs_twice(client: Client, stripe: Stage) -> None:
    content = event("payment_intent.succeeded", "pi_x")
    old = signed(content, secret="whsec_old")
    both = f"{old},{signed(content).split(',')[1]}"
    assert post(client, content, both) == 202
    assert post(client, content, f"{signed(content)},{old.split(',')[1]}") == 202


def test_only_the_gateway_in_use_is_listened_to(client: Client, stripe: Stage) -> None:
    assert client.post("/webhooks/test/", b"{}", content_type="application/json").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("first", KINDS)
def test_six_events_in_all_orders_each_twice_end_the_same(stripe: Stage, first: str) -> None:
    """08, benchmark target: 720 orders; one lesson, one charge, debits equal credits."""
    all_orders_end_the_same(
        KINDS,
        first,
        charge=lambda hold: charged_and_left(stripe, hold).gateway_reference,
        told=event,
        receive=receive,
    )
