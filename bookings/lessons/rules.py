"""What is bookable: R1-R8 as one engine, used to show times and to accept them (Spec: 05 §1).

Each rule is a predicate and a description. ``explain`` asks them about one start; ``free_starts``
cuts whole calendars by the same rules, and a property test holds the two to one answer. Nothing
here reads a database or a clock: facts and ``now`` come in, answers go out.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bookings.availability.clock import (
    MINUTES_PER_DAY,
    dates_between,
    grid_starts,
    is_on_grid,
    local_date,
)
from bookings.availability.intervals import Interval, covers
from bookings.availability.minutes import (
    grid_minutes,
    minute_after,
    minute_of,
    open_minutes,
    origin_of,
    runs,
    wall_minutes,
)
from bookings.lessons import reasons
from bookings.lessons.facts import (
    BookabilityFacts,
    ExistingBooking,
    InstructorRules,
    OfferFacts,
)
from bookings.lessons.prepared import (
    Candidate,
    Caps,
    Prepared,
    alive,
    busy_calendars,
    closed_codes,
    earliest_start,
    is_day_full,
    is_full,
    is_week_full,
    lesson_minutes,
    offer_codes,
)
from bookings.lessons.reasons import Failure
from bookings.lessons.starts import Starts, without_booked

__all__ = [
    "BookabilityFacts",
    "DayState",
    "ExistingBooking",
    "Failure",
    "InstructorRules",
    "OfferFacts",
    "bookable_starts",
    "day_states",
    "explain",
    "explain_day",
    "explain_together",
    "free_starts",
    "is_bookable",
    "nearest_starts",
]

FEW_STARTS = 2
# A start further away than this fails by R1 or R2 alone; its calendar is not worth expanding.
_HORIZON = timedelta(days=3700)
_DAY = timedelta(days=1)
_MONTH = timedelta(days=30)


def _describe_notice(prepared: Prepared, wanted: Candidate) -> Failure:
    code = "past" if wanted.start < prepared.now else "too_soon"
    return reasons.failure("R1", code, earliest=reasons.moment(prepared.earliest, prepared.rules))


def _describe_advance(prepared: Prepared, _wanted: Candidate) -> Failure:
    return reasons.failure("R2", "too_far", last_on=reasons.day(prepared.last_on))


def _describe_hours(prepared: Prepared, wanted: Candidate) -> Failure:
    labels = [off.label for off in prepared.facts.schedule.blackouts if off.covers(wanted.on)]
    label = ", ".join(filter(None, labels))
    return reasons.failure(
        "R3",
        *closed_codes(prepared, wanted),
        label=label,
        calendars=" and ".join(busy_calendars(prepared, wanted)),
    )


def _describe_booked(prepared: Prepared, wanted: Candidate) -> Failure:
    rows = prepared.instructor_busy.against(wanted)
    overlapped = [row for row in rows if row.overlaps(wanted.start, wanted.end)]
    code = "booked" if overlapped else "too_close"
    row = (overlapped or rows)[0]
    return reasons.failure(
        "R4", code, booking_id=row.id, booking=reasons.booking(row, prepared.rules)
    )


def _describe_grid(prepared: Prepared, _wanted: Candidate) -> Failure:
    return reasons.failure("R5", "off_grid", step=str(prepared.rules.slot_step_minutes))


def _describe_caps(prepared: Prepared, wanted: Candidate) -> Failure:
    codes = [
        *(["day_full"] if is_day_full(prepared, wanted) else []),
        *(["week_full"] if is_week_full(prepared, wanted) else []),
    ]
    return reasons.failure(
        "R6",
        *codes,
        lessons=str(prepared.rules.max_lessons_per_day),
        hours=reasons.hours(prepared.rules.max_minutes_per_week or 0),
    )


def _describe_learner(prepared: Prepared, wanted: Candidate) -> Failure:
    row = prepared.learner_busy.against(wanted)[0]
    return reasons.failure("R7", "learner_busy", booking_id=row.id)


def _describe_offer(prepared: Prepared, _wanted: Candidate) -> Failure:
    return reasons.failure("R8", *prepared.offer_codes, minutes=str(prepared.minutes))


class _Rule(NamedTuple):
    fails: Callable[[Prepared, Candidate], bool]
    describe: Callable[[Prepared, Candidate], Failure]


_RULES = (
    _Rule(lambda p, c: c.start < p.earliest, _describe_notice),
    _Rule(lambda p, c: c.on > p.last_on, _describe_advance),
    _Rule(lambda p, c: not p.is_open(c), _describe_hours),
    _Rule(lambda p, c: bool(p.instructor_busy.against(c)), _describe_booked),
    _Rule(lambda p, c: not is_on_grid(c.local, p.rules.slot_step_minutes), _describe_grid),
    _Rule(is_full, _describe_caps),
    _Rule(lambda p, c: bool(p.learner_busy.against(c)), _describe_learner),
    _Rule(lambda p, _: bool(p.offer_codes), _describe_offer),
)


def _holds(prepared: Prepared, wanted: Candidate) -> bool:
    # A loop: asked for each point of the grid, a generator would take a third longer.
    for fails, _ in _RULES:  # noqa: SIM110
        if fails(prepared, wanted):
            return False
    return True


def _failures(prepared: Prepared, wanted: Candidate) -> tuple[Failure, ...]:
    return tuple(rule.describe(prepared, wanted) for rule in _RULES if rule.fails(prepared, wanted))


def _too_remote(*, is_past: bool) -> Failure:
    return reasons.failure("R1", "past") if is_past else reasons.failure("R2", "too_far")


def explain(
    facts: BookabilityFacts, start_at: datetime, duration_minutes: int, now: datetime
) -> tuple[Failure, ...]:
    """Return the failed rules in order, one each; empty exactly when the start is offered.

    ``start_at`` and ``now`` are aware instants of any zone (Spec: 05 §1, S12.6, S15.8).
    """
    start_at, now = start_at.astimezone(UTC), now.astimezone(UTC)
    if abs(start_at - now) > _HORIZON:
        return (_too_remote(is_past=start_at < now),)
    on = local_date(start_at, facts.rules.zone)
    prepared = Prepared(facts, duration_minutes, now, on, on)
    return _failures(prepared, prepared.candidate(start_at))


def explain_together(
    facts: BookabilityFacts, starts: Sequence[datetime], duration_minutes: int, now: datetime
) -> dict[datetime, tuple[Failure, ...]]:
    """Return the refused ones among starts that are to be booked in one go, with their failures.

    Each counts as booked for the others: they keep the buffers and the caps among themselves.
    Spec: R19, R4, R6
    """
    length = timedelta(minutes=lesson_minutes(duration_minutes))
    rules = facts.rules
    together = [
        ExistingBooking(
            id=("series", start_at),
            start_at=start_at,
            end_at=start_at + length,
            buffer_before_minutes=rules.buffer_before_minutes,
            buffer_after_minutes=rules.buffer_after_minutes,
        )
        for start_at in starts
    ]
    found = {}
    for start_at in starts:
        others = [row for row in together if row.start_at != start_at]
        with_others = replace(facts, bookings=(*facts.bookings, *others))
        found[start_at] = explain(with_others, start_at, duration_minutes, now)
    return {start_at: failures for start_at, failures in found.items() if failures}


def is_bookable(
    facts: BookabilityFacts, start_at: datetime, duration_minutes: int, now: datetime
) -> bool:
    """Tell whether R1-R8 all hold for the start (Spec: 05 §1)."""
    return not explain(facts, start_at, duration_minutes, now)


def _within_window(
    facts: BookabilityFacts, first_on: date, last_on: date, now: datetime
) -> tuple[date, date]:
    today = local_date(now, facts.rules.zone)
    latest_on = today + timedelta(days=facts.rules.max_advance_days)
    return max(first_on, today), min(last_on, latest_on)


def free_starts(
    facts: BookabilityFacts, duration_minutes: int, first_on: date, last_on: date, now: datetime
) -> Starts:
    """Return every start offered on the local dates, both included, as a set of minutes.

    The same answer as ``explain`` gives start by start, in a hundredth of the time: whole calendars
    are cut at once. Its minutes count from ``origin_of(first_on)``, so sets of one date go together
    whatever the instructor's window is. Spec: 05 §1, S8.4
    """
    rules, now, origin = facts.rules, now.astimezone(UTC), origin_of(first_on)
    low_on, high_on = _within_window(facts, first_on, last_on, now)
    if low_on > high_on or any(offer_codes(facts.offer, duration_minutes)):
        return Starts(origin)
    length = lesson_minutes(duration_minutes)
    # A lesson may run past midnight into the hours of the day after (D10).
    opened = open_minutes(facts.schedule, rules.zone, low_on, high_on + _DAY)
    grid = grid_minutes(rules.slot_step_minutes, rules.zone, low_on, high_on)
    bits = (runs(opened, length) & grid) << (origin_of(low_on) - origin)
    soonest = max(0, minute_after(earliest_start(facts, now)) - origin)
    starts = _not_booked(facts, Starts(origin, bits >> soonest << soonest), length, now)
    if not starts or (rules.max_lessons_per_day, rules.max_minutes_per_week) == (None, None):
        return starts
    return _below_caps(facts, starts, duration_minutes, (low_on, high_on), now)


def _not_booked(facts: BookabilityFacts, starts: Starts, length: int, now: datetime) -> Starts:
    ours, theirs = (
        (row for row in alive(facts, rows, now) if row.is_blocking)
        for rows in (facts.bookings, facts.learner_bookings)
    )
    before, behind = facts.rules.buffer_before_minutes, facts.rules.buffer_after_minutes
    starts = without_booked(starts, ours, length, before=before, behind=behind)
    return without_booked(starts, theirs, length, is_buffered=False)


def _below_caps(
    facts: BookabilityFacts, starts: Starts, minutes: int, dates: tuple[date, date], now: datetime
) -> Starts:
    caps = Caps(facts, now)
    if not caps.own_holds:
        full = [on for on in dates_between(*dates) if caps.is_full(on, minutes)]
        return starts.within(
            ~wall_minutes(full, 0, MINUTES_PER_DAY, facts.rules.zone, starts.origin)
        )
    # Which of the person's own holds a start gives up is another question at every start (T3).
    prepared = Prepared(facts, minutes, now, *dates)
    wanted = [prepared.candidate(start) for start in starts]
    kept = [one.start for one in wanted if not is_full(prepared, one)]
    return starts.within(sum(1 << (minute_of(start) - starts.origin) for start in kept))


def bookable_starts(
    facts: BookabilityFacts,
    duration_minutes: int,
    first_on: date,
    last_on: date,
    now: datetime,
    limit: int | None = None,
) -> list[datetime]:
    """Return, in order and in UTC, every start offered on the local dates, both included.

    ``limit`` starts are enough where it is given: no later one is looked at. Dates outside the
    instructor's window are allowed and give nothing (Spec: 05 §1, S12.4).
    """
    now = now.astimezone(UTC)
    first_on, last_on = _within_window(facts, first_on, last_on, now)
    found: list[datetime] = []
    # A month at a time: the numbers stay short, and most who look for a few are done with one.
    while first_on <= last_on and (limit is None or len(found) < limit):
        until_on = min(last_on, first_on + _MONTH)
        starts = free_starts(facts, duration_minutes, first_on, until_on, now)
        found += starts if limit is None else starts.first(limit - len(found))
        first_on = until_on + _DAY
    return found


def nearest_starts(
    facts: BookabilityFacts,
    start_at: datetime,
    duration_minutes: int,
    now: datetime,
    limit: int = 3,
    within: tuple[date, date] | None = None,
) -> list[datetime]:
    """Return up to ``limit`` other bookable starts, the nearest first (Spec: R12, S12.4).

    ``start_at`` itself is left out: whoever asks has just been refused it. ``within`` are the
    first and last local date that ``facts`` were read for; without it they must cover the whole
    window of the instructor, or dates nobody read would look free.
    """
    start_at, now = start_at.astimezone(UTC), now.astimezone(UTC)
    start_at = min(max(start_at, now - _HORIZON), now + _HORIZON)
    on = local_date(start_at, facts.rules.zone)
    nearest: list[datetime] = []
    for days in (2, 15, 2 * _HORIZON.days):
        reach = timedelta(days=days)
        first_on, last_on = on - reach, on + reach
        if within is not None:
            first_on, last_on = max(first_on, within[0]), min(last_on, within[1])
        starts = bookable_starts(facts, duration_minutes, first_on, last_on, now)
        starts = [start for start in starts if start != start_at]
        nearest = sorted(starts, key=lambda start: (abs(start - start_at), start))[:limit]
        if len(nearest) == limit and abs(nearest[-1] - start_at) < reach - timedelta(days=1):
            break
    return nearest


class DayState(StrEnum):
    """What the month shows for a date (Spec: S12.1)."""

    OPEN = "open"
    FEW = "few"
    FULL = "full"
    CLOSED = "closed"
    OUTSIDE = "outside"


def day_states(
    facts: BookabilityFacts,
    duration_minutes: int,
    first_on: date,
    last_on: date,
    now: datetime,
    zone: ZoneInfo | None = None,
) -> dict[date, DayState]:
    """Return the state of every date from ``first_on`` to ``last_on`` (Spec: S12.1).

    Dates are those of ``zone``, the instructor's own unless given (D11); facts must then cover a
    day more on each side. Outside: before today, after the last day, or too soon for all its hours.
    Closed: no hours that fit the duration, or an offer that cannot be booked at all. Full: hours,
    but nothing left. Bookings and external busy time look the same.
    """
    now, zone = now.astimezone(UTC), zone or facts.rules.zone
    states = dict.fromkeys(dates_between(first_on, last_on), DayState.OUTSIDE)
    read = _within_window(facts, first_on - _DAY, last_on + _DAY, now)
    if read[0] > read[1]:
        return states
    prepared = Prepared(facts, duration_minutes, now, *read)
    for on in states:
        grid = _grid_of(on, zone, facts.rules, *read)
        if grid:
            states[on] = _day_state(prepared, grid)
    return states


def _grid_of(
    on: date, zone: ZoneInfo, rules: InstructorRules, first_on: date, last_on: date
) -> list[datetime]:
    """Return the grid points of a date of ``zone`` that lie on the instructor's given dates."""
    around = [on] if zone == rules.zone else [on - _DAY, on, on + _DAY]
    return [
        start
        for local_on in around
        if first_on <= local_on <= last_on
        for start in grid_starts(local_on, rules.slot_step_minutes, rules.zone)
        if zone == rules.zone or local_date(start, zone) == on
    ]


