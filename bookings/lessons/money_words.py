"""How a lesson was paid and what went back, in words (Spec: S11.2, 06 section 3)."""

from bookings.lessons.models import Booking
from bookings.payments.selectors import PaymentSummary
from instainstru.templatetags.ui import money_exact

_REFUND_STATES = {
    "requested": "on its way",
    "sent": "on its way",
    "settled": "paid back",
    "failed": "delayed, we are trying again",
}


def card_words(payment: PaymentSummary | None) -> str:
    """Return ``Visa ending 4242``, or ``your card``."""
    if payment is None or not payment.card_last4:
        return "your card"
    return f"{payment.card_brand.title()} ending {payment.card_last4}"


def paid_words(payment: PaymentSummary | None) -> str:
    """Return what the card and the credit paid."""
    if payment is None:
        return ""
    parts = []
    if payment.paid_cents:
        parts.append(f"{money_exact(payment.paid_cents)} charged to {card_words(payment)}")
    if payment.credit_cents:
        parts.append(f"{money_exact(payment.credit_cents)} paid with credit")
    if payment.promo_cents:
        parts.append(f"{money_exact(payment.promo_cents)} off with a code")
    return " and ".join(parts)


def returned_words(payment: PaymentSummary | None) -> str:
    """Return what a cancellation gave back; says so when nothing went back."""
    if payment is None:
        return ""
    parts = []
    if payment.refunded_cents:
        state = _REFUND_STATES.get(payment.refund_status, "on its way")
        parts.append(f"{money_exact(payment.refunded_cents)} to {card_words(payment)}, {state}")
    if payment.returned_credit_cents:
        parts.append(f"{money_exact(payment.returned_credit_cents)} as lesson credit")
    return " and ".join(parts) if parts else f"{money_exact(0)} back"


def price_lines(
    booking: Booking, *, promo_cents: int = 0, credit_cents: int = 0
) -> list[dict[str, object]]:
    """Return the lines of the price; empty ones are left out."""
    lines = [
        (f"Lesson, {booking.duration_minutes} min", booking.price_cents),
        ("Travel fee", booking.travel_fee_cents),
        ("Promo", -promo_cents),
        ("Credit", -credit_cents),
    ]
    return [{"label": label, "cents": cents} for label, cents in lines if cents]
