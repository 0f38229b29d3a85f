"""Start-up checks of mail and texts."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from bookings.notifications.transport import connection_to

SECRET_LENGTH = 32


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


def check_text_provider(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """A provider of texts has an address and a secret, on PROD by HTTPS; none at all is fine."""
    found: list[CheckMessage] = []
    if settings.TEXT_URL:
        parts = urlsplit(settings.TEXT_URL)
        schemes = {"https"} if settings.IS_PROD else {"https", "http"}
        if parts.scheme not in schemes or not parts.hostname:
            found.append(Error("TEXT_URL is no web address.", id="notifications.E003"))
    is_whole = bool(settings.TEXT_URL) == bool(settings.TEXT_SECRET)
    is_long = not settings.TEXT_SECRET or len(settings.TEXT_SECRET) >= SECRET_LENGTH
    if not is_whole or not is_long:
        message = f"TEXT_URL needs TEXT_SECRET of {SECRET_LENGTH} characters or more."
        found.append(Error(message, id="notifications.E004"))
    return found
