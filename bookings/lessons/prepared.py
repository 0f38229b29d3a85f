"""The facts of the booking rules, sorted and expanded once for many starts.

Every question that a rule asks about one start is answered here, with the rows that answer it, so
that the predicate and the description of a rule look at the same thing.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple

from bookings.availability.clock import MINUTES_PER_DAY, local_date
from bookings.availability.intervals import (
    BusyInterval,
    Interval,
    blackout_intervals,
    covers,
    hours_intervals,
    subtract,
)
from bookings.lessons.facts import BookabilityFacts, ExistingBooking, OfferFacts

PROPOSAL_NOTICE_MINUTES = 30
_NOTHING = timedelta(0)


class Candidate(NamedTuple):
    """One wanted lesson: its instants in UTC and its start on the instructor's clock.

    ``on`` is the local date it is counted on and shown under (Spec: D10).
    """

    start: datetime
    end: datetime
    local: datetime
    on: date


class _Obstacle(NamedTuple):
    """A booking and the starts it forbids: those strictly between ``after`` and ``until``."""

    after: datetime
    until: datetime
    row: ExistingBooking


class Obstacles:
    """The starts of a lesson of one length that existing bookings forbid.

    ``before`` and ``behind`` are the buffers of the wanted lesson. A gap must be at least the
    larger of the earlier lesson's buffer after and the later one's buffer before, which is what
    "blocked overlaps span, either way round" says; so each booking forbids one range of starts.
    """

    def __init__(
        self,
        rows: Iterable[ExistingBooking],
        length: timedelta,
        before: timedelta = _NOTHING,
        behind: timedelta = _NOTHING,
    ) -> None:
        found = [
            _Obstacle(
                row.start_at - max(timedelta(minutes=row.buffer_before_minutes), behind) - length,
                row.end_at + max(timedelta(minutes=row.buffer_after_minutes), before),
                row,
            )
            for row in rows
        ]
        self._found = sorted(found, key=lambda one: one.after)
        self._afters = [one.after for one in self._found]
        self._widest = max((one.until - one.after for one in found), default=_NOTHING)

    def against(self, wanted: Candidate) -> list[ExistingBooking]:
        """Return the bookings in the way; a hold that taking the time gives up is not (T3)."""
        if not self._found:
            return []
        first = bisect_right(self._afters, wanted.start - self._widest)
        last = bisect_left(self._afters, wanted.start)
        return [
            one.row
            for one in self._found[first:last]
            if wanted.start < one.until and not _is_given_up(one.row, wanted)
        ]


def _is_given_up(row: ExistingBooking, wanted: Candidate) -> bool:
    return row.is_own_hold and row.overlaps(wanted.start, wanted.end)


class Prepared:
    """The facts, sorted and expanded once for all the starts of some local dates."""

    def __init__(
        self, facts: BookabilityFacts, minutes: int, now: datetime, first_on: date, last_on: date
    ) -> None:
        self.facts, self.rules, self.now, self.minutes = facts, facts.rules, now, minutes
        rules = facts.rules
        self.earliest = earliest_start(facts, now)
        self.last_on = local_date(now, rules.zone) + timedelta(days=rules.max_advance_days)
        self.length = timedelta(minutes=lesson_minutes(minutes))
        self.offer_codes = tuple(offer_codes(facts.offer, minutes))
        self._expand(first_on, last_on)
        self._sort_bookings()

    def _expand(self, first_on: date, last_on: date) -> None:
        schedule, zone = self.facts.schedule, self.rules.zone
        until_on = last_on + timedelta(days=1)
        self.hours = hours_intervals(
            weekly=schedule.weekly,
            overrides=schedule.overrides,
            zone=zone,
            first_on=first_on,
            last_on=until_on,
        )
        self.off = blackout_intervals(
            schedule.blackouts, zone=zone, first_on=first_on, last_on=until_on
        )
        self.teaching = subtract(self.hours, self.off)
        self.open = subtract(self.teaching, schedule.busy)
        self._open_starts = [part.start for part in self.open]

    def _sort_bookings(self) -> None:
        ours = alive(self.facts, self.facts.bookings, self.now)
        theirs = alive(self.facts, self.facts.learner_bookings, self.now)
        self.instructor_busy = Obstacles(
            (row for row in ours if row.is_blocking),
            self.length,
            timedelta(minutes=self.rules.buffer_before_minutes),
            timedelta(minutes=self.rules.buffer_after_minutes),
        )
        self.learner_busy = Obstacles(
            (
                row._replace(buffer_before_minutes=0, buffer_after_minutes=0)
                for row in theirs
                if row.is_blocking
            ),
            self.length,
        )
        self.caps = Caps(self.facts, self.now)

    def candidate(self, start: datetime) -> Candidate:
        """Return the wanted lesson that begins at ``start``, an instant in UTC."""
        local = start.astimezone(self.rules.zone)
        return Candidate(start, start + self.length, local, local.date())

    def is_open(self, wanted: Candidate) -> bool:
        """Tell whether one open interval contains the whole lesson (Spec: R3)."""
        index = bisect_right(self._open_starts, wanted.start) - 1
        return index >= 0 and wanted.end <= self.open[index].end


class Caps:
    """What lessons leave of the most an instructor takes in a day and in a week (Spec: R6)."""

    def __init__(self, facts: BookabilityFacts, now: datetime) -> None:
        self._rules = facts.rules
        counted = [row for row in alive(facts, facts.bookings, now) if row.is_counted]
        self.own_holds = [row for row in counted if row.is_own_hold]
        self._lessons_on: Counter[date] = Counter()
        self._minutes_in_week: Counter[date] = Counter()
        for row in counted:
            if not row.is_own_hold:
                on = self._day_of(row)
                self._lessons_on[on] += 1
                self._minutes_in_week[_monday(on)] += _minutes(row)

    def is_full(self, on: date, minutes: int) -> bool:
        """Tell whether a lesson would be too much on the local date, own holds left aside."""
        return self.is_day_full(on) or self.is_week_full(on, minutes)

    def is_day_full(self, on: date, held: Iterable[ExistingBooking] = ()) -> bool:
        """Tell whether one more lesson is one too many; ``held`` counts besides."""
        limit = self._rules.max_lessons_per_day
        if limit is None:
            return False
        return self._lessons_on[on] + sum(self._day_of(row) == on for row in held) + 1 > limit

    def is_week_full(self, on: date, minutes: int, held: Iterable[ExistingBooking] = ()) -> bool:
        """Tell whether it would pass the minutes of its week, Monday to Sunday."""
        limit = self._rules.max_minutes_per_week
        if limit is None:
            return False
        monday = _monday(on)
        more = sum(_minutes(row) for row in held if _monday(self._day_of(row)) == monday)
        return self._minutes_in_week[monday] + more + minutes > limit

    def kept_holds(self, wanted: Candidate) -> list[ExistingBooking]:
        """Return the person's own holds that taking ``wanted`` would not give up (T3)."""
        return [row for row in self.own_holds if not _is_given_up(row, wanted)]

    def _day_of(self, row: ExistingBooking) -> date:
        return local_date(row.start_at, self._rules.zone)


