"""Short ways to say facts of the booking rules in tests."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bookings.availability.intervals import Schedule
from bookings.lessons.facts import (
    BookabilityFacts,
    ExistingBooking,
    InstructorRules,
    OfferFacts,
)
from bookings.lessons.rules import explain

NY = ZoneInfo("America/New_York")
EVERY_DAY = tuple((weekday, 9 * 60, 17 * 60) for weekday in range(7))


def local(text: str, zone: ZoneInfo = NY, *, fold: int = 0) -> datetime:
    """Read "2026-03-08 10:00" on the clocks of ``zone`` and return the instant in UTC."""
    wall = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=zone, fold=fold)
    return wall.astimezone(UTC)


def faces(starts: list[datetime], zone: ZoneInfo = NY) -> list[str]:
    """Print instants as wall-clock times with their abbreviation."""
    return [f"{start.astimezone(zone):%H:%M %Z}" for start in starts]


def booking(start: str, minutes: int = 60, **values: Any) -> ExistingBooking:
    """A booking from a New York wall-clock time."""
    start_at = local(start)
    values.setdefault("id", start)
    return ExistingBooking(
        start_at=start_at, end_at=start_at + timedelta(minutes=minutes), **values
    )


def rules(**values: Any) -> InstructorRules:
    """Rules without buffers or notice, so that a test sets only what it is about."""
    plain = {
        "zone": NY,
        "slot_step_minutes": 30,
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "min_notice_minutes": 0,
        "max_advance_days": 60,
    }
    return InstructorRules(**plain | values)


def facts(**values: Any) -> BookabilityFacts:
    """An open instructor who teaches 9 to 17 every day, 60 minutes."""
    plain = {
        "rules": rules(),
        "offer": OfferFacts(priced_minutes=frozenset({30, 60, 90})),
        "schedule": Schedule(weekly=EVERY_DAY),
    }
    return BookabilityFacts(**plain | values)


def failed(wanted: BookabilityFacts, start: str, minutes: int = 60, *, now: str) -> list[str]:
    """The numbers of the failed rules for a New York start."""
    found = explain(wanted, local(start), minutes, local(now))
    return [failure.rule for failure in found]


def on(text: str) -> date:
    """Read an ISO date."""
    return date.fromisoformat(text)
