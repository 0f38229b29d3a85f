"""Events of the gateway: signed, once, in any order the same end (Spec: S14.8, S14.1, S14.3)."""

import json
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.payments.gateways import current_gateway
from bookings.payments.gateways.test import webhook_secret
from bookings.payments.models import (
    LedgerTransaction,
    OfflineEvent,
    OfflineIntent,
    PaymentAttempt,
    WebhookEvent,
)
from bookings.payments.selectors import ledger_imbalances
from bookings.payments.services.offline_events import send_events
from bookings.payments.services.webhooks import MOST_TRIES, process_events, receive_event
from instainstru import clock
from instainstru.signatures import sign
from tests.bookings.lessons.stage import hold_of
from tests.bookings.payments.orders import all_orders_end_the_same
from tests.factories import payments as make
from tests.factories.accounts import student

pytestmark = [pytest.mark.S14, pytest.mark.django_db]
ADDRESS = "/webhooks/test/"


@pytest.fixture
def maya() -> User:
    return student()


def charged_and_left(hold: Booking) -> PaymentAttempt:
    """Charge at the gateway, as a process does that dies before it writes the result down."""
    attempt = make.attempt_for(hold)
    gateway = current_gateway()
    intent = gateway.create_intent(key=attempt.idempotency_key, amount_cents=attempt.amount_cents)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(gateway_reference=intent.reference)
    gateway.confirm(reference=intent.reference, card=make.card())
    attempt.refresh_from_db()
    return attempt


def body(kind: str, reference: str, event_id: str = "evt_1") -> bytes:
    return json.dumps({"id": event_id, "type": kind, "payment": reference}).encode()


def post(client: Client, content: bytes, signature: str | None = None) -> int:
    signature = (
        sign(content, secret=webhook_secret(), at=clock.now()) if signature is None else signature
    )
    return client.post(
        ADDRESS, content, content_type="application/json", headers={"X-Signature": signature}
    ).status_code


def test_success_that_nobody_wrote_down_confirms_the_lesson(client: Client, maya: User) -> None:
    """S14.13: a process that dies is finished by the webhook, and a replay changes nothing."""
    hold = hold_of(maya)
    attempt = charged_and_left(hold)
    content = body("payment.succeeded", attempt.gateway_reference)
    assert [post(client, content) for _ in range(3)] == [200, 200, 200]
    assert WebhookEvent.objects.count() == 1
    assert process_events(clock.now()) == 1
    assert process_events(clock.now()) == 0
    hold.refresh_from_db()
    assert hold.status == "confirmed"
    assert LedgerTransaction.objects.filter(kind="charge").count() == 1
    assert ledger_imbalances() == []


@pytest.mark.parametrize(
    "signature",
    ["", "t=1,v1=", "t=x,v1=y", "v1=abc", "t=99999999999999999999,v1=a", "t=1,v1=ü", "=,=,="],
)
def test_what_is_not_signed_is_not_stored(client: Client, signature: str) -> None:
    assert post(client, body("payment.succeeded", "pi_x"), signature) == 400
    assert not WebhookEvent.objects.exists()


def test_signature_is_over_the_raw_body_and_five_minutes_old_at_most(client: Client) -> None:
    content = body("payment.succeeded", "pi_x")
    now = clock.now()
    other = sign(body("payment.succeeded", "pi_y"), secret=webhook_secret(), at=now)
    foreign = sign(content, secret=b"somebody else's", at=now)
    old = sign(content, secret=webhook_secret(), at=now - timedelta(minutes=5, seconds=2))
    for signature in (other, foreign, old):
        assert post(client, content, signature) == 400
    fresh = sign(content, secret=webhook_secret(), at=now - timedelta(minutes=4, seconds=50))
    assert post(client, content, fresh) == 202


def test_signed_nonsense_and_other_methods_are_refused(client: Client) -> None:
    for content in (b"", b"[]", b"{}", b"\xff\xfe", b'{"id": 1}'):
        assert post(client, content) == 400
    assert client.get(ADDRESS).status_code == 405
    assert (
        client.post("/webhooks/stripe/", b"{}", content_type="application/json").status_code == 404
    )


