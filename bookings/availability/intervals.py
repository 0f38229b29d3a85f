"""Sets of instants, and the open hours of an instructor as such a set (Spec: R3, S15.5)."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bookings.availability.clock import MINUTES_PER_DAY, dates_between, wall_pieces


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """The instants from ``start`` up to, not including, ``end``; both aware and in UTC.

    Raises ``ValueError`` when naive, in another zone (two wall clocks of one zone do not compare
    as instants), or when it would be empty.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError("an interval needs aware instants in UTC")
        if self.start >= self.end:
            raise ValueError("an interval needs its start before its end")

    def overlaps(self, other: "Interval") -> bool:
        """Tell whether some instant is in both; touching is not overlapping."""
        return self.start < other.end and other.start < self.end

    def contains(self, other: "Interval") -> bool:
        """Tell whether ``other`` lies wholly inside."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class BusyInterval(Interval):
    """Time that another calendar keeps; ``calendar`` is its name, for the instructor's eyes."""

    calendar: str = ""


class WeeklyWindow(NamedTuple):
    """Hours of every week on the wall clock; ``weekday`` 0 is Monday, minutes from midnight."""

    weekday: int
    start_minute: int
    end_minute: int


class DayWindow(NamedTuple):
    """Hours of one local date on the wall clock, in minutes from midnight up to 1440."""

    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class Blackout:
    """Time off: the same hours (whole days unless told) on each date of a range (Spec: S15.5)."""

    first_on: date
    last_on: date
    start_minute: int = 0
    end_minute: int = MINUTES_PER_DAY
    label: str = ""

    def covers(self, on: date) -> bool:
        """Tell whether ``on`` is one of its dates."""
        return self.first_on <= on <= self.last_on


@dataclass(frozen=True, slots=True)
class Schedule:
    """All layers of an instructor's time; an override with no windows closes its date."""

    weekly: Sequence[tuple[int, int, int]] = ()
    overrides: Mapping[date, Sequence[tuple[int, int]]] = field(default_factory=dict)
    blackouts: Sequence[Blackout] = ()
    busy: Sequence[Interval] = ()


_IN_ORDER = attrgetter("start", "end")


def merge(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the same instants as sorted, separate intervals; touching ones become one."""
    merged: list[Interval] = []
    for interval in sorted(intervals, key=_IN_ORDER):
        if not merged or interval.start > merged[-1].end:
            merged.append(interval)
        elif interval.end > merged[-1].end:
            merged[-1] = Interval(merged[-1].start, interval.end)
    return merged


def subtract(intervals: Iterable[Interval], removed: Iterable[Interval]) -> list[Interval]:
    """Return, merged, the instants of ``intervals`` that are in none of ``removed``."""
    holes = merge(removed)
    left: list[Interval] = []
    index = 0
    for interval in merge(intervals):
        while index < len(holes) and holes[index].end <= interval.start:
            index += 1
        left.extend(_without(interval, holes, index))
    return left


def _without(interval: Interval, holes: Sequence[Interval], index: int) -> Iterator[Interval]:
    start = interval.start
    while index < len(holes) and holes[index].start < interval.end:
        if start < holes[index].start:
            yield Interval(start, holes[index].start)
        start = max(start, holes[index].end)
        index += 1
    if start < interval.end:
        yield Interval(start, interval.end)


def covers(merged: Sequence[Interval], wanted: Interval) -> bool:
    """Tell whether one of the ``merged`` intervals contains ``wanted``."""
    index = bisect_right(merged, wanted.start, key=lambda interval: interval.start) - 1
    return index >= 0 and wanted.end <= merged[index].end


@lru_cache(maxsize=32_768)
def wall_intervals(
    on: date, start_minute: int, end_minute: int, zone: ZoneInfo
) -> tuple[Interval, ...]:
    """Return the instants of a wall-clock window on one local date (Spec: D3, D4).

    Kept: half the city opens at nine.
    """
    pieces = wall_pieces(on, start_minute, end_minute, zone)
    return tuple(merge(Interval(piece.start, piece.end) for piece in pieces))


def hours_intervals(
    *,
    weekly: Sequence[tuple[int, int, int]],
    overrides: Mapping[date, Sequence[tuple[int, int]]],
    zone: ZoneInfo,
    first_on: date,
    last_on: date,
) -> list[Interval]:
    """Return the merged hours of the local dates; an override replaces its whole date."""
    by_weekday: dict[int, list[tuple[int, int]]] = {}
    for weekday, start_minute, end_minute in weekly:
        by_weekday.setdefault(weekday, []).append((start_minute, end_minute))
    return merge(
        interval
        for on in dates_between(first_on, last_on)
        for start_minute, end_minute in overrides.get(on, by_weekday.get(on.weekday(), ()))
        for interval in wall_intervals(on, start_minute, end_minute, zone)
    )


def blackout_intervals(
    blackouts: Iterable[Blackout], *, zone: ZoneInfo, first_on: date, last_on: date
) -> list[Interval]:
    """Return the merged time off that falls on the local dates."""
    return merge(
        interval
        for blackout in blackouts
        for on in dates_between(max(blackout.first_on, first_on), min(blackout.last_on, last_on))
        for interval in wall_intervals(on, blackout.start_minute, blackout.end_minute, zone)
    )


def open_intervals(
    *,
    weekly: Sequence[tuple[int, int, int]],
    overrides: Mapping[date, Sequence[tuple[int, int]]],
    blackouts: Iterable[Blackout],
    busy: Iterable[Interval],
    zone: ZoneInfo,
    first_on: date,
    last_on: date,
) -> list[Interval]:
    """Return (weekly or override) - blackouts - busy for the local dates, merged.

    Windows that touch become one, over midnight too; only dates from ``first_on`` to ``last_on``
    are looked at, so ask for the day after when a lesson may run past midnight (Spec: R3, D10).
    """
    hours = hours_intervals(
        weekly=weekly, overrides=overrides, zone=zone, first_on=first_on, last_on=last_on
    )
    off = blackout_intervals(blackouts, zone=zone, first_on=first_on, last_on=last_on)
    return subtract(hours, [*off, *busy])
