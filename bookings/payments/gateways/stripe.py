"""Stripe, through its official SDK (Spec: S14.1).

Only tokens pass through here: people type their card at Stripe's own page, and what comes back is
the name of that page. Sentences of Stripe are never kept or logged, only its codes.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

import stripe
import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from bookings.payments.gateways.base import (
    CardToken,
    GatewayError,
    GatewayEvent,
    GatewayIntent,
    GatewayPayee,
    GatewayPayout,
    GatewayRefund,
    GatewayTaxDetails,
    GatewayTimeoutError,
    IntentStatus,
)
from bookings.payments.gateways.stripe_words import (
    CLOSED_AFTER_REFUSAL,
    KINDS,
    brand_in_words,
    intent_as_told,
    tax_details_as_told,
    was_refused,
)
from instainstru import clock
from instainstru.errors import ValidationFailedError
from instainstru.signatures import WebhookSignatureError, verify

CURRENCY = "usd"
# Somebody waits for the answer; what comes later is fetched (Spec: S14.2).
TIMEOUT_SECONDS = 10
PAGE_SIZE = 100
# A charge tells how a payment ended, also after the intent was closed and forgot its error.
CHARGE = ["latest_charge", "payment_method"]
PAGE_NAME = re.compile(r"cs_(test|live)_[A-Za-z0-9]{1,120}")
BANK_TOKEN = re.compile(r"btok_[A-Za-z0-9_]{1,80}")
# Another request works with the same object or key: ask again, nothing is known.
BUSY_STATUSES = frozenset({409, 429})
SERVER_FAILS = 500
UNEXPECTED_STATE = "payment_intent_unexpected_state"
# Why money cannot leave us, whoever it is for.
OUR_FAULTS = frozenset({"balance_insufficient", "api_key_expired", "platform_api_key_expired"})
REFUND_FAILED = frozenset({"failed", "canceled"})
# The states of an intent before anybody was asked for money.
UNTOUCHED = frozenset({"requires_payment_method", "requires_confirmation"})
# What Stripe says of things that were deleted before.
GONE = frozenset({"resource_missing", "account_invalid"})
MOST_CHARACTERS = 80
# Stripe repeats its answer to a key for a day, a failure of its own too.
KEYS_LAST = timedelta(hours=25)
MOST_KEYS = 6

Made = TypeVar("Made")

log = structlog.get_logger(__name__)


class StripeGateway:
    """Takes real cards where the keys are live ones. Raises ``ImproperlyConfigured`` without keys,
    and for keys whose kind of money does not belong to this tier.
    """

    name = "stripe"
    signature_header = "Stripe-Signature"
    has_card_page = True
    has_payee_page = True
    least_charge_cents = 50

    def __init__(self) -> None:
        for setting in ("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"):
            if not getattr(settings, setting):
                raise ImproperlyConfigured(f"PAYMENT_GATEWAY 'stripe' needs {setting}.")
        if ("_live_" in settings.STRIPE_SECRET_KEY) != settings.IS_PROD:
            raise ImproperlyConfigured("STRIPE_SECRET_KEY: a live key on PROD, and only there.")

    @property
    def _api(self) -> stripe.V1Services:
        return _client(settings.STRIPE_SECRET_KEY).v1

    def card_page(self, *, bound_to: str, return_url: str, back_url: str) -> str:
        """Return the address of Stripe's page for a card, which charges nothing (Spec: S14.1)."""
        joint = "&" if "?" in return_url else "?"
        with _answers():
            page = self._api.checkout.sessions.create(
                {
                    "mode": "setup",
                    "currency": CURRENCY,
                    "allowed_payment_method_types": ["card"],
                    # A card that belongs to no customer cannot be charged again after a decline.
                    "customer_creation": "always",
                    "client_reference_id": bound_to,
                    "success_url": f"{return_url}{joint}card={{CHECKOUT_SESSION_ID}}",
                    "cancel_url": back_url,
                }
            )
        return str(page.url)

    def read_card(self, card_number: str, *, bound_to: str = "") -> CardToken:
        """Return the card that was typed at Stripe's page; anything but a page's name is refused
        here, so a card number goes nowhere.
        """
        if not PAGE_NAME.fullmatch(card_number):
            raise _no_card()
        try:
            with _answers():
                page: Any = self._api.checkout.sessions.retrieve(
                    card_number, {"expand": ["setup_intent.payment_method"]}
                )
        except GatewayTimeoutError:
            raise
        except GatewayError:
            raise _no_card() from None
        method = page.setup_intent and page.setup_intent.payment_method
        card = getattr(method, "card", None)
        is_done = page.status == "complete" and page.client_reference_id == bound_to
        if not is_done or not card or not page.customer:
            raise _no_card()
        return CardToken(
            token=f"{page.customer}/{method.id}",
            brand=brand_in_words(card.brand),
            last4=card.last4,
        )

    def create_intent(self, *, key: str, amount_cents: int) -> GatewayIntent:
        """Return the intent of this key. A repeat is answered as the first call was, so how the
        intent stands now is asked for.
        """
        asked: Any = {
            "amount": amount_cents,
            "currency": CURRENCY,
            "allowed_payment_method_types": ["card"],
            "metadata": {"attempt": key},
        }
        with _answers():
            intent = _once(
                key,
                lambda name: self._api.payment_intents.create(asked, {"idempotency_key": name}),
                lambda: self._begun_under(key),
            )
        return self.fetch(reference=intent.id)

    def confirm(self, *, reference: str, card: CardToken) -> GatewayIntent:
        """Charge the card; one that Stripe refuses closes the intent, which is final then."""
        customer, _, method = card.token.partition("/")
        asked: Any = {
            "payment_method": method,
            "return_url": f"{settings.SITE_URL}/book/bank/",
            "expand": CHARGE,
        }
        try:
            with _answers(passes=(stripe.CardError, stripe.InvalidRequestError)):
                self._api.payment_intents.update(reference, {"customer": customer})
                intent = _once(
                    f"{reference}-{method}",
                    lambda name: self._api.payment_intents.confirm(
                        reference, asked, {"idempotency_key": name}
                    ),
                    lambda: self._confirmed(reference),
                )
        except stripe.CardError:
            return self.fetch(reference=reference)
        except stripe.InvalidRequestError as error:
            if error.code != UNEXPECTED_STATE:
                raise GatewayError(_code_of(error)) from None
            return self.fetch(reference=reference)
        told = self._final(intent)
        if told.status is IntentStatus.PENDING:
            raise GatewayTimeoutError("The bank has not answered yet.")
        return told

    def fetch(self, *, reference: str) -> GatewayIntent:
        """Return the intent as it stands now; one that was refused is closed at that."""
        with _answers():
            return self._final(self._retrieve(reference))

    def bank_page(self, *, reference: str) -> str:
        """Return the page of the bank's question while it waits; nothing is closed here."""
        with _answers():
            return intent_as_told(self._retrieve(reference)).action_url

    def cancel(self, *, reference: str) -> GatewayIntent:
        """Close an intent that has no result yet."""
        with _answers():
            return intent_as_told(self._close(reference, "abandoned"))

    def parse_webhook(self, *, body: bytes, signature: str, now: datetime) -> GatewayEvent:
        """Return what Stripe has signed with this endpoint's secret (Spec: S14.8)."""
        verify(body, signature, secret=settings.STRIPE_WEBHOOK_SECRET.encode(), now=now)
        try:
            said = json.loads(body)
            about, kind = said["data"]["object"], str(said["type"])
            reference = about.get("payment_intent") or about["id"]
            return GatewayEvent(
                event_id=str(said["id"])[:MOST_CHARACTERS],
                kind=KINDS.get(kind, kind)[:40],
                reference=str(reference)[:MOST_CHARACTERS],
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise WebhookSignatureError("no event") from error

    def refund(self, *, reference: str, amount_cents: int, key: str) -> GatewayRefund:
        """Pay back a part. Stripe forgets keys after a day and we try for longer, so the refunds
        of the payment are looked through first; only one that failed is made again.
        """
        asked: Any = {
            "payment_intent": reference,
            "amount": amount_cents,
            "metadata": {"refund": key},
        }
        with _answers():
            known, failed = self._refunds_under(reference, key)
            refund = known or _once(
                f"refund-{key}-{failed}",
                lambda name: self._api.refunds.create(asked, {"idempotency_key": name}),
                lambda: self._refunds_under(reference, key)[0],
            )
        if refund.amount != amount_cents:
            raise GatewayError("This key was used for another refund.")
        if refund.status in REFUND_FAILED:
            raise GatewayError(f"refund {refund.status}")
        if refund.status != "succeeded":
            raise GatewayTimeoutError("The refund is on its way.")
        return GatewayRefund(reference=refund.id, amount_cents=refund.amount)

    def has_refund_failed(self, *, reference: str) -> bool:
        """Tell how a refund stands now: banks send money back for days after it succeeded."""
        with _answers():
            return self._api.refunds.retrieve(reference).status in REFUND_FAILED

    def payments_between(self, first_at: datetime, last_at: datetime) -> Iterator[GatewayIntent]:
        """Yield the payments begun in a stretch of time, newest first; nothing is closed here."""
        with _answers():
            listed = self._api.payment_intents.list(
                {
                    "created": {"gte": int(first_at.timestamp()), "lt": int(last_at.timestamp())},
                    "limit": PAGE_SIZE,
                    "expand": [f"data.{name}" for name in CHARGE],
                }
            )
            for intent in listed.auto_paging_iter():
                yield intent_as_told(intent)

    def forget_customer(self, *, reference: str) -> None:
        """Delete the customer of a payment, which takes their cards along."""
        with _answers():
            customer: Any = self._retrieve(reference).customer
            if customer:
                _gone(lambda: self._api.customers.delete(str(getattr(customer, "id", customer))))

    def forget_payee(self, *, reference: str) -> None:
        """Delete the account; Stripe refuses while its balance is not zero."""
        with _answers():
            _gone(lambda: self._api.accounts.delete(reference))

    def create_payee(self, *, key: str, account_number: str) -> GatewayPayee:
        """Open an account for transfers with a bank account that Stripe's own fields have read.

        A number is refused here. Until Stripe knows who somebody is (S14.12), it refuses transfers,
        and so the payout.
        """
        if not BANK_TOKEN.fullmatch(account_number):
            message = "Bank details can't be taken here yet. Write to us."
            raise ValidationFailedError(message, fields={"account_number": message})
        account = self._open_account(key, {"external_account": account_number})
        return GatewayPayee(reference=account.id, last4=account.external_accounts.data[0].last4)

    def begin_payee(self, *, key: str) -> str:
        """Open an account for transfers that Stripe asks the rest for, on its own pages."""
        return str(self._open_account(key, {}).id)

    def payee_page(self, *, reference: str, return_url: str, again_url: str) -> str:
        """Return the address of Stripe's page: for what is missing, or else for changes."""
        with _answers():
            account: Any = self._api.accounts.retrieve(reference)
            is_whole = account.details_submitted and not account.requirements.currently_due
            page = self._api.account_links.create(
                {
                    "account": reference,
                    "type": "account_update" if is_whole else "account_onboarding",
                    "return_url": return_url,
                    "refresh_url": again_url,
                }
            )
        return str(page.url)

    def fetch_payee(self, *, reference: str) -> GatewayPayee | None:
        """Return whom Stripe knows well enough to take a bank account from."""
        with _answers():
            account: Any = self._api.accounts.retrieve(reference)
            banks: Any = self._api.accounts.external_accounts.list(
                reference, {"limit": PAGE_SIZE}
            ).data
        bank = next((row for row in banks if row.default_for_currency), None)
        if not account.details_submitted or bank is None:
            return None
        return GatewayPayee(reference=account.id, last4=bank.last4, bank_reference=bank.id)

    def fetch_tax_details(self, *, reference: str) -> GatewayTaxDetails | None:
        """Return who Stripe knows the payee as; of the number it only tells that it has it."""
        with _answers():
            return tax_details_as_told(self._api.accounts.retrieve(reference))

    def payout(self, *, payee: str, amount_cents: int, key: str) -> GatewayPayout:
        """Send money to a payee's account, from where Stripe pays it to the bank. Sent ones are
        looked for first, because Stripe forgets keys after a day. What is wrong on our side, like
        money that has not arrived yet, is no refusal of the payee's bank: it is tried again.
        """
        asked: Any = {
            "amount": amount_cents,
            "currency": CURRENCY,
            "destination": payee,
            "transfer_group": key,
            "metadata": {"payout": key},
        }
        with _answers(ours=OUR_FAULTS):
            transfer = self._sent_under(key) or _once(
                key,
                lambda name: self._api.transfers.create(asked, {"idempotency_key": name}),
                lambda: self._sent_under(key),
            )
        if transfer.amount != amount_cents or transfer.destination != payee:
            raise GatewayError("This key was used for another payout.")
        return GatewayPayout(reference=transfer.id, amount_cents=transfer.amount)

    def _open_account(self, key: str, more: dict[str, str]) -> Any:
        with _answers():
            asked: Any = {
                "country": "US",
                "controller": {
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "requirement_collection": "application",
                    "stripe_dashboard": {"type": "none"},
                },
                "capabilities": {"transfers": {"requested": True}},
                "metadata": {"payee": key},
                **more,
            }
            # An account that nobody wrote down stays empty: it does no harm beside the next one.
            return _once(
                key,
                lambda name: self._api.accounts.create(asked, {"idempotency_key": name}),
                lambda: None,
            )

    def _begun_under(self, key: str) -> stripe.PaymentIntent | None:
        """Return the intent of a key that Stripe began although it answered with a failure."""
        since = int((clock.now() - KEYS_LAST).timestamp())
        listed = self._api.payment_intents.list({"created": {"gte": since}, "limit": PAGE_SIZE})
        found = (row for row in listed.auto_paging_iter() if _said_in(row, "attempt") == key)
        return next(found, None)

    def _confirmed(self, reference: str) -> stripe.PaymentIntent | None:
        """Return an intent whose charge has come to anything, refused too."""
        intent = self._retrieve(reference)
        is_untouched = intent.status in UNTOUCHED and not was_refused(intent)
        return None if is_untouched else intent

    def _refunds_under(self, reference: str, key: str) -> tuple[stripe.Refund | None, int]:
        """Return the refund of a key that has not failed, and how many have."""
        listed = self._api.refunds.list({"payment_intent": reference, "limit": PAGE_SIZE})
        ours = [row for row in listed.auto_paging_iter() if _said_in(row, "refund") == key]
        failed = [row for row in ours if row.status in REFUND_FAILED]
        return next((row for row in ours if row not in failed), None), len(failed)

    def _sent_under(self, key: str) -> stripe.Transfer | None:
        return next(iter(self._api.transfers.list({"transfer_group": key, "limit": 1}).data), None)

    def _retrieve(self, reference: str) -> stripe.PaymentIntent:
        return self._api.payment_intents.retrieve(reference, {"expand": CHARGE})

    def _final(self, intent: stripe.PaymentIntent) -> GatewayIntent:
        """Close what was refused: Stripe would let another card try, our next try has a new key."""
        if intent.status == "requires_payment_method" and was_refused(intent):
            with _answers():
                intent = self._close(intent.id, CLOSED_AFTER_REFUSAL)
        return intent_as_told(intent)

    def _close(self, reference: str, reason: Any) -> stripe.PaymentIntent:
        """Cancel; an intent that has ended, or whose bank is answering, stays as it is."""
        try:
            return self._api.payment_intents.cancel(
                reference, {"cancellation_reason": reason, "expand": CHARGE}
            )
        except stripe.InvalidRequestError as error:
            if error.code != UNEXPECTED_STATE:
                raise
            return self._retrieve(reference)


def http_client() -> stripe.HTTPClient:
    """Return what carries the requests; it never retries by itself, our jobs do."""
    return stripe.RequestsClient(timeout=TIMEOUT_SECONDS)


@lru_cache(maxsize=1)
def _client(key: str) -> stripe.StripeClient:
    return stripe.StripeClient(key, http_client=http_client(), max_network_retries=0)


@contextmanager
def _answers(
    passes: tuple[type[stripe.StripeError], ...] = (), *, ours: frozenset[str] = frozenset()
) -> Iterator[None]:
    """Turn Stripe's errors into ours: without an answer nobody knows what happened.

    Where codes are named that are our own fault, those alert and count as no answer.
    """
    try:
        yield
    except passes:
        raise
    except stripe.APIConnectionError:
        raise GatewayTimeoutError("No answer within the time allowed.") from None
    except stripe.StripeError as error:
        status = error.http_status or SERVER_FAILS
        is_ours = error.code in ours or isinstance(error, stripe.AuthenticationError)
        if ours and is_ours:
            # Not its sentence: that may repeat what somebody typed.
            log.error("stripe_refuses_us", reason=_code_of(error))  # noqa: TRY400
            raise GatewayTimeoutError(_code_of(error)) from None
        if status >= SERVER_FAILS or status in BUSY_STATUSES:
            raise GatewayTimeoutError(_code_of(error)) from None
        raise GatewayError(_code_of(error)) from None


def _code_of(error: stripe.StripeError) -> str:
    """Name an error by its code: its sentence may repeat what somebody typed."""
    return f"stripe {error.code or type(error).__name__}"[:MOST_CHARACTERS]


def _once(key: str, make: Callable[[str], Made], find: Callable[[], Made | None]) -> Made:
    """Return what ``make`` makes under a key, or under the next one where Stripe only repeats a
    failure of its own, as it does for a day. ``find`` looks first for what that failure hid: it
    must see all that could have been made. A failure that is new is raised: nothing is known yet.
    """
    for number in range(MOST_KEYS):
        try:
            return make(f"{key}-again-{number}" if number else key)
        except stripe.StripeError as error:
            if number == MOST_KEYS - 1 or not _is_repeated_failure(error):
                raise
        if (known := find()) is not None:
            return known
    raise AssertionError("the last key returns or raises")


def _is_repeated_failure(error: stripe.StripeError) -> bool:
    said = {str(name).lower(): value for name, value in dict(error.headers or {}).items()}
    is_repeated = said.get("idempotent-replayed") == "true"
    return is_repeated and (error.http_status or 0) >= SERVER_FAILS


def _gone(delete: Callable[[], object]) -> None:
    """Delete something; what is gone already is gone. Stripe says 404 or 403 for that."""
    try:
        delete()
    except stripe.StripeError as error:
        if error.code not in GONE:
            raise


def _said_in(row: stripe.PaymentIntent | stripe.Refund, name: str) -> str:
    metadata = row.metadata
    return str(metadata[name]) if metadata and name in metadata else ""


def _no_card() -> ValidationFailedError:
    message = "Enter your card on the payment page."
    return ValidationFailedError(message, fields={"card_number": message})
