"""When instructors teach: weekly patterns, single days, time off and booking rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

Window = tuple[int, int]
WeeklyHours = tuple[tuple[int, int, int], ...]

_WEEKDAYS, _WEEKEND = range(5), (5, 6)
SATURDAY = 5


def _minutes(hour: float) -> int:
    return int(hour * 60)


@dataclass(frozen=True)
class TimePlan:
    """Everything about one instructor's time; minutes from local midnight."""

    weekly: WeeklyHours
    rules: Mapping[str, int | None]
    overrides: Mapping[date, Sequence[Window]] = field(default_factory=dict)
    blackouts: Sequence[tuple[date, date, str]] = ()

    def windows_on(self, on: date) -> list[Window]:
        """Return the open windows of a local date (Spec: S15.5, R3)."""
        if any(first_on <= on <= last_on for first_on, last_on, _ in self.blackouts):
            return []
        if on in self.overrides:
            return list(self.overrides[on])
        return [(start, end) for weekday, start, end in self.weekly if weekday == on.weekday()]


def plan_time(chance: Random, today: date, *, is_saturday_kept: bool = False) -> TimePlan:
    """Return hours around ``today``; a kept Saturday is open from nine to two and never changed."""
    weekly = _kept_saturday(chance) if is_saturday_kept else _PATTERNS[_pattern(chance)](chance)
    return TimePlan(
        weekly=tuple(sorted(weekly)),
        rules=_rules(chance, is_generous=is_saturday_kept),
        overrides=_overrides(chance, weekly, today, is_saturday_kept=is_saturday_kept),
        blackouts=() if is_saturday_kept else _blackouts(chance, today),
    )


def _pattern(chance: Random) -> int:
    return chance.choices(range(len(_PATTERNS)), (26, 14, 22, 16, 10, 12))[0]


def _days(days: Sequence[int], *windows: tuple[float, float]) -> list[tuple[int, int, int]]:
    return [(day, _minutes(start), _minutes(end)) for day in days for start, end in windows]


def _after_school(chance: Random) -> list[tuple[int, int, int]]:
    start = chance.choice((14, 14.5, 15, 15.5))
    return _days(_WEEKDAYS, (start, chance.choice((19, 19.5, 20)))) + _days(
        _WEEKEND, (chance.choice((9, 10)), chance.choice((16, 17, 18)))
    )


def _mornings(chance: Random) -> list[tuple[int, int, int]]:
    end = chance.choice((12, 12.5, 13))
    return _days(_WEEKDAYS, (chance.choice((7, 7.5, 8)), end)) + _days([SATURDAY], (8, end))


def _full_time(chance: Random) -> list[tuple[int, int, int]]:
    lunch = chance.choice((12, 12.5, 13))
    days = chance.choice((range(5), range(1, 6), (0, 1, 3, 4, 5)))
    return _days(days, (chance.choice((9, 9.5, 10)), lunch), (lunch + 1, chance.choice((18, 19))))


def _evenings(chance: Random) -> list[tuple[int, int, int]]:
    days = sorted(chance.sample(range(7), chance.choice((4, 5, 6))))
    return _days(days, (chance.choice((16.5, 17, 17.5)), chance.choice((20.5, 21, 21.5))))


def _weekends(chance: Random) -> list[tuple[int, int, int]]:
    return _days(_WEEKEND, (chance.choice((8.5, 9, 10)), chance.choice((18, 19)))) + _days(
        [chance.randrange(5)], (17, 20)
    )


def _seven_days(chance: Random) -> list[tuple[int, int, int]]:
    return _days(range(7), (chance.choice((10, 11)), chance.choice((19, 20))))


_PATTERNS = (_after_school, _mornings, _full_time, _evenings, _weekends, _seven_days)


def _kept_saturday(chance: Random) -> list[tuple[int, int, int]]:
    pattern = chance.choice((_after_school, _evenings, _full_time))
    weekly = [window for window in pattern(chance) if window[0] != SATURDAY]
    return weekly + _days([SATURDAY], (9, chance.choice((14, 15))))


def _rules(chance: Random, *, is_generous: bool) -> dict[str, int | None]:
    after = chance.choices((15, 0, 30, 10), (60, 15, 20, 5))[0]
    return {
        "slot_step_minutes": chance.choices((30, 15, 60), (80, 10, 10))[0],
        "buffer_before_minutes": chance.choices((0, 15), (85, 15))[0],
        "buffer_after_minutes": after,
        "min_notice_minutes": 120 if is_generous else chance.choice((60, 120, 120, 240, 720, 1440)),
        "max_advance_days": chance.choice((60, 60, 60, 30, 90, 120)),
        "max_lessons_per_day": chance.choices((None, 6, 5), (80, 12, 8))[0],
        "max_minutes_per_week": chance.choices((None, 1800, 1200), (88, 8, 4))[0],
    }


def _overrides(
    chance: Random, weekly: Sequence[tuple[int, int, int]], today: date, *, is_saturday_kept: bool
) -> dict[date, Sequence[Window]]:
    """Change one to three single days for a quarter of the instructors."""
    if chance.random() > 0.25:
        return {}
    changed: dict[date, Sequence[Window]] = {}
    open_weekdays = {weekday for weekday, _, _ in weekly}
    for _ in range(chance.choice((1, 2, 3))):
        on = today + timedelta(days=chance.randrange(2, 45))
        if is_saturday_kept and on.weekday() == SATURDAY:
            continue
        changed[on] = (
            chance.choice(((), ((_minutes(12), _minutes(17)),)))
            if on.weekday() in open_weekdays
            else ((_minutes(10), _minutes(14)),)
        )
    return changed


def _blackouts(chance: Random, today: date) -> list[tuple[date, date, str]]:
    """Send every sixth instructor away for a while."""
    if chance.random() > 0.16:
        return []
    first_on = today + timedelta(days=chance.randrange(6, 50))
    label = chance.choice(("Family visit", "On tour", "Vacation", "Conference", "Competition"))
    return [(first_on, first_on + timedelta(days=chance.choice((1, 2, 4, 7, 13))), label)]
