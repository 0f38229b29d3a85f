"""Send the rows of one channel: claimed, handed over, marked, tried again (Spec: R15, S4.2)."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import structlog
from django.db import models

from bookings.notifications.managers import OutgoingQuerySet
from instainstru import clock

MAX_ATTEMPTS = 5
# A row takes ten seconds at most, so a batch is done while it is still ours alone.
BATCH_SIZE = 10
LEASE = timedelta(minutes=2)
FIRST_RETRY_SECONDS = 30
TIME_BUDGET_SECONDS = 60

Row = TypeVar("Row", bound=models.Model)
Sent_contra = TypeVar("Sent_contra", contravariant=True)

log = structlog.get_logger(__name__)


class Transport(Protocol[Sent_contra]):
    """Sends rows of one channel while open; raises when one could not be handed over."""

    def send(self, row: Sent_contra, /) -> None:
        """Hand over one row."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class KeptForReading:
    """Leaves rows where they are; people read them under ``/dev/``."""

    def send(self, row: object, /) -> None:
        """Do nothing: the row is the delivery."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        return None


def deliver(
    rows: OutgoingQuerySet[Row],
    transport: Transport[Row],
    *,
    is_wanted: Callable[[Row], bool] | None = None,
) -> int:
    """Send what is due, in batches that no other process sees; return the number sent.

    ``is_wanted`` is asked right before a row leaves; a row that is not becomes ``dropped``.

    Each row is claimed, sent and marked by itself, so a crash repeats at most the one that was
    on the wire. A failure is retried with growing pauses, 5 tries in all. Spec: R15, S4.2.
    """
    sent, deadline = 0, time.monotonic() + TIME_BUDGET_SECONDS
    with transport:
        while time.monotonic() < deadline:
            claimed = rows.claim(
                clock.now(), limit=BATCH_SIZE, lease=LEASE, max_attempts=MAX_ATTEMPTS
            )
            if not claimed:
                break
            for row in claimed:
                if is_wanted is not None and not is_wanted(row):
                    rows.filter(pk=row.pk).update(status="dropped")
                else:
                    sent += _send_one(row, transport)
    return sent


def _send_one(row: Any, transport: Transport[Any]) -> bool:
    try:
        transport.send(row)
    except Exception as error:  # noqa: BLE001 - any failure of the transport means: try again later
        _mark_failure(row, error)
        return False
    row.status, row.sent_at, row.last_error = "sent", clock.now(), ""
    row.save(update_fields=["status", "sent_at", "last_error"])
    return True


def _mark_failure(row: Any, error: Exception) -> None:
    row.last_error = type(error).__name__[:120]
    if row.attempts >= MAX_ATTEMPTS:
        row.status = "failed"
    row.next_attempt_at = clock.now() + retry_pause(row.attempts)
    row.save(update_fields=["status", "last_error", "next_attempt_at"])
    log.warning("not_sent", row=row.public_id, attempts=row.attempts, error=row.last_error)


def retry_pause(attempts: int) -> timedelta:
    """Return the pause after the n-th failure: 30 s, 1, 2, 4 minutes, plus up to half of it."""
    seconds = FIRST_RETRY_SECONDS * 2 ** (attempts - 1)
    return timedelta(seconds=seconds * random.uniform(1, 1.5))  # noqa: S311 - jitter, not a secret
