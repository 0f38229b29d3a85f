"""Reads the layers of many instructors' time at once, as plain values."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ObjectDoesNotExist
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


@dataclass(frozen=True)
class InstructorTime:
    """One instructor's booking rules and the layers of their time."""

    rules: AvailabilityRules
    schedule: intervals.Schedule


def load_instructor_time(
    instructor_ids: Collection[int], *, first_on: date, last_on: date
) -> Mapping[int, InstructorTime]:
    """Return rules and layers of the local dates for each instructor, in one query.

    An instructor without rules gets the defaults; one without hours has an empty schedule.
    """
    overrides = OverrideDay.objects.filter(local_on__range=(first_on, last_on))
    blackouts = Blackout.objects.filter(first_on__lte=last_on, last_on__gte=first_on)
    rows = (
        Instructor.objects.filter(pk__in=instructor_ids)
        .only("pk", "availability_rules")
        .select_related("availability_rules")
        .annotate(
            weekly_rows=_rows(WeeklyWindow.objects.all(), "weekday", "start_minute", "end_minute"),
            override_rows=_rows(
                overrides, "local_on", "windows__start_minute", "windows__end_minute"
            ),
            blackout_rows=_rows(
                blackouts, "first_on", "last_on", "start_minute", "end_minute", "label"
            ),
        )
    )  # fmt: skip
    return {row.pk: InstructorTime(_rules(row), _schedule(row)) for row in rows}


def _rows(rows: QuerySet[Any], *fields: str) -> ArraySubquery:
    """Return the instructor's rows of one layer as lists of the fields."""
    mine = rows.filter(instructor=OuterRef("pk")).order_by("pk")
    return ArraySubquery(mine.values(row=JSONArray(*fields)))


def _rules(row: Instructor) -> AvailabilityRules:
    try:
        return row.availability_rules
    except ObjectDoesNotExist:
        return AvailabilityRules(instructor_id=row.pk)


def _schedule(row: Any) -> intervals.Schedule:
    return intervals.Schedule(
        weekly=[intervals.WeeklyWindow(*values) for values in row.weekly_rows],
        overrides=_overrides(row.override_rows),
        blackouts=[_blackout(*values) for values in row.blackout_rows],
    )


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
