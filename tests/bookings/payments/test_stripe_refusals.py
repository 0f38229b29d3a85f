"""What Stripe refuses to begin, and answers that get lost (Spec: S14.2, S14.4, S14.7, S14.13)."""

import json
import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import Sum

from bookings.payments import selectors
from bookings.payments.gateways.base import GatewayTimeoutError
from bookings.payments.gateways.stripe import StripeGateway
from bookings.payments.models import LedgerEntry, PaymentAttempt, Refund
from bookings.payments.services import (
    available_credit_cents,
    charge_attempt,
    read_card,
    record_charge,
    refresh_attempt,
    request_refund,
    settle_refunds,
)
from bookings.payments.services.webhooks import process_events, receive_event
from instainstru import clock
from instainstru.signatures import sign
from tests.bookings.payments.stripe_stage import SECRET, RefusedError, Stage
from tests.factories import payments as make

pytestmark = [pytest.mark.S14, pytest.mark.django_db]
Status = PaymentAttempt.Status


def charge(stripe: Stage, attempt: PaymentAttempt, number: str = make.SUCCEEDS) -> PaymentAttempt:
    charge_attempt(attempt, read_card(stripe.typed_card(number)), now=clock.now())
    attempt.refresh_from_db()
    return attempt


def test_payment_that_cannot_begin_is_over_and_frees_its_credit(
    stripe: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """An amount below Stripe's least would be refused for ever, and wait for ever as unknown."""
    lesson = make.lesson_to_pay()
    make.give_credit(lesson.student, 2000)
    attempt = make.attempt_for(lesson, credit_cents=2000)
    stripe.refused = {"payment_intents": RefusedError(400, "amount_too_small")}
    charge(stripe, attempt)
    assert (attempt.status, attempt.decline_reason) == (Status.DECLINED, "abandoned")
    assert available_credit_cents(lesson.student_id, clock.now()) == 2000
    assert "gateway_refused_payment" in caplog.text
    stripe.refused = {}
    assert charge(stripe, make.attempt_for(lesson)).status == Status.SUCCEEDED


def test_silence_at_the_beginning_is_unknown(stripe: Stage) -> None:
    """S14.2"""
    attempt = make.attempt_for(make.lesson_to_pay())
    card = read_card(stripe.typed_card(make.SUCCEEDS))
    stripe.lost = "payment_intents"
    charge_attempt(attempt, card, now=clock.now())
    attempt.refresh_from_db()
    assert attempt.status == Status.UNKNOWN
    assert charge(stripe, attempt).status == Status.SUCCEEDED
    assert len(stripe.intents) == 1


def test_refusal_does_not_end_what_another_request_has_begun(stripe: Stage) -> None:
    """Two tabs: one is charging while the other is refused."""
    attempt = make.attempt_for(make.lesson_to_pay())
    card = read_card(stripe.typed_card(make.SUCCEEDS))
    PaymentAttempt.objects.filter(pk=attempt.pk).update(gateway_reference="")

    class Refusal(dict[str, RefusedError]):
        def items(self) -> object:  # type: ignore[override]
            PaymentAttempt.objects.filter(pk=attempt.pk).update(gateway_reference="pi_of_the_other")
            return {"payment_intents": RefusedError(401, "")}.items()

    stripe.refused = Refusal()
    charge_attempt(attempt, card, now=clock.now())
    attempt.refresh_from_db()
    assert attempt.status == Status.UNKNOWN


def test_card_that_stripe_does_not_know_closes_the_payment(stripe: Stage) -> None:
    attempt = make.attempt_for(make.lesson_to_pay())
    stripe.refused = {"confirm": RefusedError(400, "resource_missing")}
    assert charge(stripe, attempt).status == Status.DECLINED
    (intent,) = stripe.intents.values()
    assert intent["status"] == "canceled"


def test_charge_whose_answer_is_lost_is_fetched_not_repeated(stripe: Stage) -> None:
    """S14.2: unknown, not failed; one charge."""
    attempt = make.attempt_for(make.lesson_to_pay())
    stripe.lost = "confirm"
    assert charge(stripe, attempt).status == Status.UNKNOWN
    assert refresh_attempt(attempt.pk, now=clock.now()).is_paid
    assert [intent["status"] for intent in stripe.intents.values()] == ["succeeded"]
    assert len([asked for asked in stripe.asked if asked.path.endswith("confirm")]) == 1


def test_decline_whose_answer_is_lost_is_a_decline(stripe: Stage) -> None:
    attempt = make.attempt_for(make.lesson_to_pay())
    stripe.lost = "confirm"
    assert charge(stripe, attempt, make.INSUFFICIENT_FUNDS).status == Status.UNKNOWN
    told = refresh_attempt(attempt.pk, now=clock.now())
    assert (told.status, told.decline_reason) == (Status.DECLINED, "insufficient_funds")


@pytest.mark.parametrize(
    ("credit_cents", "card_cents"), [(9499, 50), (9451, 50), (9450, 50), (9400, 100), (9500, 0)]
)
def test_card_never_pays_less_than_stripe_takes(
    stripe: Stage, credit_cents: int, card_cents: int
) -> None:
    """S14.7: the credit pays some cents less, so that the rest can be charged at all."""
    lesson = make.lesson_to_pay()
    make.give_credit(lesson.student, credit_cents)
    split = selectors.planned_split(
        booking_id=lesson.pk,
        student_id=lesson.student_id,
        total_cents=lesson.total_cents,
        now=clock.now(),
    )
    assert split.card_cents == card_cents
    assert split.card_cents + split.credit_cents == 9500


def test_refund_that_the_bank_refused_alerts(
    stripe: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """S14.9"""
    attempt = charge(stripe, make.attempt_for(make.lesson_to_pay()))
    about = {"id": "re_1", "object": "refund", "payment_intent": attempt.gateway_reference}
    said = {"id": "evt_1", "type": "refund.failed", "data": {"object": about}}
    body, now = json.dumps(said).encode(), clock.now()
    signature = sign(body, secret=SECRET.encode(), at=now)
    assert receive_event(gateway="stripe", body=body, signature=signature, now=now)
    with caplog.at_level(logging.ERROR):
        assert process_events(now) == 1
    assert "refund_failed_at_bank" in caplog.text


# --- A failure of Stripe's own, which it repeats for a day (S14.2) --------------------------------
def repeated(stripe: Stage, address: str) -> list[str]:
    """Return the keys under which an address was asked for."""
    return [asked.key for asked in stripe.asked if asked.path.endswith(address) and asked.key]


@pytest.mark.parametrize("is_begun", [False, True], ids=["nothing-begun", "begun-behind-it"])
def test_failure_at_the_beginning_blocks_nobody_for_a_day(stripe: Stage, is_begun: bool) -> None:
    """The second try sees that the answer is only repeated, looks, and takes another key."""
    attempt = make.attempt_for(make.lesson_to_pay())
    card = read_card(stripe.typed_card(make.SUCCEEDS))
    stripe.fails_after = "payment_intents" if is_begun else ""
    stripe.next_failure = None if is_begun else 500
    charge_attempt(attempt, card, now=clock.now())
    attempt.refresh_from_db()
    assert attempt.status == Status.UNKNOWN
    charge_attempt(attempt, card, now=clock.now())
    attempt.refresh_from_db()
    assert attempt.status == Status.SUCCEEDED
    assert [intent["status"] for intent in stripe.intents.values()] == ["succeeded"]
    keys = repeated(stripe, "payment_intents")
    first = attempt.idempotency_key
    assert keys == [first, first] if is_begun else [first, first, f"{first}-again-1"]


def test_key_that_fails_again_and_again_ends_by_itself(stripe: Stage) -> None:
    """Each try uses up one key; a failure that is new is never passed over in the same try."""
    attempt = make.attempt_for(make.lesson_to_pay())
    card = read_card(stripe.typed_card(make.SUCCEEDS))
    stripe.refused_posts = "payment_intents"
    for tries in range(1, 4):
        charge_attempt(attempt, card, now=clock.now())
        assert len(set(repeated(stripe, "payment_intents"))) == tries
    stripe.refused_posts = ""
    charge_attempt(attempt, card, now=clock.now())
    attempt.refresh_from_db()
    assert attempt.status == Status.SUCCEEDED
    assert len(stripe.intents) == 1


@pytest.mark.parametrize("is_charged", [False, True], ids=["not-charged", "charged-behind-it"])
@pytest.mark.parametrize("number", [make.SUCCEEDS, make.DECLINED])
def test_failure_while_charging_is_never_two_charges(
    stripe: Stage, is_charged: bool, number: str
) -> None:
    """The same payment is asked first: what was charged or refused behind the failure stays so."""
    attempt = make.attempt_for(make.lesson_to_pay())
    card = read_card(stripe.typed_card(number))
    stripe.fails_after = "confirm" if is_charged else ""
    stripe.refused = {} if is_charged else {"confirm": RefusedError(500, "", "api_error")}
    charge_attempt(attempt, card, now=clock.now())
    stripe.refused = {}
    attempt.refresh_from_db()
    assert attempt.status == Status.UNKNOWN
    charge_attempt(attempt, card, now=clock.now())
    attempt.refresh_from_db()
    wanted = Status.SUCCEEDED if number == make.SUCCEEDS else Status.DECLINED
    assert attempt.status == wanted
    (intent,) = stripe.intents.values()
    assert intent["charges"] == 1


@pytest.mark.parametrize("is_done", [False, True])
def test_failure_of_a_refund_and_of_a_payout_is_passed_over(stripe: Stage, is_done: bool) -> None:
    attempt = charge(stripe, make.attempt_for(make.lesson_to_pay()))
    gateway = StripeGateway()
    payee = gateway.create_payee(key="b", account_number="btok_6789").reference
    calls: list[tuple[str, Callable[[], object]]] = [
        (
            "refunds",
            lambda: gateway.refund(reference=attempt.gateway_reference, amount_cents=4000, key="r"),
        ),
        ("transfers", lambda: gateway.payout(payee=payee, amount_cents=8150, key="p")),
    ]
    for address, call in calls:
        stripe.fails_after = address if is_done else ""
        stripe.refused_posts = "" if is_done else address
        with pytest.raises(GatewayTimeoutError):
            call()
        stripe.refused_posts = ""
        call()
    assert len(stripe.refunds) == len(stripe.transfers) == 1


# --- Money that comes back after it was settled (S14.9) -------------------------------------------
def told_of(stripe: Stage, reference: str, kind: str = "refund.failed", number: int = 1) -> None:
    about = {"id": "re_1", "object": "refund", "payment_intent": reference}
    said = {"id": f"evt_{number}", "type": kind, "data": {"object": about}}
    body, now = json.dumps(said).encode(), clock.now()
    signature = sign(body, secret=SECRET.encode(), at=now)
    receive_event(gateway="stripe", body=body, signature=signature, now=now)


@pytest.mark.parametrize("kind", ["refund.failed", "refund.updated"])
def test_refund_that_came_back_is_owed_again_and_sent_again(
    stripe: Stage, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    """Each time, with balanced books; the same event twice changes nothing."""
    booking = make.lesson_to_pay()
    attempt = charge(stripe, make.attempt_for(booking))
    record_charge(attempt_id=attempt.pk, lesson=make.terms_of(booking), now=clock.now())
    now = clock.now()
    request_refund(
        booking_id=booking.pk, key="cancel:1", amount_cents=9500, credit_cents=0,
        instructor_keeps_cents=0, fee_keeps_cents=0, policy=booking.policy, now=now,
    )  # fmt: skip
    assert settle_refunds(now) == 1
    for times in (1, 2):
        stripe.send_back(list(stripe.refunds)[-1])
        told_of(stripe, attempt.gateway_reference, kind, number=times)
        assert process_events(now) == 1
        told_of(stripe, attempt.gateway_reference, kind, number=times + 10)
        assert process_events(now) == 1
        refund = Refund.objects.get()
        assert (refund.status, refund.returns, refund.settled_at) == ("failed", times, None)
        assert selectors.ledger_imbalances() == []
        assert "refund_came_back" in caplog.text
        now += timedelta(hours=7)
        assert settle_refunds(now) == 1
        assert selectors.ledger_imbalances() == []
    assert Refund.objects.get().status == "settled"
    states = [refund["status"] for refund in stripe.refunds.values()]
    assert states == ["failed", "failed", "succeeded"]
    sums = LedgerEntry.objects.filter(account="refunds").aggregate(Sum("amount_cents"))
    assert sums["amount_cents__sum"] == 0


def test_event_about_a_refund_that_is_well_changes_nothing(stripe: Stage) -> None:
    booking = make.lesson_to_pay()
    attempt = charge(stripe, make.attempt_for(booking))
    record_charge(attempt_id=attempt.pk, lesson=make.terms_of(booking), now=clock.now())
    now = clock.now()
    request_refund(
        booking_id=booking.pk, key="cancel:1", amount_cents=9500, credit_cents=0,
        instructor_keeps_cents=0, fee_keeps_cents=0, policy=booking.policy, now=now,
    )  # fmt: skip
    settle_refunds(now)
    told_of(stripe, attempt.gateway_reference, "refund.failed")
    process_events(now)
    assert Refund.objects.get().status == "settled"
    assert len(stripe.refunds) == 1
