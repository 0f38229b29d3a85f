"""The payment company that tests of payments and of the booking path share."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from bookings.payments.gateways import stripe as adapter
from tests.bookings.payments import stripe_stage


@pytest.fixture
def stripe(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[stripe_stage.Stage]:
    """Stripe as the gateway, played by a stage that notes what it is asked."""
    settings.PAYMENT_GATEWAY = "stripe"
    settings.STRIPE_SECRET_KEY = stripe_stage.KEY
    settings.STRIPE_WEBHOOK_SECRET = stripe_stage.SECRET
    stage = stripe_stage.Stage()
    monkeypatch.setattr(adapter, "http_client", lambda: stage)
    adapter._client.cache_clear()
    yield stage
    adapter._client.cache_clear()
