"""Mail of the account pages ends in the outbox, as on a running site."""

import pytest
from pytest_django import Settings

from bookings.notifications.models import OutgoingMail


@pytest.fixture(autouse=True)
def outbox_backend(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "bookings.notifications.mail.OutboxEmailBackend"


@pytest.fixture(autouse=True)
def broker_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bookings.notifications.services.wake_relay", lambda: None)


def newest_mail(to: str) -> OutgoingMail:
    """Return the last mail written to an address."""
    return OutgoingMail.objects.filter(to=to).newest_first()[0]
