"""The payment companies we talk to; settings choose the one for new payments (Spec: S14.1)."""

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from bookings.payments.gateways.base import PaymentGateway

OFFLINE = "test"
STRIPE = "stripe"


def current_gateway() -> PaymentGateway:
    """Return the gateway of ``PAYMENT_GATEWAY``; the offline one is refused on PROD."""
    return gateway_named(settings.PAYMENT_GATEWAY)


def gateway_named(name: str) -> PaymentGateway:
    """Return a gateway by name: an attempt stays with the one it began at.

    Raises ``ImproperlyConfigured`` for an unknown name, for the offline one on PROD, and for one
    whose keys are missing.
    """
    if name == STRIPE:
        from bookings.payments.gateways.stripe import StripeGateway

        return StripeGateway()
    if name != OFFLINE:
        raise ImproperlyConfigured(f"PAYMENT_GATEWAY {name!r} is unknown.")
    if settings.IS_PROD:
        raise ImproperlyConfigured("PAYMENT_GATEWAY 'test' takes no real money; not on PROD.")
    from bookings.payments.gateways.test import OfflineGateway

    return OfflineGateway()
