"""The starts of a lesson as a set, counted and cut without looking at each (Spec: R3-R7)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from bookings.availability.minutes import instant_of, minute_after, minute_of, span
from bookings.lessons.facts import ExistingBooking


@dataclass(frozen=True, slots=True)
class Starts:
    """Instants, in order and in UTC; bit i of ``bits`` is i minutes after the minute ``origin``."""

    origin: int = 0
    bits: int = 0

    def __bool__(self) -> bool:
        """Whether there is any."""
        return self.bits != 0

    def __len__(self) -> int:
        """How many there are."""
        return self.bits.bit_count()

    def __iter__(self) -> Iterator[datetime]:
        """Go through the starts; nothing is worked out for those that nobody asks for."""
        bits = self.bits
        while bits:
            lowest = bits & -bits
            yield instant_of(self.origin + lowest.bit_length() - 1)
            bits ^= lowest

    def within(self, bits: int) -> "Starts":
        """Return those that are in another set of minutes with the same origin."""
        return Starts(self.origin, self.bits & bits)

    def first(self, count: int) -> list[datetime]:
        """Return up to ``count`` starts, the earliest first."""
        return list(islice(self, count))

    def apart(self, minutes: int, count: int) -> list[datetime]:
        """Return the first start and up to ``count`` in all that lie ``minutes`` apart or more."""
        found: list[datetime] = []
        bits = self.bits
        while bits and len(found) < count:
            lowest = (bits & -bits).bit_length() - 1
            found.append(instant_of(self.origin + lowest))
            passed = lowest + minutes
            bits = bits >> passed << passed
        return found


def without_booked(
    starts: Starts,
    rows: Iterable[ExistingBooking],
    length: int,
    *,
    before: int = 0,
    behind: int = 0,
    is_buffered: bool = True,
) -> Starts:
    """Return the starts of a lesson of ``length`` minutes that these bookings leave free.

    ``before`` and ``behind`` are the buffers of the wanted lesson in minutes; the buffers of a row
    count unless ``is_buffered`` is false. A hold that taking the time gives up is not in the way
    of what overlaps it (T3). Spec: R4, R7
    """
    origin, bits = starts.origin, starts.bits
    size, found = bits.bit_length(), 0
    for row in rows:
        start, end = minute_of(row.start_at) - origin, minute_after(row.end_at) - origin
        head = max(row.buffer_before_minutes, behind) if is_buffered else 0
        tail = max(row.buffer_after_minutes, before) if is_buffered else 0
        blocked = span(start - head - length + 1, end + tail, size)
        if row.is_own_hold:
            blocked &= ~span(start - length + 1, end, size)
        found |= blocked
    return Starts(origin, bits & ~found) if found else starts
