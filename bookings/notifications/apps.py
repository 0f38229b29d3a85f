"""Application configuration."""

from typing import TYPE_CHECKING, Any

from django.apps import AppConfig
from django.core.checks import register

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import User


class NotificationsConfig(AppConfig):
    """Notifications."""

    name = "bookings.notifications"
    label = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        """Register the start-up checks; tell health of mail that waits (Spec: R15, S16.1)."""
        from accounts.texts import register_code_sender
        from bookings.notifications import personal_data  # noqa: F401 - registers
        from bookings.notifications.checks import check_mail_server, check_text_provider
        from instainstru import bell, health

        bell.register("notices", _unread_notices)
        register(check_mail_server, "start")
        register(check_text_provider, "start")
        register_code_sender(_send_code)
        health.WARNINGS.append(_late_mail)
        health.WARNINGS.append(_late_texts)


def _unread_notices(person_id: int) -> "QuerySet[Any]":
    from bookings.notifications.models import Notice

    return Notice.objects.filter(user=person_id).unread()


def _late_mail() -> dict[str, str]:
    from bookings.notifications.selectors import late_mail_minutes

    minutes = late_mail_minutes()
    return {"mail": f"warn: {minutes} min late"} if minutes else {}


def _late_texts() -> dict[str, str]:
    from bookings.notifications.selectors import late_text_minutes

    minutes = late_text_minutes()
    return {"texts": f"warn: {minutes} min late"} if minutes else {}


def _send_code(user: "User", phone: str, code: str) -> None:
    from bookings.notifications.texts import send_code

    send_code(user, phone, code)
