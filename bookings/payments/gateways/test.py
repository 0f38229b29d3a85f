"""The offline gateway: a payment company inside our own database, with test cards (Spec: S14.1).

It behaves like a real one: it keeps its own books, answers the same for the same key, and a late
result is there only for those who ask again later.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from secrets import token_urlsafe

from django.conf import settings
from django.db import transaction

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
from bookings.payments.models import (
    OfflineEvent,
    OfflineIntent,
    OfflinePayee,
    OfflinePayout,
    OfflineRefund,
)
from instainstru import clock
from instainstru.errors import ValidationFailedError
from instainstru.identifiers import public_id
from instainstru.signatures import WebhookSignatureError, verify

LATE_RESULT_AFTER = timedelta(seconds=10)
CARD_LENGTH = 16
# Issuer numbers that no bank uses: a real card can never pass for a test card.
TEST_PREFIXES = ("400000", "424242")
TOKENS = {
    "4242": "tok_succeeds",
    "0002": "tok_declined",
    "9995": "tok_insufficient_funds",
    "3155": "tok_extra_step",
    "0341": "tok_fails_on_charge",
    "9987": "tok_late_result",
}
DECLINE_REASONS = {
    "tok_declined": "card_declined",
    "tok_insufficient_funds": "insufficient_funds",
    "tok_fails_on_charge": "charge_failed",
}
ACCOUNT_LENGTH = 12
# Bank accounts that exist nowhere; the last digits say how they behave.
ACCOUNT_PREFIX = "00012345"
ACCOUNT_TOKENS = {
    "6789": "acct_succeeds",
    "1116": "acct_refused",
    "9987": "acct_late_answer",
}
Status = OfflineIntent.Status
FINAL = frozenset({Status.SUCCEEDED, Status.DECLINED, Status.CANCELLED})


class OfflineGateway:
    """Takes the six test numbers and moves no money."""

    name = "test"
    signature_header = "X-Signature"
    has_card_page = False
    has_payee_page = False
    least_charge_cents = 1

    def card_page(self, *, bound_to: str, return_url: str, back_url: str) -> str:
        """Refuse: the form carries a test number (Spec: S14.1)."""
        raise GatewayError("The offline gateway has no page for cards.")

    def read_card(self, card_number: str, *, bound_to: str = "") -> CardToken:
        """Reduce a test number to a token and its last four digits (Spec: S14.1)."""
        digits = card_number.replace(" ", "").replace("-", "")
        is_number = len(digits) == CARD_LENGTH and digits.isascii() and digits.isdigit()
        token = TOKENS.get(digits[-4:])
        if token is None or not is_number or not digits.startswith(TEST_PREFIXES):
            raise _unknown_card()
        return CardToken(token=token, brand="Visa", last4=digits[-4:])

    def create_intent(self, *, key: str, amount_cents: int) -> GatewayIntent:
        """Return the intent of this key; two calls at once make one."""
        intent, is_new = OfflineIntent.objects.get_or_create(
            key=key, defaults={"amount_cents": amount_cents, "reference": f"pi_{public_id()}"}
        )
        if is_new:
            _tell("payment.created", intent)
            return _as_told(intent)
        if intent.amount_cents != amount_cents:
            raise GatewayError("This key was used with another amount.")
        return self.fetch(reference=intent.reference)

    def confirm(self, *, reference: str, card: CardToken) -> GatewayIntent:
        """Attach the card, then charge it as its token says."""
        intent = _change(reference, lambda row: _charge(row, card))
        if intent.status is IntentStatus.PENDING:
            raise GatewayTimeoutError("No answer within the time allowed.")
        return intent

    def fetch(self, *, reference: str) -> GatewayIntent:
        """Return the intent; a late result shows once its time has come."""
        return _change(reference, lambda _row: None)

    def bank_page(self, *, reference: str) -> str:
        """Return nothing: our own page asks in the bank's place."""
        return ""

    def cancel(self, *, reference: str) -> GatewayIntent:
        """Close an intent without a result; an outstanding result cannot be stopped."""
        return _change(reference, _close)

    def parse_webhook(self, *, body: bytes, signature: str, now: datetime) -> GatewayEvent:
        """Return what the offline gateway has signed (Spec: S14.8)."""
        verify(body, signature, secret=webhook_secret(), now=now)
        try:
            said = json.loads(body)
            return GatewayEvent(
                event_id=str(said["id"]), kind=str(said["type"]), reference=str(said["payment"])
            )
        except (ValueError, KeyError, TypeError) as error:
            raise WebhookSignatureError("no event") from error

    def refund(self, *, reference: str, amount_cents: int, key: str) -> GatewayRefund:
        """Pay back a part, once per key."""
        with transaction.atomic():
            intent = _locked(reference)
            known = OfflineRefund.objects.filter(key=key).first()
            if known is None:
                known = _pay_back(intent, amount_cents, key)
        if known.amount_cents != amount_cents or known.intent_id != intent.pk:
            raise GatewayError("This key was used for another refund.")
        return GatewayRefund(reference=known.reference, amount_cents=known.amount_cents)

    def has_refund_failed(self, *, reference: str) -> bool:
        """Return False: the bank here takes everything."""
        return False

    def payments_between(self, first_at: datetime, last_at: datetime) -> Iterator[GatewayIntent]:
        """Yield the payments begun in a stretch of time; late results show when asked for."""
        rows = OfflineIntent.objects.filter(created_at__gte=first_at, created_at__lt=last_at)
        for intent in rows.order_by("pk").iterator():
            yield _as_told(intent)

    def forget_customer(self, *, reference: str) -> None:
        """Do nothing: nobody is known here but by their payment."""

    def forget_payee(self, *, reference: str) -> None:
        """Forget a test account."""
        OfflinePayee.objects.filter(reference=reference).delete()

    def create_payee(self, *, key: str, account_number: str) -> GatewayPayee:
        """Reduce a test account to a token and its last four digits (Spec: S14.11)."""
        digits = account_number.replace(" ", "").replace("-", "")
        token = ACCOUNT_TOKENS.get(digits[-4:])
        is_ours = len(digits) == ACCOUNT_LENGTH and digits.startswith(ACCOUNT_PREFIX)
        if token is None or not is_ours:
            message = "Use one of the test account numbers."
            raise ValidationFailedError(message, fields={"account_number": message})
        row, _ = OfflinePayee.objects.get_or_create(
            key=key,
            defaults={
                "reference": f"ba_{public_id()}",
                "account_token": token,
                "last4": digits[-4:],
            },
        )
        return GatewayPayee(reference=row.reference, last4=row.last4)

    def begin_payee(self, *, key: str) -> str:
        """Refuse: the form carries a test account (Spec: S14.11)."""
        raise GatewayError("The offline gateway has no page for payees.")

    def payee_page(self, *, reference: str, return_url: str, again_url: str) -> str:
        """Refuse, like ``begin_payee``."""
        raise GatewayError("The offline gateway has no page for payees.")

    def fetch_payee(self, *, reference: str) -> GatewayPayee | None:
        """Return whom the form made."""
        row = OfflinePayee.objects.filter(reference=reference).first()
        return GatewayPayee(reference=row.reference, last4=row.last4) if row else None

    def fetch_tax_details(self, *, reference: str) -> GatewayTaxDetails | None:
        """Return an invented person for a test account, always the same one."""
        row = OfflinePayee.objects.filter(reference=reference).first()
        if row is None:
            return None
        return GatewayTaxDetails(
            reference=row.reference,
            legal_name=f"Test Payee {row.last4}",
            has_tax_id=True,
            tax_id_last4=row.last4[::-1],
        )

    def payout(self, *, payee: str, amount_cents: int, key: str) -> GatewayPayout:
        """Send money, once per key; a late account pays, and answers only when asked again."""
        with transaction.atomic():
            account = OfflinePayee.objects.select_for_update().filter(reference=payee).first()
            if account is None or account.account_token == "acct_refused":  # noqa: S105
                raise GatewayError("The bank refused the payout.")
            row, is_new = OfflinePayout.objects.get_or_create(
                key=key,
                defaults={
                    "payee": account,
                    "amount_cents": amount_cents,
                    "reference": f"po_{public_id()}",
                },
            )
        if row.amount_cents != amount_cents or row.payee_id != account.pk:
            raise GatewayError("This key was used for another payout.")
        if is_new and account.account_token == "acct_late_answer":  # noqa: S105
            raise GatewayTimeoutError("No answer within the time allowed.")
        return GatewayPayout(reference=row.reference, amount_cents=row.amount_cents)

    def complete_extra_step(self, *, reference: str, is_approved: bool) -> GatewayIntent:
        """Do what the bank's own page does when its customer approves the payment, or not."""
        return _change(reference, lambda row: _finish_step(row, is_approved=is_approved))


