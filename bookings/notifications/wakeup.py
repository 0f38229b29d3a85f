"""Wake the relay after a commit; the sweep every 30 s repairs a lost wake-up (Spec: S4.1)."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from django.db import connection, transaction

PAUSE_SECONDS = 10

log = structlog.get_logger(__name__)
_broker_lost_at: float | None = None


def wake_after_commit(wake: Callable[[], None]) -> None:
    """Call this when the transaction is committed: once, however many rows it writes."""
    around = set(connection.savepoint_ids)
    # One that was asked for in a savepoint of its own may yet be rolled back without us.
    waiting = [call for sids, call, *_ in connection.run_on_commit if sids <= around]
    if wake not in waiting:
        transaction.on_commit(wake, robust=True)


def wake_relay(channel: str = "mail") -> None:
    """Ask a worker to deliver now; a broken broker costs a bounded try, never an error."""
    from bookings.notifications.tasks import deliver_mail, deliver_texts

    wake_task(deliver_texts if channel == "text" else deliver_mail)


def wake_task(task: Any) -> None:
    """Ask a worker to run a task that looks for its own work; a broken broker is no error."""
    global _broker_lost_at  # noqa: PLW0603 - one breaker per process
    if _broker_lost_at is not None and time.monotonic() - _broker_lost_at < PAUSE_SECONDS:
        return
    try:
        task.apply_async(retry=False, ignore_result=True)
        _broker_lost_at = None
    except Exception as error:  # noqa: BLE001 - the row is safe and the sweep finds it
        _broker_lost_at = time.monotonic()
        log.warning("mail_wakeup_failed", error=type(error).__name__)


def wake_texts() -> None:
    """Ask a worker to deliver texts now."""
    wake_relay("text")