def _day_state(prepared: Prepared, grid: list[datetime]) -> DayState:
    if prepared.offer_codes:
        return DayState.CLOSED
    taught = _taught(prepared, grid)
    if not taught:
        return DayState.CLOSED
    count = sum(_holds(prepared, wanted) for wanted in taught)
    if count:
        return DayState.FEW if count <= FEW_STARTS else DayState.OPEN
    return DayState.FULL if taught[-1].start >= prepared.earliest else DayState.OUTSIDE


def _taught(prepared: Prepared, grid: list[datetime]) -> list[Candidate]:
    """Return the starts of a grid that the instructor's hours alone would allow."""
    wanted = [prepared.candidate(start) for start in grid]
    return [one for one in wanted if covers(prepared.teaching, Interval(one.start, one.end))]


def explain_day(
    facts: BookabilityFacts,
    duration_minutes: int,
    on: date,
    now: datetime,
    zone: ZoneInfo | None = None,
) -> tuple[Failure, ...]:
    """Return why nothing is free on a date: the failures of the start nearest to free.

    The date is one of ``zone``, the instructor's own unless given (D11). Empty exactly when the
    date has a bookable start (Spec: S12.6).
    """
    now, zone = now.astimezone(UTC), zone or facts.rules.zone
    if abs(on - now.date()) > _HORIZON:
        return (_too_remote(is_past=on < now.date()),)
    read = (on, on) if zone == facts.rules.zone else (on - _DAY, on + _DAY)
    prepared = Prepared(facts, duration_minutes, now, *read)
    grid = _grid_of(on, zone, facts.rules, *read)
    wanted = _taught(prepared, grid) or [prepared.candidate(start) for start in grid]
    return min((_failures(prepared, one) for one in wanted), key=len, default=())