def webhook_secret() -> bytes:
    """Return the secret that only this gateway and this site share."""
    return hashlib.sha256(f"offline-webhook:{settings.SECRET_KEY}".encode()).digest()


def _tell(kind: str, intent: OfflineIntent) -> None:
    """Note an event for delivery by ``send_events``."""
    now = clock.now()
    OfflineEvent.objects.create(
        event_id=f"evt_{token_urlsafe(12)}",
        kind=kind,
        reference=intent.reference,
        created_at=now,
        next_try_at=now,
    )


def _unknown_card() -> ValidationFailedError:
    message = "Use one of the test card numbers."
    return ValidationFailedError(message, fields={"card_number": message})


def _locked(reference: str) -> OfflineIntent:
    intent = OfflineIntent.objects.select_for_update().filter(reference=reference).first()
    if intent is None:
        raise GatewayError("There is no such payment.")
    return intent


def _change(reference: str, change: Callable[[OfflineIntent], None]) -> GatewayIntent:
    with transaction.atomic():
        intent = _locked(reference)
        before = intent.status
        _let_time_pass(intent, clock.now())
        change(intent)
        intent.save()
        if intent.status != before:
            _tell(f"payment.{intent.status}", intent)
    return _as_told(intent)


def _as_told(intent: OfflineIntent) -> GatewayIntent:
    return GatewayIntent(
        reference=intent.reference,
        status=IntentStatus(intent.status),
        amount_cents=intent.amount_cents,
        refunded_cents=intent.refunded_cents,
        decline_reason=intent.decline_reason,
        card_brand=intent.card_brand,
        card_last4=intent.card_last4,
    )


