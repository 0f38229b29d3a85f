"""What every gateway must do; the suite runs over all of them."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import time_machine
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from bookings.payments.checks import check_gateway
from bookings.payments.gateways import current_gateway, gateway_named
from bookings.payments.gateways.base import (
    CardToken,
    GatewayError,
    GatewayIntent,
    GatewayTimeoutError,
    IntentStatus,
    PaymentGateway,
)
from bookings.payments.gateways.test import LATE_RESULT_AFTER, OfflineGateway
from bookings.payments.models import OfflineIntent
from instainstru.clock import now
from instainstru.errors import ValidationFailedError
from tests.bookings.payments.conftest import in_parallel
from tests.bookings.payments.stripe_stage import Stage
from tests.factories import payments as make

pytestmark = [pytest.mark.S14, pytest.mark.django_db]
NOON = "2027-03-01T12:00:00Z"


@pytest.fixture(params=["test", "stripe"])
def gateway(request: pytest.FixtureRequest) -> PaymentGateway:
    if request.param == "stripe":
        STAGES["stripe"] = request.getfixturevalue("stripe")
    return gateway_named(request.param)


STAGES: dict[str, Stage] = {}


def card(gateway: PaymentGateway, number: str) -> CardToken:
    """Return a card as it comes from our form, or from the gateway's page."""
    return gateway.read_card(
        STAGES["stripe"].typed_card(number) if gateway.has_card_page else number
    )


def bank(gateway: PaymentGateway, last4: str) -> str:
    return f"btok_{last4}" if gateway.name == "stripe" else f"00012345{last4}"


def confirm(gateway: PaymentGateway, number: str, *, key: str = "H-1") -> GatewayIntent:
    intent = gateway.create_intent(key=key, amount_cents=9500)
    return gateway.confirm(reference=intent.reference, card=card(gateway, number))


def test_new_intent_waits_for_a_card(gateway: PaymentGateway) -> None:
    intent = gateway.create_intent(key="H-1", amount_cents=9500)
    assert (intent.status, intent.amount_cents) == (IntentStatus.REQUIRES_CARD, 9500)


def test_same_key_is_the_same_intent(gateway: PaymentGateway) -> None:
    """S14.2"""
    paid = confirm(gateway, make.SUCCEEDS)
    again = gateway.create_intent(key="H-1", amount_cents=9500)
    assert again == paid
    other = gateway.create_intent(key="H-2", amount_cents=9500)
    assert other.reference != paid.reference


def test_same_key_with_another_amount_is_refused(gateway: PaymentGateway) -> None:
    gateway.create_intent(key="H-1", amount_cents=9500)
    with pytest.raises(GatewayError):
        gateway.create_intent(key="H-1", amount_cents=9501)


@pytest.mark.parametrize(
    ("number", "status", "reason"),
    [
        (make.SUCCEEDS, IntentStatus.SUCCEEDED, ""),
        (make.DECLINED, IntentStatus.DECLINED, "card_declined"),
        (make.INSUFFICIENT_FUNDS, IntentStatus.DECLINED, "insufficient_funds"),
        (make.FAILS_ON_CHARGE, IntentStatus.DECLINED, "charge_failed"),
        (make.EXTRA_STEP, IntentStatus.REQUIRES_ACTION, ""),
    ],
)
def test_card_behaviours(
    gateway: PaymentGateway, number: str, status: IntentStatus, reason: str
) -> None:
    """S14.1"""
    intent = confirm(gateway, number)
    assert (intent.status, intent.decline_reason) == (status, reason)
    assert (intent.card_brand, intent.card_last4) == ("Visa", number[-4:])
    assert gateway.fetch(reference=intent.reference) == intent


def test_late_result_times_out_and_is_fetched_later(gateway: PaymentGateway) -> None:
    """S14.1, S14.2: no answer is not a refusal."""
    with time_machine.travel(NOON, tick=False) as clock:
        reference = gateway.create_intent(key="H-1", amount_cents=9500).reference
        with pytest.raises(GatewayTimeoutError):
            confirm(gateway, make.LATE_RESULT)
        assert gateway.fetch(reference=reference).status is IntentStatus.PENDING
        assert gateway.cancel(reference=reference).status is IntentStatus.PENDING
        clock.shift(LATE_RESULT_AFTER)
        assert gateway.fetch(reference=reference).status is IntentStatus.SUCCEEDED


