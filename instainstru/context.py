"""What every template may use besides its own context."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Give the tier for the banner; PROD shows none to visitors (Spec: S1.7).

    Reads settings only: error pages use it while there is no database.
    """
    tier = settings.DECISION.tier
    shown = {"name": tier.name, "label": tier.value, "badge": tier.badge}
    return {
        "tier": None if settings.IS_PROD else shown,
        "prod_badge": tier.badge if settings.IS_PROD else "",
        "gateway": settings.PAYMENT_GATEWAY,
    }