def _let_time_pass(intent: OfflineIntent, now: datetime) -> None:
    if intent.status == Status.PENDING and intent.result_at and intent.result_at <= now:
        intent.status = Status.SUCCEEDED


def _charge(intent: OfflineIntent, card: CardToken) -> None:
    if intent.status in FINAL or intent.status == Status.PENDING:
        return
    intent.card_token, intent.card_brand, intent.card_last4 = card.token, card.brand, card.last4
    if card.token == "tok_succeeds":  # noqa: S105 - the name of a behaviour
        intent.status = Status.SUCCEEDED
    elif card.token == "tok_extra_step":  # noqa: S105
        intent.status = Status.REQUIRES_ACTION
    elif card.token == "tok_late_result":  # noqa: S105
        intent.status = Status.PENDING
        intent.result_at = clock.now() + LATE_RESULT_AFTER
    else:
        intent.status = Status.DECLINED
        intent.decline_reason = DECLINE_REASONS.get(card.token, "card_declined")


def _close(intent: OfflineIntent) -> None:
    if intent.status in {Status.REQUIRES_CARD, Status.REQUIRES_ACTION}:
        intent.status = Status.CANCELLED
        intent.decline_reason = "abandoned"


def _finish_step(intent: OfflineIntent, *, is_approved: bool) -> None:
    if intent.status != Status.REQUIRES_ACTION:
        return
    intent.status = Status.SUCCEEDED if is_approved else Status.DECLINED
    intent.decline_reason = "" if is_approved else "step_failed"


def _pay_back(intent: OfflineIntent, amount_cents: int, key: str) -> OfflineRefund:
    _let_time_pass(intent, clock.now())
    left_cents = intent.amount_cents - intent.refunded_cents
    if intent.status != Status.SUCCEEDED or not 0 < amount_cents <= left_cents:
        raise GatewayError("There is not that much to pay back.")
    intent.refunded_cents += amount_cents
    intent.save()
    _tell("refund.paid", intent)
    return OfflineRefund.objects.create(
        key=key, reference=f"re_{public_id()}", intent=intent, amount_cents=amount_cents
    )
