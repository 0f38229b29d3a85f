"""What Stripe refuses to begin, and answers that get lost (Spec: S14.2, S14.4, S14.7, S14.13)."""

import json
import logging

import pytest

from bookings.payments import selectors
from bookings.payments.models import PaymentAttempt
from bookings.payments.services import (
    available_credit_cents,
    charge_attempt,
    read_card,
    refresh_attempt,
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
