"""What goes to Stripe, word for word, and what its answers mean to us (Spec: S14.1, S14.2)."""

import json
import logging
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe as sdk
import time_machine
from django.conf import settings
from pytest_django import Settings

from bookings.payments.checks import check_gateway
from bookings.payments.gateways import current_gateway
from bookings.payments.gateways.base import (
    CardToken,
    GatewayError,
    GatewayIntent,
    GatewayTimeoutError,
    IntentStatus,
)
from bookings.payments.gateways.stripe import StripeGateway
from instainstru import clock
from instainstru.errors import ValidationFailedError
from tests.bookings.payments.stripe_stage import KEY, RefusedError, Stage
from tests.factories import payments as make

pytestmark = [pytest.mark.S14, pytest.mark.django_db]
NUMBER = "4242424242424242"


@pytest.fixture
def gateway(stripe: Stage) -> StripeGateway:
    found = current_gateway()
    assert isinstance(found, StripeGateway)
    return found


def typed(stripe: Stage, gateway: StripeGateway, number: str = make.SUCCEEDS) -> CardToken:
    return gateway.read_card(stripe.typed_card(number))


def charge(stripe: Stage, gateway: StripeGateway, number: str = make.SUCCEEDS) -> GatewayIntent:
    card = typed(stripe, gateway, number)
    reference = gateway.create_intent(key="H-1", amount_cents=9500).reference
    stripe.asked.clear()
    return gateway.confirm(reference=reference, card=card)


def sent(stripe: Stage) -> list[tuple[str, str, dict[str, str]]]:
    return [(asked.method, asked.path, asked.params) for asked in stripe.asked]


# --- Requests, word for word ----------------------------------------------------------------------
def test_intent_is_asked_for_in_cents_under_our_key(stripe: Stage, gateway: StripeGateway) -> None:
    """S14.2: the key is the hold and the number of the try."""
    reference = gateway.create_intent(key="HOLD234567-2", amount_cents=9500).reference
    create, fetch = stripe.asked
    assert (create.method, create.path) == ("POST", "payment_intents")
    assert create.params == {
        "amount": "9500",
        "currency": "usd",
        "allowed_payment_method_types[0]": "card",
        "metadata[attempt]": "HOLD234567-2",
    }
    assert create.key == "HOLD234567-2"
    assert create.headers["Authorization"] == f"Bearer {KEY}"
    assert (fetch.method, fetch.path) == ("GET", f"payment_intents/{reference}")


def test_charge_names_the_card_by_its_token_only(
    stripe: Stage, gateway: StripeGateway, settings: Settings
) -> None:
    settings.SITE_URL = "https://lessons.example"
    paid = charge(stripe, gateway)
    assert paid.status is IntentStatus.SUCCEEDED
    customer, _, method = typed(stripe, gateway).token.partition("/")
    update, confirm = stripe.asked[:2]
    assert (update.method, update.path) == ("POST", f"payment_intents/{paid.reference}")
    assert set(update.params) == {"customer"}
    assert update.params["customer"].startswith("cus_")
    assert confirm.path == f"payment_intents/{paid.reference}/confirm"
    assert confirm.params == {
        "payment_method": confirm.params["payment_method"],
        "return_url": "https://lessons.example/book/bank/",
        "expand[0]": "latest_charge",
        "expand[1]": "payment_method",
    }
    assert confirm.params["payment_method"].startswith("pm_")
    assert confirm.key == f"{paid.reference}-{confirm.params['payment_method']}"
    assert customer != method


def test_refund_and_its_key(stripe: Stage, gateway: StripeGateway) -> None:
    reference = charge(stripe, gateway).reference
    stripe.asked.clear()
    gateway.refund(reference=reference, amount_cents=4000, key="cancel:7")
    listed, made = sent(stripe)
    assert listed == ("GET", "refunds", {"payment_intent": reference, "limit": "100"})
    assert made == (
        "POST",
        "refunds",
        {"payment_intent": reference, "amount": "4000", "metadata[refund]": "cancel:7"},
    )
    assert stripe.asked[1].key == "refund-cancel:7-0"


