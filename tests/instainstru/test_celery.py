"""What a request pays for waking a worker. Spec: S4.1."""

from typing import NoReturn

import pytest
from celery.exceptions import OperationalError
from kombu import Connection

from bookings.notifications.tasks import deliver_mail
from instainstru.celery import app

pytestmark = pytest.mark.S4


def test_a_lost_broker_costs_a_request_one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def fail(self: Connection) -> NoReturn:
        tries.append(self.as_uri())
        raise ConnectionRefusedError

    monkeypatch.setattr(Connection, "_establish_connection", fail)
    with (
        app.connection_for_write() as connection,
        pytest.raises((OperationalError, ConnectionRefusedError)),
    ):
        deliver_mail.apply_async(connection=connection, retry=False)

    assert len(tries) == 1
