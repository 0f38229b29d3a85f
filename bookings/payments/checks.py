"""Start-up checks of payments."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from bookings.payments.gateways import current_gateway


def check_gateway(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """The gateway must be known, and PROD must not take test cards for money (Spec: S14.1)."""
    try:
        current_gateway()
    except ImproperlyConfigured as error:
        return [Error(str(error), id="payments.E001")]
    return []