def test_payout_goes_to_the_account_of_the_payee(stripe: Stage, gateway: StripeGateway) -> None:
    """S14.6: amount, destination, key."""
    payee = gateway.create_payee(key="payee-1-x", account_number="btok_6789")
    assert sent(stripe) == [
        (
            "POST",
            "accounts",
            {
                "country": "US",
                "controller[fees][payer]": "application",
                "controller[losses][payments]": "application",
                "controller[requirement_collection]": "application",
                "controller[stripe_dashboard][type]": "none",
                "capabilities[transfers][requested]": "true",
                "external_account": "btok_6789",
                "metadata[payee]": "payee-1-x",
            },
        )
    ]
    assert stripe.asked[0].key == "payee-1-x"
    stripe.asked.clear()
    gateway.payout(payee=payee.reference, amount_cents=8150, key="payout-4-1")
    assert sent(stripe) == [
        ("GET", "transfers", {"transfer_group": "payout-4-1", "limit": "1"}),
        (
            "POST",
            "transfers",
            {
                "amount": "8150",
                "currency": "usd",
                "destination": payee.reference,
                "transfer_group": "payout-4-1",
                "metadata[payout]": "payout-4-1",
            },
        ),
    ]
    assert stripe.asked[1].key == "payout-4-1"


def test_card_page_charges_nothing_and_leads_back(stripe: Stage, gateway: StripeGateway) -> None:
    """S14.1: the gateway's hosted page and back."""
    address = gateway.card_page(
        bound_to="HOLD234567", return_url="https://x.example/book/H/", back_url="https://x.example/"
    )
    assert address.startswith("https://checkout.stripe.com/")
    assert sent(stripe) == [
        (
            "POST",
            "checkout/sessions",
            {
                "mode": "setup",
                "currency": "usd",
                "allowed_payment_method_types[0]": "card",
                "customer_creation": "always",
                "client_reference_id": "HOLD234567",
                "success_url": "https://x.example/book/H/?card={CHECKOUT_SESSION_ID}",
                "cancel_url": "https://x.example/",
            },
        )
    ]


# --- Cards ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["", NUMBER, "cs_test_", "cs_test_../x", "pm_1", f"cs_{NUMBER}"])
def test_what_is_no_page_goes_nowhere(stripe: Stage, gateway: StripeGateway, text: str) -> None:
    """S14.1: a card number typed at us by mistake is not even sent on."""
    with pytest.raises(ValidationFailedError):
        gateway.read_card(text)
    assert stripe.asked == []


def test_page_counts_once_it_is_filled_in_and_for_its_hold_only(
    stripe: Stage, gateway: StripeGateway
) -> None:
    gateway.card_page(bound_to="HOLD234567", return_url="https://x.example/", back_url="")
    (name,) = stripe.pages
    with pytest.raises(ValidationFailedError):
        gateway.read_card(name, bound_to="HOLD234567")
    stripe.fill_in(name, NUMBER)
    card = gateway.read_card(name, bound_to="HOLD234567")
    assert (card.brand, card.last4) == ("Visa", "4242")
    for other in ("HOLD765432", ""):
        with pytest.raises(ValidationFailedError):
            gateway.read_card(name, bound_to=other)
    with pytest.raises(ValidationFailedError):
        gateway.read_card("cs_test_unknown", bound_to="HOLD234567")


def test_refused_card_closes_the_intent(stripe: Stage, gateway: StripeGateway) -> None:
    """A second card on the same intent would be a second try under the first one's key."""
    declined = charge(stripe, gateway, make.DECLINED)
    assert declined.status is IntentStatus.DECLINED
    assert stripe.intents[declined.reference]["status"] == "canceled"
    stripe.intents[declined.reference]["last_payment_error"] = None
    assert gateway.fetch(reference=declined.reference) == declined


def test_decline_that_nobody_closed_is_closed_when_it_is_found(
    stripe: Stage, gateway: StripeGateway
) -> None:
    """S14.13: the process died between the refusal and our closing it."""
    intent = charge(stripe, gateway, make.INSUFFICIENT_FUNDS)
    stripe.intents[intent.reference] |= {
        "status": "requires_payment_method",
        "cancellation_reason": None,
    }
    first_at, last_at = clock.now() - timedelta(hours=1), clock.now() + timedelta(hours=1)
    assert list(gateway.payments_between(first_at, last_at)) == [intent]
    assert stripe.intents[intent.reference]["status"] == "requires_payment_method"
    assert gateway.fetch(reference=intent.reference) == intent
    assert stripe.intents[intent.reference]["status"] == "canceled"


