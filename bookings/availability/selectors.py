"""Reads the layers of many instructors' time at once, as plain values."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONArray

from bookings.availability import intervals
from bookings.availability.clock import MINUTES_PER_DAY
from bookings.availability.models import (
    AvailabilityRules,
    Blackout,
    OverrideDay,
    WeeklyWindow,
)
from catalog.models import Instructor


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
    overrides = OverrideDay.objects.filter(local_on__range=(first_on, last_on))
    blackouts = Blackout.objects.filter(first_on__lte=last_on, last_on__gte=first_on)
    rows = Instructor.objects.filter(pk__in=instructor_ids).values_list(
        "pk",
        _rows(WeeklyWindow.objects.all(), "weekday", "start_minute", "end_minute"),
        _rows(overrides, "local_on", "windows__start_minute", "windows__end_minute"),
        _rows(blackouts, "first_on", "last_on", "start_minute", "end_minute", "label"),
        *(f"availability_rules__{name}" for name in Limits._fields),
    )
    return {
        pk: InstructorTime(
            _DEFAULTS if limits[0] is None else Limits(*limits),
            intervals.Schedule(
                weekly=[intervals.WeeklyWindow(*values) for values in weekly],
                overrides=_overrides(overridden),
                blackouts=[_blackout(*values) for values in off],
            ),
        )
        for pk, weekly, overridden, off, *limits in rows
    }


def _rows(rows: QuerySet[Any], *fields: str) -> ArraySubquery:
    """Return the instructor's rows of one layer as lists of the fields."""
    mine = rows.filter(instructor=OuterRef("pk")).order_by("pk")
    return ArraySubquery(mine.values(row=JSONArray(*fields)))


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
