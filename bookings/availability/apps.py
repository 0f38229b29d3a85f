"""Application configuration."""

from django.apps import AppConfig


class AvailabilityConfig(AppConfig):
    """Availability."""

    name = "bookings.availability"
    label = "availability"
    verbose_name = "Availability"