@pytest.mark.parametrize("is_approved", [True, False])
def test_extra_step_is_the_banks_page(
    stripe: Stage, gateway: StripeGateway, is_approved: bool
) -> None:
    """S14.4"""
    waiting = charge(stripe, gateway, make.EXTRA_STEP)
    assert waiting.status is IntentStatus.REQUIRES_ACTION
    assert waiting.action_url == f"https://hooks.stripe.com/3d_secure/{waiting.reference}"
    stripe.finish_step(waiting.reference, is_approved=is_approved)
    done = gateway.fetch(reference=waiting.reference)
    assert done.action_url == ""
    if is_approved:
        assert done.status is IntentStatus.SUCCEEDED
    else:
        assert (done.status, done.decline_reason) == (IntentStatus.DECLINED, "step_failed")
        assert stripe.intents[waiting.reference]["status"] == "canceled"


# --- A day later: Stripe has forgotten its keys ---------------------------------------------------
def test_refund_is_not_paid_twice_when_the_key_is_forgotten(
    stripe: Stage, gateway: StripeGateway
) -> None:
    """S14.9: an answer was lost, and the next try comes after a day."""
    reference = charge(stripe, gateway).reference
    first = gateway.refund(reference=reference, amount_cents=4000, key="r1")
    stripe.forget_keys()
    assert gateway.refund(reference=reference, amount_cents=4000, key="r1") == first
    assert gateway.fetch(reference=reference).refunded_cents == 4000


def test_payout_is_not_sent_twice_when_the_key_is_forgotten(
    stripe: Stage, gateway: StripeGateway
) -> None:
    payee = gateway.create_payee(key="p", account_number="btok_6789").reference
    first = gateway.payout(payee=payee, amount_cents=8150, key="payout-1-0")
    stripe.forget_keys()
    assert gateway.payout(payee=payee, amount_cents=8150, key="payout-1-0") == first
    assert len(stripe.transfers) == 1


@pytest.mark.parametrize(
    "why",
    [
        RefusedError(400, "balance_insufficient"),
        RefusedError(401, ""),
        RefusedError(401, "api_key_expired"),
    ],
    ids=str,
)
def test_payout_that_we_cannot_make_is_no_refusal_of_the_bank(
    stripe: Stage, gateway: StripeGateway, why: RefusedError, caplog: pytest.LogCaptureFixture
) -> None:
    """S14.6: three of those would stop the payout and blame the instructor's account."""
    payee = gateway.create_payee(key="p", account_number="btok_6789").reference
    stripe.refused = {"transfers": why}
    with pytest.raises(GatewayTimeoutError):
        gateway.payout(payee=payee, amount_cents=8150, key="payout-1-0")
    assert "stripe_refuses_us" in caplog.text
    stripe.refused = {"transfers": RefusedError(400, "insufficient_capabilities_for_transfer")}
    with pytest.raises(GatewayError) as refused:
        gateway.payout(payee=payee, amount_cents=8150, key="payout-1-1")
    assert not isinstance(refused.value, GatewayTimeoutError)


def test_refund_on_its_way_is_unknown_and_a_failed_one_is_made_again(
    stripe: Stage, gateway: StripeGateway
) -> None:
    reference = charge(stripe, gateway).reference
    stripe.refund_status = "pending"
    with pytest.raises(GatewayTimeoutError):
        gateway.refund(reference=reference, amount_cents=4000, key="r1")
    (row,) = stripe.refunds.values()
    row["status"] = "failed"
    stripe.refund_status = "succeeded"
    assert gateway.refund(reference=reference, amount_cents=4000, key="r1").amount_cents == 4000
    assert stripe.asked[-1].key == "refund-r1-1"
    assert len(stripe.refunds) == 2


