"""Start-up checks of payments."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from bookings.payments.gateways import current_gateway

KEY_LENGTH = 32


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


def check_tax_record_keys(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """PROD seals tax records with keys of their own, which are long enough (Spec: S14.12)."""
    keys = settings.TAX_RECORD_KEYS
    if (settings.IS_PROD and not keys) or any(len(key) < KEY_LENGTH for key in keys):
        text = f"TAX_RECORD_KEYS: each of {KEY_LENGTH} characters or more, one at least on PROD."
        return [Error(text, id="payments.E002")]
    return []