def earliest_start(facts: BookabilityFacts, now: datetime) -> datetime:
    """Return the first instant that leaves the instructor their notice (Spec: R1, T6)."""
    rules = facts.rules
    notice = PROPOSAL_NOTICE_MINUTES if facts.is_instructor_proposal else rules.min_notice_minutes
    return now + timedelta(minutes=notice)


def lesson_minutes(minutes: int) -> int:
    """Return a length that a calendar can be cut by; one that nobody prices is refused by R8."""
    return min(max(minutes, 1), MINUTES_PER_DAY)


def alive(
    facts: BookabilityFacts, rows: Iterable[ExistingBooking], now: datetime
) -> Iterator[ExistingBooking]:
    """Return the rows that count: neither ignored nor holds that have run out."""
    ignored = facts.ignored_ids
    return (row for row in rows if row.id not in ignored and row.is_live(now))


def offer_codes(offer: OfferFacts, minutes: int) -> Iterator[str]:
    """Yield why the offer cannot be booked at all (Spec: R8)."""
    checks = (
        ("instructor_not_live", offer.is_instructor_live),
        ("offer_inactive", offer.is_offer_active),
        ("duration_not_priced", minutes in offer.priced_minutes),
        ("mode_not_allowed", offer.is_mode_allowed),
        ("place_outside", offer.is_place_inside),
        ("blocked", not offer.is_blocked),
        ("self_booking", not offer.is_self_booking),
    )
    return (code for code, holds in checks if not holds)


def _monday(on: date) -> date:
    return on - timedelta(days=on.weekday())


def _minutes(row: ExistingBooking) -> int:
    return (row.end_at - row.start_at) // timedelta(minutes=1)


def is_full(prepared: Prepared, wanted: Candidate) -> bool:
    """Tell whether the lesson would be too much on its date or in its week (Spec: R6)."""
    return is_day_full(prepared, wanted) or is_week_full(prepared, wanted)


def is_day_full(prepared: Prepared, wanted: Candidate) -> bool:
    """Tell whether the lesson would be one too many on its date (Spec: R6)."""
    caps = prepared.caps
    return caps.is_day_full(wanted.on, caps.kept_holds(wanted))


def is_week_full(prepared: Prepared, wanted: Candidate) -> bool:
    """Tell whether it would pass the minutes of its week (Spec: R6)."""
    caps = prepared.caps
    return caps.is_week_full(wanted.on, prepared.minutes, caps.kept_holds(wanted))


def closed_codes(prepared: Prepared, wanted: Candidate) -> Iterator[str]:
    """Yield what closes the time: no hours, time off, external busy time (Spec: R3)."""
    span = Interval(wanted.start, wanted.end)
    if not covers(prepared.hours, span):
        yield "closed"
    if any(off.overlaps(span) for off in prepared.off):
        yield "time_off"
    if any(busy.overlaps(span) for busy in prepared.facts.schedule.busy):
        yield "external_busy"


def busy_calendars(prepared: Prepared, wanted: Candidate) -> list[str]:
    """Return the names of the connected calendars that keep the time, each once (Spec: S15.8)."""
    span = Interval(wanted.start, wanted.end)
    rows = prepared.facts.schedule.busy
    names = (row.calendar for row in rows if isinstance(row, BusyInterval) and row.overlaps(span))
    return list(dict.fromkeys(filter(None, names)))
