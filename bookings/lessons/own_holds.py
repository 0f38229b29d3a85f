"""What one person holds, or took within the hour: how many they may, and what a new one replaces.

One query answers both questions, for it is asked under the locks of every booking. Spec: T1, T3
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from accounts.owners import Owner
from bookings.lessons.errors import HoldLimitError
from bookings.lessons.models import Booking
from bookings.lessons.selectors import WantedLesson
from bookings.lessons.states import Status
from catalog.models import Policy
from instainstru.page_store.versions import bump_instructors

_HOUR = timedelta(hours=1)


class _Own(NamedTuple):
    """One row of the person; instants in UTC."""

    pk: int
    series: UUID | None
    instructor_id: int
    learner_id: int | None
    start_at: datetime
    end_at: datetime
    expires_at: datetime | None
    created_at: datetime
    status: str

    @property
    def group(self) -> UUID | int:
        """What counts as one hold: the row, or the weekly series it belongs to (R19)."""
        return self.series or self.pk


class OwnHolds:
    """The holds of one person as they are under their lock; reads them when it is made."""

    def __init__(self, by: Owner, now: datetime) -> None:
        self._now = now
        self._mine = Booking.objects.held_by(by)
        live = Q(status=Status.HELD, expires_at__gt=now)
        rows = self._mine.filter(live | Q(created_at__gt=now - _HOUR)).order_by()
        self._rows = [_Own(*values) for values in rows.values_list(*_Own._fields)]

    def give_up_overlapping(
        self, lesson: WantedLesson, spans: Sequence[tuple[datetime, datetime]]
    ) -> None:
        """Give up what a lesson at these times replaces, a series whole. Spec: T3, R19

        Also what another learner of the same person has with this instructor at these times: nobody
        teaches both.
        """
        learner_id = lesson.learner_id
        replaced = {
            row.group
            for row in self._live()
            if row.instructor_id == lesson.offering.instructor_id
            or (learner_id is not None and row.learner_id == learner_id)
            if any(row.start_at < end_at and row.end_at > start_at for start_at, end_at in spans)
        }
        gone = {row.pk: row.instructor_id for row in self._live() if row.group in replaced}
        if not gone:
            return
        held = Booking.objects.filter(pk__in=gone, status=Status.HELD)
        # In the order in which everybody locks rows (R10).
        locked = list(held.order_by("pk").select_for_update().values_list("pk", flat=True))
        Booking.objects.filter(pk__in=locked).update(status=Status.EXPIRED)
        self._rows = [
            row._replace(status=Status.EXPIRED) if row.pk in gone else row for row in self._rows
        ]
        bump_instructors(set(gone.values()))

    def require_room(self, policy: Policy) -> None:
        """Raise ``HoldLimitError`` when no other hold may be taken now. Spec: T1"""
        ends: dict[UUID | int, datetime] = {}
        for row in self._live():
            ends.setdefault(row.group, row.expires_at or self._now)
        if len(ends) >= policy.max_live_holds:
            first_over = sorted(ends.values())[-policy.max_live_holds]
            raise HoldLimitError(
                f"You are already holding {len(ends)} times. Finish or release one of them first.",
                retry_after_seconds=_seconds_until(first_over, self._now),
                holds=self._named(),
            )
        hour_ago = self._now - _HOUR
        taken = {row.group: row.created_at for row in self._rows if row.created_at > hour_ago}
        made = sorted(taken.values())
        if len(made) >= policy.holds_per_hour:
            wait = _seconds_until(made[-policy.holds_per_hour], hour_ago)
            raise HoldLimitError(
                f"Too many holds in one hour. Wait {wait} seconds.", retry_after_seconds=wait
            )

    def _live(self) -> list[_Own]:
        return [
            row
            for row in self._rows
            if row.status == Status.HELD
            and row.expires_at is not None
            and row.expires_at > self._now
        ]

    def _named(self) -> list[Booking]:
        """Return one booking for each live hold, the first to end first."""
        firsts: dict[UUID | int, int] = {}
        for row in sorted(self._live(), key=lambda row: row.pk):
            firsts.setdefault(row.group, row.pk)
        rows = self._mine.filter(pk__in=firsts.values()).select_related("instructor")
        return list(rows.order_by("expires_at", "pk"))


def _seconds_until(instant: datetime, now: datetime) -> int:
    """Return the whole seconds to wait, at least one."""
    return max(1, ceil((instant - now).total_seconds()))
