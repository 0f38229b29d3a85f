"""Application configuration."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """Payments."""

    name = "bookings.payments"
    label = "payments"
    verbose_name = "Payments"
