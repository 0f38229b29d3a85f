"""Reads the layers of many instructors' time at once, as plain values."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from bookings.availability import intervals
from bookings.availability.clock import MINUTES_PER_DAY
from bookings.availability.models import (
    AvailabilityRules,
    Blackout,
    OverrideDay,
    WeeklyWindow,
)


@dataclass(frozen=True)
class InstructorTime:
    """One instructor's booking rules and the layers of their time."""

    rules: AvailabilityRules
    schedule: intervals.Schedule


def load_instructor_time(
    instructor_ids: Collection[int], *, first_on: date, last_on: date
) -> Mapping[int, InstructorTime]:
    """Return rules and layers of the local dates for each instructor, in four queries.

    An instructor without rules gets the defaults; one without hours has an empty schedule.
    """
    rules = {row.pk: row for row in AvailabilityRules.objects.filter(pk__in=instructor_ids)}
    weekly = _weekly(instructor_ids)
    overrides = _overrides(instructor_ids, first_on, last_on)
    blackouts = _blackouts(instructor_ids, first_on, last_on)
    return {
        pk: InstructorTime(
            rules=rules.get(pk) or AvailabilityRules(instructor_id=pk),
            schedule=intervals.Schedule(
                weekly=weekly[pk], overrides=overrides[pk], blackouts=blackouts[pk]
            ),
        )
        for pk in instructor_ids
    }


def _weekly(instructor_ids: Collection[int]) -> dict[int, list[intervals.WeeklyWindow]]:
    found: dict[int, list[intervals.WeeklyWindow]] = defaultdict(list)
    rows = WeeklyWindow.objects.filter(instructor_id__in=instructor_ids).values_list(
        "instructor_id", "weekday", "start_minute", "end_minute"
    )
    for pk, weekday, start_minute, end_minute in rows:
        found[pk].append(intervals.WeeklyWindow(weekday, start_minute, end_minute))
    return found


def _overrides(
    instructor_ids: Collection[int], first_on: date, last_on: date
) -> dict[int, dict[date, list[tuple[int, int]]]]:
    found: dict[int, dict[date, list[tuple[int, int]]]] = defaultdict(dict)
    rows = OverrideDay.objects.filter(
        instructor_id__in=instructor_ids, local_on__range=(first_on, last_on)
    ).values_list("instructor_id", "local_on", "windows__start_minute", "windows__end_minute")
    for pk, local_on, start_minute, end_minute in rows:
        windows = found[pk].setdefault(local_on, [])
        if start_minute is not None:
            windows.append((start_minute, end_minute))
    return found


def _blackouts(
    instructor_ids: Collection[int], first_on: date, last_on: date
) -> dict[int, list[intervals.Blackout]]:
    found: dict[int, list[intervals.Blackout]] = defaultdict(list)
    rows = Blackout.objects.filter(
        instructor_id__in=instructor_ids, first_on__lte=last_on, last_on__gte=first_on
    )
    for row in rows:
        found[row.instructor_id].append(
            intervals.Blackout(
                first_on=row.first_on,
                last_on=row.last_on,
                start_minute=row.start_minute if row.start_minute is not None else 0,
                end_minute=row.end_minute if row.end_minute is not None else MINUTES_PER_DAY,
                label=row.label,
            )
        )
    return found