@pytest.mark.parametrize(
    ("told", "known"),
    [
        ({}, None),
        ({"business_type": "individual"}, None),
        ({"business_type": "individual", "individual": {"first_name": None}}, None),
        (
            {"business_type": "individual", "individual": {"last_name": "Lee"}},
            ("Lee", False, False),
        ),
        (
            {
                "business_type": "individual",
                "individual": {
                    "first_name": "Ann", "last_name": "Lee", "id_number_provided": False,
                    "ssn_last_4_provided": True,
                },
            },
            ("Ann Lee", False, True),
        ),
        (
            {"business_type": "company", "company": {"name": "Lee LLC", "tax_id_provided": True}},
            ("Lee LLC", True, True),
        ),
    ],
)  # fmt: skip
def test_who_a_payee_is_comes_from_their_account(
    stripe: Stage, gateway: StripeGateway, told: dict[str, Any], known: Any
) -> None:
    """S14.12: Stripe never tells the number, nor its end."""
    reference = gateway.begin_payee(key="p")
    stripe.tell_who(reference, **told)
    found = gateway.fetch_tax_details(reference=reference)
    assert (found and (found.legal_name, found.is_company, found.has_tax_id)) == known
    assert found is None or (found.tax_id_last4, found.reference) == ("", reference)
    assert (stripe.asked[-1].method, stripe.asked[-1].path) == ("GET", f"accounts/{reference}")


# --- Errors ---------------------------------------------------------------------------------------
UNKNOWN = [sdk.APIConnectionError("no route"), 500, 503, RefusedError(409, "lock_timeout")]
UNKNOWN += [RefusedError(429, "rate_limit"), RefusedError(409, "idempotency_key_in_use")]
KNOWN = [RefusedError(401, ""), RefusedError(403, ""), RefusedError(400, "amount_too_small")]


@pytest.mark.parametrize("failure", UNKNOWN, ids=str)
def test_no_answer_is_unknown(stripe: Stage, gateway: StripeGateway, failure: Any) -> None:
    """S14.2: a time-out is not a failure."""
    card = typed(stripe, gateway)
    reference = gateway.create_intent(key="H-1", amount_cents=9500).reference
    for call in (
        lambda: gateway.create_intent(key="H-2", amount_cents=9500),
        lambda: gateway.confirm(reference=reference, card=card),
        lambda: gateway.fetch(reference=reference),
        lambda: gateway.cancel(reference=reference),
        lambda: gateway.refund(reference=reference, amount_cents=1, key="r"),
        lambda: gateway.payout(payee="acct_1", amount_cents=1, key="p"),
        lambda: gateway.create_payee(key="b", account_number="btok_6789"),
        lambda: gateway.begin_payee(key="begun"),
        lambda: gateway.payee_page(reference="acct_1", return_url="", again_url=""),
        lambda: gateway.fetch_payee(reference="acct_1"),
        lambda: gateway.fetch_tax_details(reference="acct_1"),
        lambda: gateway.card_page(bound_to="H", return_url="", back_url=""),
        lambda: gateway.read_card("cs_test_1"),
        lambda: list(gateway.payments_between(clock.now(), clock.now())),
    ):
        stripe.next_failure = failure
        with pytest.raises(GatewayTimeoutError) as told:
            call()
        assert NUMBER not in f"{told.value}"


@pytest.mark.parametrize("failure", KNOWN, ids=lambda failure: failure.status)
def test_refusal_is_no_time_out_and_repeats_no_sentence(
    stripe: Stage, gateway: StripeGateway, failure: RefusedError
) -> None:
    stripe.next_failure = failure
    with pytest.raises(GatewayError) as told:
        gateway.create_intent(key="H-1", amount_cents=9500)
    assert not isinstance(told.value, GatewayTimeoutError)
    assert NUMBER not in f"{told.value}"
    assert told.value.__suppress_context__


def test_answer_that_was_lost_is_fetched(stripe: Stage, gateway: StripeGateway) -> None:
    """S14.2: the charge went through and the line broke; the same key is the same charge."""
    paid = charge(stripe, gateway)
    assert gateway.create_intent(key="H-1", amount_cents=9500) == paid
    assert len(stripe.intents) == 1


