"""What a receipt says, from the ledger and the payment (Spec: S11.6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bookings.lessons.models import Booking
from bookings.lessons.money_words import card_words, price_lines
from bookings.payments.models import PaymentAttempt, Receipt, Refund
from bookings.payments.selectors import payment_summary
from instainstru.templatetags.ui import format_when


@dataclass(frozen=True)
class ReceiptPage:
    """One receipt: its number, lines in cents, and what is left after refunds."""

    number: str
    issued_at: datetime
    lines: list[dict[str, object]]
    total_cents: int
    card: str
    tips: list[dict[str, object]]
    refunds: list[dict[str, object]]
    kept_cents: int


def receipt_of(booking: Booking) -> ReceiptPage | None:
    """Return the receipt of a paid lesson; refunds add lines, nothing is rewritten.

    ``None`` for a lesson without a charge.
    """
    receipt = Receipt.objects.filter(event__booking=booking, event__kind="charge").first()
    paid = payment_summary(booking.pk)
    if receipt is None or paid is None:
        return None
    refunds = [line for refund in _refunds(booking) for line in _lines(refund, booking)]
    given_back = paid.refunded_cents + paid.returned_credit_cents
    return ReceiptPage(
        number=receipt.number,
        issued_at=receipt.issued_at,
        lines=price_lines(booking, promo_cents=paid.promo_cents, credit_cents=paid.credit_cents),
        total_cents=paid.paid_cents,
        card=card_words(paid) if paid.paid_cents else "",
        tips=[_tip_line(tip, booking) for tip in _tips(booking)],
        refunds=refunds,
        kept_cents=paid.total_cents - given_back,
    )


def _refunds(booking: Booking) -> list[Refund]:
    return list(Refund.objects.filter(attempt__booking=booking).order_by("created_at", "pk"))


def _tips(booking: Booking) -> list[PaymentAttempt]:
    return list(PaymentAttempt.objects.tips().filter(booking=booking, recorded_at__isnull=False))


def _tip_line(tip: PaymentAttempt, booking: Booking) -> dict[str, object]:
    when = format_when(tip.settled_at or tip.created_at, booking.zone)
    card = f"{tip.card_brand.title()} ending {tip.card_last4}"
    return {"label": f"Tip, {when}, {card}", "cents": tip.amount_cents}


def _lines(refund: Refund, booking: Booking) -> Iterator[dict[str, object]]:
    """Yield what one refund gave back: to the card, as credit, or both."""
    when = format_when(refund.created_at, booking.zone)
    card_cents = refund.amount_cents - refund.replaced_credit_cents
    if refund.amount_cents:
        suffix = ", in place of credit" if refund.replaced_credit_cents else ""
        yield {"label": f"Given back to your card, {when}{suffix}", "cents": -card_cents}
    if refund.credit_cents:
        yield {"label": f"Given back to your credit, {when}", "cents": -refund.credit_cents}