def test_unknown_payment_is_accepted_and_told(client: Client) -> None:
    """S14.8: 202 and an alert."""
    with patch("bookings.payments.services.webhooks.log.error") as alert:
        assert post(client, body("payment.succeeded", "pi_nobody")) == 202
    alert.assert_called_once()


def test_slot_taken_meanwhile_gives_the_money_back(maya: User) -> None:
    """S14.3: never a charge without a lesson or a refund."""
    hold = hold_of(maya)
    attempt = charged_and_left(hold)
    Booking.objects.filter(pk=hold.pk).update(status="expired", expires_at=clock.now())
    hold_of(student(), offering=hold.offering, start_at=hold.start_at)
    receive(body("payment.succeeded", attempt.gateway_reference))
    process_events(clock.now())
    attempt.refresh_from_db()
    assert attempt.refunded_cents == attempt.amount_cents
    assert ledger_imbalances() == []


def receive(content: bytes) -> bool:
    now = clock.now()
    signature = sign(content, secret=webhook_secret(), at=now)
    return receive_event(gateway="test", body=content, signature=signature, now=now)


def test_event_that_fails_is_tried_again_and_not_for_ever(maya: User) -> None:
    attempt = charged_and_left(hold_of(maya))
    receive(body("payment.succeeded", attempt.gateway_reference))
    with patch("bookings.payments.services.webhooks._act", side_effect=RuntimeError):
        for _ in range(2):
            assert process_events(clock.now()) == 0
    assert process_events(clock.now()) == 1
    receive(body("payment.succeeded", attempt.gateway_reference, "evt_2"))
    with patch("bookings.payments.services.webhooks._act", side_effect=RuntimeError):
        for _ in range(MOST_TRIES + 3):
            process_events(clock.now())
    assert WebhookEvent.objects.get(event_id="evt_2").tries == MOST_TRIES


KINDS = (
    "payment.created",
    "payment.requires_action",
    "payment.pending",
    "payment.succeeded",
    "refund.requested",
    "refund.paid",
)


@pytest.mark.slow
@pytest.mark.parametrize("first", KINDS)
def test_six_events_in_all_orders_each_twice_end_the_same(first: str) -> None:
    """08, benchmark target: 720 orders; one lesson, one charge, debits equal credits."""
    all_orders_end_the_same(
        KINDS,
        first,
        charge=lambda hold: charged_and_left(hold).gateway_reference,
        told=body,
        receive=receive,
    )


# --- The offline gateway calls like a real one --------------------------------------------------
def test_offline_gateway_posts_each_event_until_it_is_taken(client: Client, maya: User) -> None:
    """S14.1: signed, over the site's own address, again after a failure."""
    attempt = charged_and_left(hold_of(maya))
    kinds = list(OfflineEvent.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["payment.created", "payment.succeeded"]
    sent: list[Any] = []

    def site(address: str, content: bytes, signature: str) -> int:
        assert address.endswith(ADDRESS)
        sent.append(content)
        return post(client, content, signature)

    now = clock.now()
    assert send_events(now, post=lambda *_: 503) == 0
    assert send_events(now, post=site) == 0
    later = now + timedelta(minutes=1)
    assert send_events(later, post=site) == 2
    assert send_events(later, post=site) == 0
    assert len(sent) == 2
    assert {row.reference for row in WebhookEvent.objects.all()} == {attempt.gateway_reference}


def test_late_result_comes_by_webhook(client: Client, maya: User) -> None:
    """S14.1, card 9987: the answer exists ten seconds later, and nobody has to ask for it."""
    hold = hold_of(maya)
    attempt = make.attempt_for(hold)
    make.charge_attempt(attempt, make.card(make.LATE_RESULT), now=clock.now())
    OfflineIntent.objects.update(result_at=clock.now())
    for wait in range(2):
        send_events(
            clock.now() + timedelta(seconds=wait),
            post=lambda _, content, signature: post(client, content, signature),
        )
    assert WebhookEvent.objects.count() == 3
    process_events(clock.now())
    hold.refresh_from_db()
    assert hold.status == "confirmed"


def test_nobody_listening_is_no_error(maya: User) -> None:
    charged_and_left(hold_of(maya))

    def dead(*_: Any) -> int:
        raise OSError("connection refused")

    assert send_events(clock.now(), post=dead) == 0
    assert OfflineEvent.objects.filter(tries=1, delivered_at=None).count() == 2
