"""Reads the layers of many instructors' time at once, as plain values."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connections, router

from bookings.availability import intervals
from bookings.availability.clock import MINUTES_PER_DAY
from bookings.availability.models import AvailabilityRules


class Limits(NamedTuple):
    """What an ``AvailabilityRules`` row says, or its defaults where there is no row."""

    slot_step_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    min_notice_minutes: int
    max_advance_days: int
    max_lessons_per_day: int | None
    max_minutes_per_week: int | None


_UNSAVED = AvailabilityRules()
_DEFAULTS = Limits(*(getattr(_UNSAVED, name) for name in Limits._fields))


# A local date of any zone lies within a day of its own in UTC.
_ANY_ZONE = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# Written out: every page with times asks this, and building it took several times as long as
# reading. A layer comes as one text: lists of its rows, or NULL.
_LAYERS = """
    SELECT person.id,
           (SELECT jsonb_agg(jsonb_build_array(weekday, start_minute, end_minute) ORDER BY id)
              FROM availability_weeklywindow WHERE instructor_id = person.id),
           (SELECT jsonb_agg(jsonb_build_array(local_on, start_minute, end_minute) ORDER BY day.id)
              FROM availability_overrideday AS day
              LEFT JOIN availability_overridewindow AS opened ON opened.day_id = day.id
             WHERE instructor_id = person.id AND local_on BETWEEN %(first_on)s AND %(last_on)s),
           (SELECT jsonb_agg(
                     jsonb_build_array(first_on, last_on, start_minute, end_minute, label)
                     ORDER BY id)
              FROM availability_blackout
             WHERE instructor_id = person.id
               AND first_on <= %(last_on)s AND last_on >= %(first_on)s),
           (SELECT jsonb_agg(jsonb_build_array(extract(epoch from start_at),
                                               extract(epoch from end_at), name) ORDER BY start_at)
              FROM availability_busytime AS busy
              JOIN availability_connectedcalendar AS source ON source.id = busy.calendar_id
             WHERE busy.instructor_id = person.id
               AND start_at < %(until)s AND end_at > %(since)s),
           slot_step_minutes, buffer_before_minutes, buffer_after_minutes, min_notice_minutes,
           max_advance_days, max_lessons_per_day, max_minutes_per_week
      FROM catalog_instructor AS person
      LEFT JOIN availability_availabilityrules AS rules ON rules.instructor_id = person.id
     WHERE person.id = ANY(%(ids)s)
"""


@dataclass(frozen=True)
class InstructorTime:
    """One instructor's booking rules and the layers of their time."""

    rules: Limits
    schedule: intervals.Schedule


def load_instructor_time(
    instructor_ids: Collection[int], *, first_on: date, last_on: date
) -> Mapping[int, InstructorTime]:
    """Return rules and layers of the local dates for each instructor, in one query.

    An instructor without rules gets the defaults; one without hours has an empty schedule.
    """
    asked: dict[str, Any] = {"ids": list(instructor_ids), "first_on": first_on, "last_on": last_on}
    asked |= {"since": _midnight(first_on) - _ANY_ZONE, "until": _midnight(last_on) + 2 * _ANY_ZONE}
    with connections[router.db_for_read(AvailabilityRules)].cursor() as cursor:
        cursor.execute(_LAYERS, asked)
        rows = cursor.fetchall()
    return {
        pk: InstructorTime(
            _DEFAULTS if limits[0] is None else Limits(*limits),
            intervals.Schedule(
                weekly=[intervals.WeeklyWindow(*values) for values in _rows(weekly)],
                overrides=_overrides(_rows(overridden)),
                blackouts=[_blackout(*values) for values in _rows(off)],
                busy=[_busy(*values) for values in _rows(busy)],
            ),
        )
        for pk, weekly, overridden, off, busy, *limits in rows
    }


def _midnight(on: date) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=UTC)


def _busy(start: float, end: float, name: str) -> intervals.BusyInterval:
    return intervals.BusyInterval(instant_at(start), instant_at(end), name)


def instant_at(seconds: float) -> datetime:
    """Return the instant in UTC of ``extract(epoch from …)``, which is read in a tenth the time."""
    return _EPOCH + timedelta(seconds=seconds)


def _rows(layer: str | None) -> Sequence[Sequence[Any]]:
    rows: Sequence[Sequence[Any]] = json.loads(layer) if layer else ()
    return rows


def _overrides(rows: Iterable[Any]) -> dict[date, list[tuple[int, int]]]:
    found: dict[date, list[tuple[int, int]]] = {}
    for local_on, start_minute, end_minute in rows:
        windows = found.setdefault(date.fromisoformat(local_on), [])
        if start_minute is not None:
            windows.append((start_minute, end_minute))
    return found


def _blackout(
    first_on: str, last_on: str, start_minute: int | None, end_minute: int | None, label: str
) -> intervals.Blackout:
    return intervals.Blackout(
        first_on=date.fromisoformat(first_on),
        last_on=date.fromisoformat(last_on),
        start_minute=start_minute if start_minute is not None else 0,
        end_minute=end_minute if end_minute is not None else MINUTES_PER_DAY,
        label=label,
    )
