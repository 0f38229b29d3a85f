"""The words for a failed rule: full for the instructor, telling nothing private to a student.

A student cannot tell a booking from external busy time, time off, a cap or a block: all of these
read the same (Spec: S12.6, S15.8).
"""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from bookings.lessons.facts import ExistingBooking, InstructorRules

NOT_AVAILABLE = "Not available."

_STUDENT_TEXTS = {
    "past": "This time has passed.",
    "too_soon": "Too soon to book.",
    "too_far": "Too far ahead to book.",
    "closed": "Outside the instructor's hours.",
    "off_grid": "Not a starting time.",
    "learner_busy": "This learner already has a lesson then.",
    "instructor_not_live": "This instructor takes no bookings at the moment.",
    "offer_inactive": "This lesson is no longer offered.",
    "duration_not_priced": "This length is not offered.",
    "mode_not_allowed": "Lessons are not offered this way.",
    "place_outside": "This place is outside the instructor's area.",
    "self_booking": "You cannot book a lesson with yourself.",
}

_INSTRUCTOR_TEXTS = {
    "past": "This time has passed.",
    "too_soon": "Shorter notice than the rules allow: the first time is {earliest}.",
    "too_far": "Further ahead than the rules allow: the last day is {last_on}.",
    "closed": "Outside your hours.",
    "time_off": "Time off: {label}.",
    "external_busy": "Busy in your calendar {calendars}.",
    "booked": "Taken by {booking}.",
    "too_close": "Too close to {booking}; the gap between lessons would be too short.",
    "off_grid": "Starts are every {step} minutes, counted from midnight.",
    "day_full": "You teach at most {lessons} lessons a day.",
    "week_full": "You teach at most {hours} hours a week.",
    "learner_busy": "The learner has another lesson then.",
    "instructor_not_live": "Your profile is not live.",
    "offer_inactive": "This service is not active.",
    "duration_not_priced": "A lesson of {minutes} minutes has no price.",
    "mode_not_allowed": "This service is not taught this way.",
    "place_outside": "The place is outside your area.",
    "blocked": "One of you has blocked the other.",
    "self_booking": "You cannot book yourself.",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """One rule that does not hold. ``code`` and ``booking_id`` are for the instructor's side only.

    ``student_text`` may be shown to anybody; ``instructor_text`` names the booking in the way.
    """

    rule: str
    code: str
    student_text: str
    instructor_text: str
    booking_id: Hashable | None = None


def failure(rule: str, *codes: str, booking_id: Hashable | None = None, **values: str) -> Failure:
    """Build the failure of ``rule``; the first of ``codes`` is its code, all give their text."""
    filled = {"earliest": "later", "last_on": "sooner"} | values
    filled["label"] = filled.get("label") or "no label"
    filled["calendars"] = filled.get("calendars") or "connected elsewhere"
    return Failure(
        rule,
        codes[0],
        _STUDENT_TEXTS.get(codes[0], NOT_AVAILABLE),
        " ".join(_INSTRUCTOR_TEXTS[code].format_map(filled) for code in codes),
        booking_id,
    )


def student_reasons(failures: Iterable[Failure]) -> tuple[str, ...]:
    """Return the sentences a student may read, each once, in order (Spec: S12.6)."""
    return tuple(dict.fromkeys(failure.student_text for failure in failures))


def _clock_face(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"  # noqa: PLR2004


def day(on: date) -> str:
    """Print a local date, absolute."""
    return f"{on:%a %b} {on.day}, {on.year}"


def moment(instant: datetime, rules: InstructorRules) -> str:
    """Print an instant in the instructor's zone with its abbreviation (Spec: G7)."""
    local = instant.astimezone(rules.zone)
    return f"{local:%a %b} {local.day}, {_clock_face(local)} {local:%Z}"


def booking(row: ExistingBooking, rules: InstructorRules) -> str:
    """Name a booking and its time to its instructor."""
    end = row.end_at.astimezone(rules.zone)
    name = f"{row.label}, " if row.label else ""
    return f"{name}{moment(row.start_at, rules)} to {_clock_face(end)} {end:%Z}"


def hours(minutes: int) -> str:
    """Print minutes as hours without trailing zeros."""
    return f"{minutes / 60:g}"
