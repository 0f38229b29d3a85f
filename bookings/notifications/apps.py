"""Application configuration."""

from django.apps import AppConfig
from django.core.checks import register


class NotificationsConfig(AppConfig):
    """Notifications."""

    name = "bookings.notifications"
    label = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        """Register the start-up checks."""
        from bookings.notifications import personal_data  # noqa: F401 - registers
        from bookings.notifications.checks import check_mail_server

        register(check_mail_server, "start")
