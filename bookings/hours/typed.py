"""Hours as people type them: rows of two times for each day of a week (Spec: S15.4, S15.6)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bookings.availability import weeks
from bookings.availability.clock import MINUTES_PER_DAY
from bookings.availability.weeks import DAYS_A_WEEK, Windows

MOST_ROWS = 24
"""Rows of one day; seven days of them stay far below what a form may send (S17.3)."""
_FIELD = re.compile(r"d([0-6])-(\d{1,2})-(start|end)")
_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::00)?\s*([ap])?\.?(?:m\.?)?", re.IGNORECASE)
_NOON = 12


@dataclass(frozen=True)
class Row:
    """One range as it was typed; two empty texts are an empty row."""

    start: str = ""
    end: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is typed."""
        return not (self.start or self.end)


Rows = list[list[Row]]
"""The rows of each day, Monday first."""


@dataclass
class Parsed:
    """The windows of each day by its number, and what is wrong by the name of the field."""

    days: dict[int, Windows] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)


def rows_of(days: Mapping[int, Windows]) -> Rows:
    """Return the rows that show these windows."""
    return [
        [Row(_typed(start), _typed(end)) for start, end in days.get(number, ())]
        for number in range(DAYS_A_WEEK)
    ]


def read_rows(sent: Mapping[str, str]) -> Rows:
    """Return the rows of a form that was sent; unknown fields are ignored, empty rows too."""
    found: dict[tuple[int, int], dict[str, str]] = {}
    for name, text in sent.items():
        match = _FIELD.fullmatch(name)
        if match is not None:
            day, number, side = int(match[1]), int(match[2]), match[3]
            found.setdefault((day, number), {})[side] = text.strip()[:20]
    rows: Rows = [[] for _ in range(DAYS_A_WEEK)]
    for day, number in sorted(found):
        row = Row(**found[day, number])
        if not row.is_empty:
            rows[day].append(row)
    return rows


def parse_rows(rows: Rows, names: Sequence[str]) -> Parsed:
    """Return the windows of the rows; ``names`` are the days' names for errors. Spec: S15.6"""
    parsed = Parsed()
    for day, typed in enumerate(rows):
        windows, numbers = [], []
        for number, row in enumerate(typed):
            window = _window(row)
            if window is None:
                parsed.errors[f"d{day}-{number}-start"] = (
                    f"{names[day]}, row {number + 1}: enter both times, such as 10:00 AM."
                )
            else:
                windows.append(window)
                numbers.append(number)
        for position, text in weeks.faults_of(windows).items():
            number = numbers[position]
            parsed.errors[f"d{day}-{number}-start"] = f"{names[day]}, row {number + 1}: {text}."
        if len(typed) > MOST_ROWS:
            parsed.errors[f"d{day}-0-start"] = f"{names[day]}: use up to {MOST_ROWS} rows."
        parsed.days[day] = windows
    return parsed


def _window(row: Row) -> tuple[int, int] | None:
    start, end = parse_minute(row.start), parse_minute(row.end)
    if start is None or end is None:
        return None
    # Midnight as an end is the end of the day.
    return start, end or MINUTES_PER_DAY


def parse_minute(text: str) -> int | None:
    """Return the minute of the day of ``10:15``, ``10:15 PM`` or ``24:00``; None for the rest."""
    match = _CLOCK.fullmatch(text.strip()) if text.isascii() else None
    if match is None:
        return None
    hour, minute, half = int(match[1]), int(match[2]), (match[3] or "").lower()
    if half:
        if not 1 <= hour <= _NOON:
            return None
        hour = hour % _NOON + (_NOON if half == "p" else 0)
    total = hour * 60 + minute
    return total if minute < 60 and total <= MINUTES_PER_DAY else None  # noqa: PLR2004 - an hour


def _typed(minute: int) -> str:
    """Return the value of a time field; the end of the day is midnight there."""
    return f"{minute // 60 % 24:02d}:{minute % 60:02d}"


# --- Edits before saving: what the toolbar does, also without a script --------------------------
def edit_rows(rows: Rows, action: str, *, usual: Rows, copy: tuple[int, str]) -> Rows | None:
    """Return the rows after an edit that saves nothing yet; None for an unknown action.

    ``add-d0`` adds an empty row, ``clear-d0`` and ``clear-week`` close, ``reset-d0`` takes the
    weekly rows, ``copy-day`` takes ``copy``: a day, and to which (a number, ``workdays``, ``all``).
    """
    edited = [list(day) for day in rows]
    verb, _, day_text = action.partition("-d")
    number = int(day_text) if day_text in {str(day) for day in range(DAYS_A_WEEK)} else None
    if action == "clear-week":
        return [[] for _ in rows]
    if action == "copy-day":
        for day in _targets(copy[1]):
            edited[day] = list(rows[copy[0]])
    elif number is None:
        return None
    elif verb == "add":
        edited[number].append(Row())
    elif verb == "clear":
        edited[number] = []
    elif verb == "reset":
        edited[number] = list(usual[number])
    else:
        return None
    return edited


WORKDAYS = range(5)


def _targets(text: str) -> Sequence[int]:
    if text == "workdays":
        return WORKDAYS
    if text == "all":
        return range(DAYS_A_WEEK)
    return [int(text)] if text in {str(day) for day in range(DAYS_A_WEEK)} else []
