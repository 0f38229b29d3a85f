"""What every template may use besides its own context."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Give the tier for the banner; PROD shows none to visitors (Spec: S1.7)."""
    tier = settings.DECISION.tier
    return {
        "tier": None
        if settings.IS_PROD
        else {"name": tier.name, "label": tier.value, "badge": tier.badge},
        "gateway": settings.PAYMENT_GATEWAY,
    }
