"""Application configuration."""

from django.apps import AppConfig
from django.core.checks import register


class NotificationsConfig(AppConfig):
    """Notifications."""

    name = "bookings.notifications"
    label = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        """Register the start-up checks; tell health of mail that waits (Spec: R15, S16.1)."""
        from bookings.notifications import personal_data  # noqa: F401 - registers
        from bookings.notifications.checks import check_mail_server
        from instainstru import health

        register(check_mail_server, "start")
        health.WARNINGS.append(_late_mail)


def _late_mail() -> dict[str, str]:
    from bookings.notifications.selectors import late_mail_minutes

    minutes = late_mail_minutes()
    return {"mail": f"warn: {minutes} min late"} if minutes else {}
