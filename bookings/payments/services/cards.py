"""Cards, and the pages of the gateway where people type them or answer their bank (Spec: S14.1)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog

from bookings.payments.gateways import current_gateway, gateway_named
from bookings.payments.gateways.base import CardToken, GatewayError
from bookings.payments.models import PaymentAttempt
from bookings.payments.services.attempts import require_declines_left
from instainstru.errors import ConflictError, ValidationFailedError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TypedCard:
    """A card that was typed at the gateway's page; ``label`` is empty while nobody can say which
    one it was.
    """

    reference: str
    label: str


def has_card_page() -> bool:
    """Tell whether cards are typed at the gateway's page and not in our form."""
    return current_gateway().has_card_page


def read_card(card_number: str, *, bound_to: str = "") -> CardToken:
    """Reduce what the card field carried to a token in memory, before anything is written.

    Raises ``ValidationFailedError`` (422) on field ``card_number``, ``ConflictError`` when the
    gateway does not answer. No transaction may be open. Spec: S14.1
    """
    with _reached():
        return current_gateway().read_card(card_number, bound_to=bound_to)


def typed_card(reference: str, *, bound_to: str) -> TypedCard | None:
    """Return the card of a page that was filled in for this hold, as our page shows it; else None.

    Spec: S14.1
    """
    if not reference or not has_card_page():
        return None
    try:
        card = read_card(reference, bound_to=bound_to)
    except ValidationFailedError:
        return None
    except ConflictError:
        return TypedCard(reference, "")
    return TypedCard(reference, f"{card.brand} ending in {card.last4}")


def open_card_page(
    *, student_id: int, bound_to: str, return_url: str, back_url: str, now: datetime
) -> str:
    """Return the address of the gateway's page for a card; nothing is charged there.

    Raises ``RateLimitedError`` after 5 declines in an hour, ``ConflictError`` when there is no such
    page or the gateway does not answer. No transaction may be open. Spec: S14.1, S14.4
    """
    require_declines_left(student_id, now)
    with _reached():
        return current_gateway().card_page(
            bound_to=bound_to, return_url=return_url, back_url=back_url
        )


def bank_page_of(attempt: PaymentAttempt) -> str:
    """Return where the bank asks its customer about this attempt; empty when it does not any more,
    nobody knows, or our own page plays the bank. No transaction may be open. Spec: S14.4
    """
    gateway = gateway_named(attempt.gateway)
    if not gateway.has_card_page or not attempt.gateway_reference:
        return ""
    try:
        return gateway.bank_page(reference=attempt.gateway_reference)
    except GatewayError as error:
        log.warning("bank_page_unknown", error=type(error).__name__)
        return ""


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except GatewayError as error:
        log.warning("gateway_unreachable", error=type(error).__name__)
        raise ConflictError(
            "Our payment company does not answer. Nothing was charged. Try again in a minute.",
            code="gateway_unreachable",
        ) from None
