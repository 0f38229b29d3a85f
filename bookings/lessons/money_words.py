"""How a lesson was paid and what went back, in words (Spec: S11.2, 06 section 3)."""

from collections.abc import Sequence
from dataclasses import replace

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


def paid_together(payments: Sequence[PaymentSummary]) -> PaymentSummary | None:
    """Return how lessons were paid that were paid together, as one payment; None without any."""
    if not payments:
        return None
    return replace(
        payments[0],
        paid_cents=sum(payment.paid_cents for payment in payments),
        credit_cents=sum(payment.credit_cents for payment in payments),
        promo_cents=sum(payment.promo_cents for payment in payments),
    )


def price_lines(
    booking: Booking, *, promo_cents: int = 0, credit_cents: int = 0, count: int = 1
) -> list[dict[str, object]]:
    """Return the lines of the price; empty ones are left out.

    ``count`` lessons of a series are alike.
    """
    lessons = "Lesson" if count == 1 else f"{count} lessons"
    lines = [
        (f"{lessons}, {booking.duration_minutes} min", count * booking.price_cents),
        ("Travel fee", count * booking.travel_fee_cents),
        ("Promo", -promo_cents),
        ("Credit", -credit_cents),
    ]
    return [{"label": label, "cents": cents} for label, cents in lines if cents]
