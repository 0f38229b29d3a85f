"""Start-up checks of mail."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from bookings.notifications.transport import connection_to


def check_mail_server(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """PROD must be able to send mail: without it nobody could verify an address."""
    if not settings.EMAIL_URL:
        is_missing = settings.IS_PROD
        return [Error("EMAIL_URL must be set on PROD.", id="notifications.E001")] * is_missing
    try:
        connection_to(settings.EMAIL_URL)
    except ImproperlyConfigured as error:
        message = f"EMAIL_URL is not the address of a mail server ({error})."
        return [Error(message, id="notifications.E002")]
    return []
