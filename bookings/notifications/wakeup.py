"""Wake the relay after a commit; the sweep every 30 s repairs a lost wake-up (Spec: S4.1)."""

import time

import structlog

PAUSE_SECONDS = 10

log = structlog.get_logger(__name__)
_broker_lost_at: float | None = None


def wake_relay(channel: str = "mail") -> None:
    """Ask a worker to deliver now; a broken broker costs a bounded try, never an error."""
    global _broker_lost_at  # noqa: PLW0603 - one breaker per process
    from bookings.notifications.tasks import deliver_mail, deliver_texts

    if _broker_lost_at is not None and time.monotonic() - _broker_lost_at < PAUSE_SECONDS:
        return
    try:
        task = deliver_texts if channel == "text" else deliver_mail
        task.apply_async(retry=False, ignore_result=True)
        _broker_lost_at = None
    except Exception as error:  # noqa: BLE001 - the row is safe and the sweep finds it
        _broker_lost_at = time.monotonic()
        log.warning("mail_wakeup_failed", error=type(error).__name__)