@pytest.mark.parametrize("first", [make.SUCCEEDS, make.DECLINED])
def test_final_intent_ignores_another_card(gateway: PaymentGateway, first: str) -> None:
    ended = confirm(gateway, first)
    second = make.DECLINED if first == make.SUCCEEDS else make.SUCCEEDS
    assert confirm(gateway, second) == ended


def test_cancelled_intent_can_never_charge(gateway: PaymentGateway) -> None:
    intent = gateway.create_intent(key="H-1", amount_cents=9500)
    assert gateway.cancel(reference=intent.reference).status is IntentStatus.CANCELLED
    assert confirm(gateway, make.SUCCEEDS).status is IntentStatus.CANCELLED


def test_cancel_leaves_a_success_alone(gateway: PaymentGateway) -> None:
    paid = confirm(gateway, make.SUCCEEDS)
    assert gateway.cancel(reference=paid.reference).status is IntentStatus.SUCCEEDED


def test_refund_is_paid_once_per_key(gateway: PaymentGateway) -> None:
    """S14.9"""
    reference = confirm(gateway, make.SUCCEEDS).reference
    first = gateway.refund(reference=reference, amount_cents=4000, key="r1")
    assert gateway.refund(reference=reference, amount_cents=4000, key="r1") == first
    assert gateway.fetch(reference=reference).refunded_cents == 4000
    with pytest.raises(GatewayError):
        gateway.refund(reference=reference, amount_cents=100, key="r1")


def test_refund_never_exceeds_the_charge(gateway: PaymentGateway) -> None:
    reference = confirm(gateway, make.SUCCEEDS).reference
    gateway.refund(reference=reference, amount_cents=9000, key="r1")
    for amount_cents in (501, 0, -1):
        with pytest.raises(GatewayError):
            gateway.refund(reference=reference, amount_cents=amount_cents, key="r2")
    assert gateway.refund(reference=reference, amount_cents=500, key="r3").amount_cents == 500


def test_nothing_is_refunded_that_was_not_charged(gateway: PaymentGateway) -> None:
    reference = confirm(gateway, make.DECLINED).reference
    with pytest.raises(GatewayError):
        gateway.refund(reference=reference, amount_cents=1, key="r1")


def test_payments_of_a_stretch_of_time(gateway: PaymentGateway) -> None:
    """S14.3: as they stand now, for the nightly comparison."""
    with time_machine.travel(NOON, tick=False) as clock:
        paid = confirm(gateway, make.SUCCEEDS)
        gateway.refund(reference=paid.reference, amount_cents=100, key="r1")
        first_at = now()
        clock.shift(60)
        last_at = now()
        confirm(gateway, make.DECLINED, key="H-2")
        assert list(gateway.payments_between(first_at, last_at)) == [
            replace(paid, refunded_cents=100)
        ]
        clock.shift(1)
        assert len(list(gateway.payments_between(first_at, now()))) == 2


def test_payout_is_sent_once_per_key(gateway: PaymentGateway) -> None:
    """S14.6, S14.11"""
    payee = gateway.create_payee(key="p-1", account_number=bank(gateway, "6789"))
    assert payee.last4 == "6789"
    first = gateway.payout(payee=payee.reference, amount_cents=8150, key="payout-1-0")
    assert first.amount_cents == 8150
    again = gateway.payout(payee=payee.reference, amount_cents=8150, key="payout-1-0")
    assert again == first
    with pytest.raises(GatewayError):
        gateway.payout(payee=payee.reference, amount_cents=8151, key="payout-1-0")


def test_refused_payout_is_no_unknown_one(gateway: PaymentGateway) -> None:
    payee = gateway.create_payee(key="p-1", account_number=bank(gateway, "1116"))
    with pytest.raises(GatewayError) as refused:
        gateway.payout(payee=payee.reference, amount_cents=8150, key="payout-1-0")
    assert not isinstance(refused.value, GatewayTimeoutError)


def test_payout_without_an_answer_is_found_again(gateway: PaymentGateway) -> None:
    payee = gateway.create_payee(key="p-1", account_number=bank(gateway, "9987"))
    with pytest.raises(GatewayTimeoutError):
        gateway.payout(payee=payee.reference, amount_cents=8150, key="payout-1-0")
    sent = gateway.payout(payee=payee.reference, amount_cents=8150, key="payout-1-0")
    assert sent.amount_cents == 8150


