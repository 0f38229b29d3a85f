"""Stripe's words for a payment, in ours (Spec: S14.1, S14.4, S14.8)."""

from typing import Any

import stripe

from bookings.payments.gateways.base import GatewayIntent, GatewayTaxDetails, IntentStatus

# Stripe has four reasons to close an intent; this one marks those whose card was refused.
CLOSED_AFTER_REFUSAL = "requested_by_customer"
STATUSES = {
    "requires_payment_method": IntentStatus.REQUIRES_CARD,
    "requires_confirmation": IntentStatus.REQUIRES_CARD,
    "requires_action": IntentStatus.REQUIRES_ACTION,
    "succeeded": IntentStatus.SUCCEEDED,
    "canceled": IntentStatus.CANCELLED,
}
KINDS = {
    "payment_intent.created": "payment.created",
    "payment_intent.requires_action": "payment.requires_action",
    "payment_intent.processing": "payment.pending",
    "payment_intent.succeeded": "payment.succeeded",
    "payment_intent.payment_failed": "payment.declined",
    "payment_intent.canceled": "payment.cancelled",
    "refund.created": "refund.requested",
    "refund.updated": "refund.paid",
    "refund.failed": "refund.failed",
    "charge.refunded": "refund.paid",
}
# From the most telling code on; what is in no line is a charge that the bank refused.
REASONS = {
    "insufficient_funds": "insufficient_funds",
    "payment_intent_authentication_failure": "step_failed",
    "processing_error": "charge_failed",
    "card_declined": "card_declined",
}
BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}


def intent_as_told(intent: stripe.PaymentIntent) -> GatewayIntent:
    """Return an intent in our words; its charge and payment method must be expanded."""
    status = _status_of(intent)
    brand, last4 = _card_of(intent)
    charge = _charge_of(intent)
    return GatewayIntent(
        reference=intent.id,
        status=status,
        amount_cents=intent.amount,
        refunded_cents=charge.amount_refunded if charge else 0,
        decline_reason=_reason_of(intent, status),
        card_brand=brand,
        card_last4=last4,
        action_url=_action_url_of(intent, status),
    )


def was_refused(intent: stripe.PaymentIntent) -> bool:
    """Tell whether a card was tried and refused: the intent says so, or its charge."""
    charge = _charge_of(intent)
    return intent.last_payment_error is not None or bool(charge and charge.status == "failed")


def brand_in_words(brand: str) -> str:
    """Return a card's brand as people know it."""
    return BRANDS.get(brand, "Card")


def _status_of(intent: stripe.PaymentIntent) -> IntentStatus:
    is_closed = intent.status == "canceled" and intent.cancellation_reason == CLOSED_AFTER_REFUSAL
    is_refused = intent.status == "requires_payment_method" and was_refused(intent)
    if is_closed or is_refused:
        return IntentStatus.DECLINED
    return STATUSES.get(intent.status, IntentStatus.PENDING)


def _charge_of(intent: stripe.PaymentIntent) -> stripe.Charge | None:
    charge = intent.latest_charge
    return charge if isinstance(charge, stripe.Charge) else None


def _card_of(intent: stripe.PaymentIntent) -> tuple[str, str]:
    charge, method = _charge_of(intent), intent.payment_method
    card = _part(charge, "payment_method_details", "card")
    if card:
        return brand_in_words(card.brand or ""), card.last4 or ""
    if isinstance(method, stripe.PaymentMethod) and method.card:
        return brand_in_words(method.card.brand), method.card.last4
    return "", ""


def _reason_of(intent: stripe.PaymentIntent, status: IntentStatus) -> str:
    if status is IntentStatus.CANCELLED:
        return "abandoned"
    if status is not IntentStatus.DECLINED:
        return ""
    error, charge = intent.last_payment_error, _charge_of(intent)
    told = [_part(error, "decline_code"), _part(error, "code")]
    told += [_part(charge, "outcome", "reason"), _part(charge, "failure_code")]
    codes = {code for code in told if code}
    if not codes:
        return "card_declined"
    return next((ours for theirs, ours in REASONS.items() if theirs in codes), "charge_failed")


def _action_url_of(intent: stripe.PaymentIntent, status: IntentStatus) -> str:
    if status is not IntentStatus.REQUIRES_ACTION:
        return ""
    return _part(intent.next_action, "redirect_to_url", "url") or ""


def _part(told: Any, *names: str) -> Any:
    """Return a part of an object; Stripe leaves out some that do not apply, so None for those."""
    for name in names:
        told = getattr(told, name, None)
    return told


def tax_details_as_told(account: Any) -> GatewayTaxDetails | None:
    """Return who an account belongs to by law; None before they have told it."""
    is_company = getattr(account, "business_type", None) not in (None, "individual")
    told = getattr(account, "company" if is_company else "individual", None)
    if not account.details_submitted or told is None:
        return None
    if is_company:
        name, has_number = getattr(told, "name", None), getattr(told, "tax_id_provided", False)
    else:
        parts = (getattr(told, "first_name", None), getattr(told, "last_name", None))
        name = " ".join(part for part in parts if part)
        # The last four digits are enough for Stripe below a sum.
        has_number = getattr(told, "id_number_provided", False) or getattr(
            told, "ssn_last_4_provided", False
        )
    if not name:
        return None
    return GatewayTaxDetails(
        reference=account.id, legal_name=name, is_company=is_company, has_tax_id=bool(has_number)
    )