def test_sdk_logs_no_requests(
    stripe: Stage, gateway: StripeGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """S14.1: it would write whole bodies, whatever level the site logs at."""
    assert not logging.getLogger("stripe").isEnabledFor(logging.INFO)
    with caplog.at_level(logging.DEBUG):
        gateway.create_payee(key="b", account_number="btok_6789")
        charge(stripe, gateway, make.DECLINED)
    assert "btok_6789" not in caplog.text
    assert "4242424242424242" not in caplog.text
    assert not [row for row in caplog.records if row.name == "stripe"]


def test_books_are_read_page_by_page(stripe: Stage, gateway: StripeGateway) -> None:
    """S14.3: all of them, whatever a page holds."""
    with time_machine.travel("2027-03-01T12:00:00Z", tick=False):
        for number in range(230):
            gateway.create_intent(key=f"H-{number}", amount_cents=100)
        stripe.asked.clear()
        end = clock.now() + timedelta(seconds=1)
        found = list(gateway.payments_between(end - timedelta(hours=1), end))
    assert len({intent.reference for intent in found}) == 230
    assert [asked.path for asked in stripe.asked] == ["payment_intents"] * 3
    assert stripe.asked[0].params["expand[0]"] == "data.latest_charge"


# --- Starting -------------------------------------------------------------------------------------
@pytest.mark.parametrize("setting", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"])
def test_missing_key_is_a_start_up_error(stripe: Stage, settings: Settings, setting: str) -> None:
    assert check_gateway(None) == []
    setattr(settings, setting, "")
    (error,) = check_gateway(None)
    assert error.id == "payments.E001"
    assert setting in error.msg


def test_live_keys_belong_to_production_and_test_keys_do_not(
    stripe: Stage, settings: Settings
) -> None:
    settings.STRIPE_SECRET_KEY = "rk_live_x"
    (error,) = check_gateway(None)
    assert "rk_live_x" not in error.msg
    settings.IS_PROD = True
    assert check_gateway(None) == []
    settings.STRIPE_SECRET_KEY = KEY
    assert len(check_gateway(None)) == 1


def test_sample_event_of_the_sdk_is_ours(gateway: StripeGateway) -> None:
    """The official SDK and our check of signatures agree on one header."""
    from instainstru.signatures import sign
    from tests.bookings.payments.stripe_stage import SECRET

    body = json.dumps({"id": "evt_1", "object": "event", "type": "payment_intent.succeeded",
                       "data": {"object": {"id": "pi_1", "object": "payment_intent"}}})  # fmt: skip
    header = sign(body.encode(), secret=SECRET.encode(), at=clock.now())
    assert sdk.Webhook.construct_event(body, header, SECRET).id == "evt_1"
    told = gateway.parse_webhook(body=body.encode(), signature=header, now=clock.now())
    assert (told.event_id, told.kind, told.reference) == ("evt_1", "payment.succeeded", "pi_1")


@pytest.mark.parametrize("has_keys", [True, False])
def test_site_starts_with_keys_only(tmp_path: Path, has_keys: bool) -> None:
    """S14.1: from the environment, as an operator sets it."""
    keys = {"STRIPE_SECRET_KEY": "sk_test_x", "STRIPE_WEBHOOK_SECRET": "whsec_x"}
    done = subprocess.run(
        [sys.executable, settings.BASE_DIR / "manage.py", "check", "--tag", "start"],
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_AUDIT_LOG": str(tmp_path / "audit.jsonl"),
            "VAR_DIR": str(tmp_path),
            "PAYMENT_GATEWAY": "stripe",
            **(keys if has_keys else {}),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode == 0) is has_keys, done.stderr
    assert ("needs STRIPE_SECRET_KEY" in done.stderr) is not has_keys


def test_forms_may_lead_to_the_card_page() -> None:
    """Browsers hold the redirect after a form to ``form-action``: without this, no card page."""
    script = "from instainstru import settings; print(settings.FORM_TARGETS)"
    for name, is_allowed in (("stripe", True), ("test", False)):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PAYMENT_GATEWAY": name},
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )
        for host in ("checkout", "connect"):
            assert (f"https://{host}.stripe.com" in done.stdout) is is_allowed
