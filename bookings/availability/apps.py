"""Application configuration."""

from django.apps import AppConfig


class AvailabilityConfig(AppConfig):
    """Availability."""

    name = "bookings.availability"
    label = "availability"
    verbose_name = "Availability"

    def ready(self) -> None:
        """Declare what is known about people."""
        from bookings.availability import personal_data  # noqa: F401 - registers
