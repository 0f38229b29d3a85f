"""Application configuration."""

from django.apps import AppConfig
from django.core.checks import register


class PaymentsConfig(AppConfig):
    """Payments."""

    name = "bookings.payments"
    label = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        """Register the start-up checks."""
        from bookings.payments import personal_data  # noqa: F401 - registers
        from bookings.payments.checks import check_gateway

        register(check_gateway, "start")
