"""Application configuration."""

from django.apps import AppConfig


class AnalyticsConfig(AppConfig):
    """Analytics."""

    name = "analytics"
    label = "analytics"
    verbose_name = "Analytics"

    def ready(self) -> None:
        """Declare what events know about people."""
        from analytics import personal_data  # noqa: F401 - registers
