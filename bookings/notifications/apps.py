"""Application configuration."""

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Notifications."""

    name = "bookings.notifications"
    label = "notifications"
    verbose_name = "Notifications"
