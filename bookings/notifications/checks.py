"""Start-up checks of mail."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error


def check_mail_server(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """PROD must be able to send mail: without it nobody could verify an address."""
    if settings.IS_PROD and not settings.EMAIL_URL:
        return [Error("EMAIL_URL must be set on PROD.", id="notifications.E001")]
    return []
