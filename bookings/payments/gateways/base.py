"""What every payment company must do for us, and the words for its answers (Spec: S14.1).

Only what checkout, cancellation and payouts need stands here. A charge is captured as it is
confirmed (S14.3), so there is no ``capture``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class IntentStatus(StrEnum):
    """How far a payment is at the gateway. SUCCEEDED, DECLINED and CANCELLED are final."""

    REQUIRES_CARD = "requires_card"
    REQUIRES_ACTION = "requires_action"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class CardToken:
    """A card as we may know it: a token for the gateway, and what people see of it."""

    token: str = field(repr=False)
    brand: str
    last4: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayIntent:
    """One payment at the gateway as it stands now; money in cents."""

    reference: str
    status: IntentStatus
    amount_cents: int
    refunded_cents: int = 0
    decline_reason: str = ""
    card_brand: str = ""
    card_last4: str = ""
    action_url: str = field(default="", repr=False)
    """Where the bank asks its customer, if it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRefund:
    """One refund that the gateway has accepted and paid out."""

    reference: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPayee:
    """Somebody whom the gateway can pay, and what people see of their bank account."""

    reference: str
    last4: str
    bank_reference: str = ""
    """Which of their bank accounts it is, where the same payee may change it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayTaxDetails:
    """Who a payee is to the tax office, as far as the gateway tells; it holds the whole number.

    Spec: S14.12
    """

    reference: str
    """The payee there, under whom the number can be found."""
    legal_name: str = field(repr=False)
    is_company: bool = False
    has_tax_id: bool = False
    tax_id_last4: str = field(default="", repr=False)
    """Empty where the gateway only says that it has the number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPayout:
    """One payout that the gateway has sent on its way."""

    reference: str
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayEvent:
    """Something that happened at the gateway: ``payment.succeeded``, ``refund.paid`` and others."""

    event_id: str
    kind: str
    reference: str


class GatewayError(Exception):
    """The gateway refused or could not do what was asked; nothing was moved by this call."""


class NotBegunError(GatewayError):
    """The gateway refused to begin a payment at all: nothing was or will be charged for it."""


class GatewayTimeoutError(GatewayError):
    """No answer came: the call may have worked or not, only ``fetch`` can tell (Spec: S14.2)."""


class PaymentGateway(Protocol):
    """A payment company. Every call may be repeated; keys make repeats harmless.

    All methods may raise ``GatewayTimeoutError`` (the result is unknown) or ``GatewayError``.
    None may be called with a transaction open.
    """

    name: str
    signature_header: str
    """The request header that carries a webhook's signature."""
    has_card_page: bool
    """Whether the card is typed at the gateway: our form must have no field for it then."""
    has_payee_page: bool
    """Whether bank details are typed at the gateway: our form must have no field for them then."""
    least_charge_cents: int
    """What a card must pay at least, if it pays at all."""

    def card_page(self, *, bound_to: str, return_url: str, back_url: str) -> str:
        """Return the address of the gateway's own page for a card, which charges nothing.

        It leads back to ``return_url`` with ``?card=`` and what ``read_card`` wants, or without a
        card to ``back_url``. Raises ``GatewayError`` where the form carries the card.
        """
        ...

    def read_card(self, card_number: str, *, bound_to: str = "") -> CardToken:
        """Reduce what the card field carried to a token, in memory; ``bound_to`` is the hold that
        the gateway's page was opened for.

        Raises ``ValidationFailedError`` on field ``card_number``; never stores or logs it.
        """
        ...

    def create_intent(self, *, key: str, amount_cents: int) -> GatewayIntent:
        """Return the intent of this key as it stands now, made if it did not exist.

        Raises ``GatewayError`` for a known key with another amount.
        """
        ...

    def confirm(self, *, reference: str, card: CardToken) -> GatewayIntent:
        """Charge the card; a final intent stays as it is, whatever card is offered.

        DECLINED must be final: an adapter whose gateway would accept another card closes the
        intent, because the next try comes with a new key.
        """
        ...

    def fetch(self, *, reference: str) -> GatewayIntent:
        """Return the intent as it stands now. Raises ``GatewayError`` for an unknown one."""
        ...

    def bank_page(self, *, reference: str) -> str:
        """Return where the bank asks its customer, or nothing; looking changes nothing."""
        ...

    def cancel(self, *, reference: str) -> GatewayIntent:
        """Close an intent that has not succeeded, so that it never can; return how it stands."""
        ...

    def parse_webhook(self, *, body: bytes, signature: str, now: datetime) -> GatewayEvent:
        """Return the event of a raw body. Raises ``WebhookSignatureError`` for anything else."""
        ...

    def refund(self, *, reference: str, amount_cents: int, key: str) -> GatewayRefund:
        """Pay back a part of a succeeded intent, once per key.

        Raises ``GatewayError`` beyond what was charged, and for a known key with another amount.
        """
        ...

    def has_refund_failed(self, *, reference: str) -> bool:
        """Tell whether money that was on its way back, or there, was sent back by the bank."""
        ...

    def payments_between(self, first_at: datetime, last_at: datetime) -> Iterator[GatewayIntent]:
        """Yield the payments begun from one instant up to another, as they stand now (S14.3)."""
        ...

    def forget_customer(self, *, reference: str) -> None:
        """Remove who paid a payment, with their cards; the payment itself stays. Once is enough."""
        ...

    def forget_payee(self, *, reference: str) -> None:
        """Remove an account for transfers; refused while money is on its way there."""
        ...

    def create_payee(self, *, key: str, account_number: str) -> GatewayPayee:
        """Give a bank account to the gateway, once per key; what comes back is all we keep.

        Raises ``ValidationFailedError`` on field ``account_number``; never stores or logs it.
        """
        ...

    def begin_payee(self, *, key: str) -> str:
        """Return the reference of somebody who can be paid once they have told their bank details
        at the gateway's page, once per key. Raises ``GatewayError`` where our form asks.
        """
        ...

    def payee_page(self, *, reference: str, return_url: str, again_url: str) -> str:
        """Return the address of the gateway's page where somebody tells or changes who they are
        and where their money goes; it serves once, and leads back to one of ours.
        """
        ...

    def fetch_payee(self, *, reference: str) -> GatewayPayee | None:
        """Return the payee as they stand now; None while something is missing."""
        ...

    def fetch_tax_details(self, *, reference: str) -> GatewayTaxDetails | None:
        """Return who a payee is to the tax office; None while they have not told it."""
        ...

    def payout(self, *, payee: str, amount_cents: int, key: str) -> GatewayPayout:
        """Send money to a payee, once per key.

        Raises ``GatewayError`` when the bank refuses, and for a known key with another amount.
        """
        ...