def test_tax_details_come_once_they_are_told(gateway: PaymentGateway) -> None:
    """S14.12: the gateway collects them; the same answer each time."""
    payee = gateway.create_payee(key="p-1", account_number=bank(gateway, "6789"))
    if gateway.name == "stripe":
        assert gateway.fetch_tax_details(reference=payee.reference) is None
        person = {"first_name": "Ann", "last_name": "Lee", "id_number_provided": True}
        STAGES["stripe"].tell_who(payee.reference, business_type="individual", individual=person)
    told = gateway.fetch_tax_details(reference=payee.reference)
    assert told is not None
    assert (told.reference, told.has_tax_id, told.is_company) == (payee.reference, True, False)
    assert told.legal_name in {"Ann Lee", "Test Payee 6789"}
    assert told.tax_id_last4 in {"", "9876"}
    assert gateway.fetch_tax_details(reference=payee.reference) == told
    assert told.legal_name not in repr(told)


@pytest.mark.parametrize("number", ["", "4242424242424242", "000999996789", "btok_", "acct_1"])
def test_any_other_bank_account_is_refused(gateway: PaymentGateway, number: str) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        gateway.create_payee(key="p-1", account_number=number)
    assert set(refused.value.fields) == {"account_number"}


@pytest.mark.parametrize("call", ["fetch", "cancel"])
def test_unknown_payment_is_refused(gateway: PaymentGateway, call: str) -> None:
    ask: Callable[..., GatewayIntent] = getattr(gateway, call)
    with pytest.raises(GatewayError):
        ask(reference="pi_nothing")


@pytest.mark.parametrize(
    "number",
    [
        "",
        "4242",
        "4111 1111 1111 1111",
        "5555 5555 5555 4242",
        "4242 4242 4242 424",
        "4242 4242 4242 42422",
        "4242 4242 4242 4243",
        "４２４２ ４２４２ ４２４２ ４２４２",
        "4242' OR 1=1 -- 4242",
    ],
)
def test_any_other_number_is_refused(gateway: PaymentGateway, number: str) -> None:
    """S14.1: 422 on the field; the sentence does not repeat what was typed."""
    with pytest.raises(ValidationFailedError) as refused:
        gateway.read_card(number)
    assert set(refused.value.fields) == {"card_number"}
    assert refused.value.status == 422
    assert not number or number not in repr(vars(refused.value))


def test_token_shows_no_number_when_printed(gateway: PaymentGateway) -> None:
    token = card(gateway, "4242424242424242")
    assert "4242424242424242" not in f"{token!r} {token.token}"
    assert token.token not in repr(token)


@pytest.mark.parametrize(
    ("is_approved", "status"), [(True, IntentStatus.SUCCEEDED), (False, IntentStatus.DECLINED)]
)
def test_extra_step_decides(is_approved: bool, status: IntentStatus) -> None:
    """S14.4"""
    offline = OfflineGateway()
    reference = confirm(offline, make.EXTRA_STEP).reference
    done = offline.complete_extra_step(reference=reference, is_approved=is_approved)
    assert done.status is status
    again = offline.complete_extra_step(reference=reference, is_approved=not is_approved)
    assert again.status is status


@pytest.mark.usefixtures("committed_db")
def test_parallel_calls_with_one_key_make_one_intent(gateway: PaymentGateway) -> None:
    """S14.2"""
    answers = in_parallel([lambda: confirm(gateway, make.SUCCEEDS)] * 8)
    assert len({answer.reference for answer in answers}) == 1
    made = STAGES["stripe"].intents if gateway.name == "stripe" else OfflineIntent.objects.all()
    assert len(made) == 1


@pytest.mark.usefixtures("committed_db")
def test_parallel_refunds_never_exceed_the_charge(gateway: PaymentGateway) -> None:
    """S14.9: $95.00 is enough for four refunds of $20.00."""
    reference = confirm(gateway, make.SUCCEEDS).reference
    answers = in_parallel(
        [
            lambda key=key: gateway.refund(reference=reference, amount_cents=2000, key=f"r{key}")
            for key in range(8)
        ]
    )
    assert sum(isinstance(answer, GatewayError) for answer in answers) == 4
    assert gateway.fetch(reference=reference).refunded_cents == 8000


def test_offline_gateway_is_refused_on_prod(settings: Settings) -> None:
    """S14.1: a start-up error."""
    assert check_gateway(None) == []
    settings.IS_PROD = True
    assert [error.id for error in check_gateway(None)] == ["payments.E001"]
    assert "payments.E001" in {message.id for message in run_checks()}
    with pytest.raises(ImproperlyConfigured):
        current_gateway()


def test_unknown_gateway_is_an_error(settings: Settings) -> None:
    settings.PAYMENT_GATEWAY = "barter"
    assert [error.id for error in check_gateway(None)] == ["payments.E001"]
