"""The locks of the booking transaction: one order for everybody, so that nobody deadlocks.

Spec: R10
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from django.db import OperationalError, connection, transaction

from accounts.owners import Owner
from bookings.lessons.models import Booking
from instainstru.errors import ConflictError
from instainstru.page_store.versions import bump_instructors

LOCK_TIMEOUT = "3s"
LOCK_NOT_AVAILABLE = "55P03"
log = structlog.get_logger(__name__)
_GUEST, _INSTRUCTOR, _LEARNER, _USER = 0, 1, 2, 3
# One statement for what every booking does first. A row of ``locked`` needs the row of
# ``patience``, so that is set before the first lock; an array is read in its order; and the clock
# is read once all rows are counted.
_LOCK = """
    WITH patience AS MATERIALIZED (SELECT set_config('lock_timeout', %s, true)),
         locked AS MATERIALIZED (
             SELECT pg_advisory_xact_lock(key) FROM patience, unnest(%s::bigint[]) AS key)
    SELECT clock_timestamp(), count(*) FROM locked
"""
_EXPIRE = """
    UPDATE lessons_booking SET status = 'expired'
     WHERE status = 'held' AND id IN (
         SELECT id FROM lessons_booking
          WHERE status = 'held' AND expires_at <= %(now)s
            AND (instructor_id = %(instructor)s OR learner_id = ANY(%(learners)s))
          ORDER BY id FOR UPDATE)
"""


class SlotBusyError(ConflictError):
    """Others are booking this instructor's time right now and the lock did not come in time."""

    code = "slot_taken"


@contextmanager
def booking_transaction(
    *,
    instructor_ids: Iterable[int],
    learner_ids: Iterable[int | None] = (),
    owner: Owner | None = None,
) -> Iterator[datetime]:
    """Open the one transaction in which bookings of these people may be written.

    Gives the database's clock, read when all locks are held: it decides every rule (G8).

    Takes transaction-level advisory locks, instructors before learners, each sorted by id; an
    ``owner`` comes last, for whoever counts what that owner holds. Raises ``SlotBusyError`` when a
    lock does not come within three seconds. Kept pages with times of these instructors are outdated
    on commit. Spec: R10, R12.
    """
    instructors = sorted(set(instructor_ids))
    keys = [(_INSTRUCTOR, pk) for pk in instructors]
    keys += sorted({(_LEARNER, pk) for pk in learner_ids if pk is not None})
    if owner is not None:
        keys.append(_owner_key(owner))
    try:
        with transaction.atomic():
            # Two bits of kind below the id keep the key spaces apart in one bigint.
            yield _locked_at([(pk << 2) | kind for kind, pk in keys])
            bump_instructors(instructors)
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise SlotBusyError("Somebody is booking this time right now. Please try again.") from error


def _locked_at(keys: Sequence[int]) -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, [LOCK_TIMEOUT, list(keys)])
        instant: datetime = cursor.fetchone()[0]
    return instant.astimezone(UTC)


@contextmanager
def lesson_transaction(booking: Booking, now: datetime | None = None) -> Iterator[datetime]:
    """Open the transaction in which one lesson may change; gives the instant that decides.

    Locks instructor and learner, then the row, and flips lapsed holds of both sides, so that only
    rows that count are in the way. Raises ``SlotBusyError``. Spec: R10
    """
    learners = [booking.learner_id]
    with booking_transaction(
        instructor_ids=[booking.instructor_id], learner_ids=learners
    ) as locked_at:
        now = now or locked_at
        Booking.objects.select_for_update().filter(pk=booking.pk).values_list("pk").first()
        expire_lapsed_holds(instructor_id=booking.instructor_id, learner_ids=learners, now=now)
        yield now


@contextmanager
def left_for_later(event: str, booking: Booking) -> Iterator[None]:
    """Let a job go on when one lesson fails: it is logged as ``event`` and tried by the next run.

    Spec: S4.2
    """
    try:
        yield
    except Exception:
        log.exception(event, lesson=booking.code)


def _owner_key(owner: Owner) -> tuple[int, int]:
    if owner.user_id is not None:
        return _USER, owner.user_id
    digest = hashlib.sha256(str(owner.guest_key).encode()).digest()
    # Seven bytes leave room for the kind within a signed bigint.
    return _GUEST, int.from_bytes(digest[:7], "big")


def expire_lapsed_holds(
    *, instructor_id: int, learner_ids: Iterable[int | None], now: datetime
) -> None:
    """Write down, under the locks, that the lapsed holds of both sides are EXPIRED.

    The exclusion constraints cannot look at the clock, so the rows must be flipped before anything
    is written. Spec: T3, R10, R11.
    """
    learners = [pk for pk in learner_ids if pk is not None]
    with connection.cursor() as cursor:
        cursor.execute(_EXPIRE, {"now": now, "instructor": instructor_id, "learners": learners})
