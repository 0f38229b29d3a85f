"""What a request pays for waking a worker. Spec: S4.1."""

from dataclasses import replace
from typing import NoReturn

import pytest
from celery.app.control import Control
from celery.exceptions import OperationalError
from kombu import Connection

from bookings.notifications.tasks import deliver_mail
from instainstru.celery import app
from instainstru.database import session, tiers
from instainstru.database.refusals import TierRefusedError

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


@pytest.mark.S1
def test_a_process_that_only_reads_lets_no_worker_write_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S1.24: no message, no command to workers, no emptied queue; questions pass."""
    sent: list[str] = []
    monkeypatch.setattr(session, "is_read_only", lambda _: True)
    monkeypatch.setattr(Control, "broadcast", lambda _, command, **__: sent.append(command))
    for attempt in (
        deliver_mail.apply_async,
        lambda: app.send_task("notifications.deliver_mail"),
        app.control.shutdown,
        lambda: app.control.broadcast("unknown"),
    ):
        with pytest.raises(TierRefusedError):
            attempt()
    app.control.ping()
    assert sent == ["ping"]


@pytest.mark.S1
def test_queues_of_production_are_not_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    on_prod = replace(tiers.decision(), tier=tiers.Tier.PROD)
    monkeypatch.setattr(tiers, "decision", lambda: on_prod)
    with pytest.raises(TierRefusedError, match="not emptied"):
        app.control.purge()
