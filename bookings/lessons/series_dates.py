"""The dates of a weekly series: the same time on the instructor's wall, week after week (R19).

Each date comes with its state and what the person wants of it. A date that cannot be booked is
left out unless another time near it is picked; why it cannot is told no closer than on the time
page, so time off reads like a booking (S12.6). A holiday is left out unless it is asked for.
Nothing here reads a database or a clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from bookings.availability.clock import instants_of
from bookings.availability.holidays import holiday_on
from bookings.lessons import rules
from bookings.lessons.facts import BookabilityFacts
from bookings.lessons.reasons import student_reasons

BOOK, SKIP = "book", "skip"
PICKS = 3
# Another time lies in the same week: three days on either side reach no neighbour's.
REACH = timedelta(days=3)
NO_SUCH_TIME = "The clocks skip this time."

Picks = Mapping[int, str | datetime]


class DateState(StrEnum):
    """How a date of a series stands."""

    OPEN = "open"
    HOLIDAY = "holiday"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesDate:
    """One date; ``number`` counts from 1, ``start_at`` is None where the clock skips the time.

    ``words`` say why it is not booked as it is. ``nearest`` are other starts in its week, in UTC.
    ``chosen_at`` is what will be booked, None for nothing.
    """

    number: int
    on: date
    start_at: datetime | None
    state: DateState
    words: str = ""
    nearest: Sequence[datetime] = ()
    chosen_at: datetime | None = None

    @property
    def name(self) -> str:
        """The name of its form field."""
        return f"d{self.number}"

    @property
    def is_bookable(self) -> bool:
        """Whether the time itself may be chosen."""
        return self.state is not DateState.TAKEN


def wall_starts(first_at: datetime, weeks: int, zone: ZoneInfo) -> list[datetime | None]:
    """Return the same time on the clocks of ``zone`` in so many weeks, in UTC.

    None where clocks go forward over it; of a time that comes twice the earlier, which has the
    offset of the weeks before. Spec: R19, D2, D4, D7
    """
    local = first_at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    found: list[datetime | None] = [first_at.astimezone(UTC)]
    for week in range(1, weeks):
        instants = instants_of(local.date() + timedelta(weeks=week), minute, zone)
        found.append(instants[0] if instants else None)
    return found


def series_dates(
    facts: BookabilityFacts,
    first_at: datetime,
    weeks: int,
    duration_minutes: int,
    now: datetime,
    picks: Picks | None = None,
) -> list[SeriesDate]:
    """Return every date with its state and choice; ``picks`` are ``book``, ``skip`` or a start.

    What is chosen can be booked together: a pick that cannot is dropped, and its date says so.
    ``facts`` must cover ``REACH`` more on each side. Spec: R19
    """
    zone, picks = facts.rules.zone, picks or {}
    first_on = first_at.astimezone(zone).date()
    dates = []
    for number, start_at in enumerate(wall_starts(first_at, weeks, zone), start=1):
        on = first_on + timedelta(weeks=number - 1)
        planned, pick = (
            _planned(facts, number, on, start_at, duration_minutes, now),
            picks.get(number),
        )
        if isinstance(pick, datetime):
            dates.append(_with_pick(facts, planned, pick, duration_minutes, now))
        else:
            dates.append(replace(planned, chosen_at=_chosen(planned, pick)))
    return _only_together(facts, dates, duration_minutes, now)


def _planned(
    facts: BookabilityFacts,
    number: int,
    on: date,
    start_at: datetime | None,
    minutes: int,
    now: datetime,
) -> SeriesDate:
    holiday = holiday_on(on)
    failures = rules.explain(facts, start_at, minutes, now) if start_at is not None else ()
    if start_at is not None and not failures:
        state = DateState.HOLIDAY if holiday else DateState.OPEN
        return SeriesDate(number=number, on=on, start_at=start_at, state=state, words=holiday)
    words = " ".join(student_reasons(failures)) or NO_SUCH_TIME
    around = start_at or datetime(on.year, on.month, on.day, 12, tzinfo=facts.rules.zone)
    starts = rules.nearest_starts(
        facts, around, minutes, now, limit=PICKS, within=(on - REACH, on + REACH)
    )
    return SeriesDate(
        number=number,
        on=on,
        start_at=start_at,
        state=DateState.TAKEN,
        words=f"{holiday}. {words}" if holiday else words,
        nearest=[at for at in starts if not holiday_on(at.astimezone(facts.rules.zone).date())],
    )


def _with_pick(
    facts: BookabilityFacts, planned: SeriesDate, pick: datetime, minutes: int, now: datetime
) -> SeriesDate:
    """Choose another time of the same week, as long as it can be booked."""
    away = abs(pick.astimezone(facts.rules.zone).date() - planned.on)
    if away > REACH or not rules.is_bookable(facts, pick, minutes, now):
        return planned
    # The nearest ones may be others by now; what was picked stays among them.
    others = {*planned.nearest, pick} - {planned.start_at}
    return replace(planned, nearest=sorted(others), chosen_at=pick)


def _chosen(planned: SeriesDate, pick: str | None) -> datetime | None:
    if not planned.is_bookable or pick == SKIP:
        return None
    is_wanted = planned.state is DateState.OPEN or pick == BOOK
    return planned.start_at if is_wanted else None


def _only_together(
    facts: BookabilityFacts, dates: list[SeriesDate], minutes: int, now: datetime
) -> list[SeriesDate]:
    chosen = [planned.chosen_at for planned in dates if planned.chosen_at is not None]
    refused = rules.explain_together(facts, chosen, minutes, now)
    if not refused:
        return dates
    kept = []
    for planned in dates:
        failures = refused.get(planned.chosen_at, ()) if planned.chosen_at is not None else ()
        words = " ".join(student_reasons(failures))
        kept.append(replace(planned, chosen_at=None, words=words) if failures else planned)
    return kept
