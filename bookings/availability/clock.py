"""From the clock on the wall to instants: a local minute may happen once, twice or never.

A local date is cut into spans of one UTC offset; a wall-clock window is the set of instants whose
local date and time lie inside it. So times that a clock change skips are never produced, and the
hour that it repeats is produced twice (Spec: 05 §5, D1-D10).
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

MINUTES_PER_DAY = 1440
# Offsets run from -12 h to +14 h, so a local date lies within this much of its noon in UTC.
_REACH = timedelta(hours=27)


class OffsetSpan(NamedTuple):
    """A stretch of instants ``[first, last)`` during which a zone keeps one UTC offset."""

    first: datetime
    last: datetime
    offset: timedelta


class WallPiece(NamedTuple):
    """The instants ``[start, end)`` of a wall-clock window under one UTC offset."""

    start: datetime
    end: datetime
    offset: timedelta


def local_date(instant: datetime, zone: ZoneInfo) -> date:
    """Return the date that ``instant`` has on the clocks of ``zone``."""
    return instant.astimezone(zone).date()


def dates_between(first_on: date, last_on: date) -> Iterator[date]:
    """Yield every date from ``first_on`` to ``last_on``, both included."""
    for days in range((last_on - first_on).days + 1):
        yield first_on + timedelta(days=days)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _change_between(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Find, to the second, the first instant that has the offset of ``high``."""
    before, seconds = _offset(low, zone), int((high - low).total_seconds())
    known = 0
    while seconds - known > 1:
        middle = (known + seconds) // 2
        if _offset(low + timedelta(seconds=middle), zone) == before:
            known = middle
        else:
            seconds = middle
    return low + timedelta(seconds=seconds)


@lru_cache(maxsize=8192)
def offset_spans(on: date, zone: ZoneInfo) -> tuple[OffsetSpan, ...]:
    """Return the spans of constant offset around the local date ``on``, in order."""
    noon = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    low, high = noon - _REACH, noon + _REACH
    before, after = _offset(low, zone), _offset(high, zone)
    if before == after:
        return (OffsetSpan(low, high, before),)
    change = _change_between(low, high, zone)
    return (OffsetSpan(low, change, before), OffsetSpan(change, high, after))


def wall_pieces(
    on: date, start_minute: int, end_minute: int, zone: ZoneInfo
) -> tuple[WallPiece, ...]:
    """Return the instants whose clock in ``zone`` reads a time of the window on ``on``.

    Minutes count from midnight on the clock face, ``0 <= start < end <= 1440``; otherwise
    ``ValueError``. Empty when a clock change skips the whole window (Spec: D3, D4, D7).
    """
    if not 0 <= start_minute < end_minute <= MINUTES_PER_DAY:
        raise ValueError(f"not a window of one day: {start_minute} to {end_minute}")
    midnight = datetime(on.year, on.month, on.day, tzinfo=UTC)
    first = midnight + timedelta(minutes=start_minute)
    last = midnight + timedelta(minutes=end_minute)
    pieces = (
        WallPiece(
            max(first - span.offset, span.first), min(last - span.offset, span.last), span.offset
        )
        for span in offset_spans(on, zone)
    )
    return tuple(piece for piece in pieces if piece.start < piece.end)


def instants_of(on: date, minute: int, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants at which the clock reads ``minute`` on ``on``: none, one or two.

    None means that the local time does not exist; two carry different offsets (Spec: D4, D7).
    """
    wall = datetime(on.year, on.month, on.day, tzinfo=UTC) + timedelta(minutes=minute)
    return tuple(
        wall - span.offset
        for span in offset_spans(on, zone)
        if span.first <= wall - span.offset < span.last
    )


@lru_cache(maxsize=8192)
def grid_starts(on: date, step_minutes: int, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants of ``on`` on the wall-clock grid of ``step_minutes``, in order.

    The grid counts from midnight on the clock face, not from the window (Spec: R5).
    """
    midnight = datetime(on.year, on.month, on.day, tzinfo=UTC)
    faces = [midnight + timedelta(minutes=m) for m in range(0, MINUTES_PER_DAY, step_minutes)]
    return tuple(
        face - span.offset
        for span in offset_spans(on, zone)
        for face in faces
        if span.first <= face - span.offset < span.last
    )


def is_on_grid(local: datetime, step_minutes: int) -> bool:
    """Tell whether a local time lies on the grid of its clock face (Spec: R5)."""
    if local.second or local.microsecond:
        return False
    return (local.hour * 60 + local.minute) % step_minutes == 0


def existing_window(
    on: date, start_minute: int, end_minute: int, zone: ZoneInfo
) -> tuple[int, int] | None:
    """Return the window without the local minutes that a clock change skips on ``on``.

    What an override is saved as: 02:30-05:00 becomes 03:00-05:00 when clocks go forward at 2:00.
    ``None`` when nothing of the window exists (Spec: D7, S15.6).
    """
    pieces = wall_pieces(on, start_minute, end_minute, zone)
    if not pieces:
        return None
    midnight = datetime(on.year, on.month, on.day, tzinfo=UTC)
    minute = timedelta(minutes=1)
    first = (pieces[0].start + pieces[0].offset - midnight) // minute
    last = (pieces[-1].end + pieces[-1].offset - midnight) // minute
    return first, last
