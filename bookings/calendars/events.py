"""One event of a calendar file: when it is, how it repeats, and whether it keeps its owner busy."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, Final

from dateutil.rrule import rrule, rrulestr
from icalendar.parser import Contentline
from icalendar.prop import vDDDTypes, vDuration, vRecur

from bookings.availability.intervals import Interval
from bookings.calendars.zones import Zones

# Repetitions, and the years, months, weeks or days in which they are looked for.
MOST_STEPS: Final = 600_000
MOST_SECONDS: Final = 5.0
MOST_STARTS_A_DAY: Final = 24
MOST_LISTED: Final = 2_000
_FEWEST_DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 28, "YEARLY": 365}
_WITHIN_A_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")
_DAY = timedelta(days=1)
_FIRST_FACE = datetime.min  # noqa: DTZ901 - a clock face is in no zone
# Some programs write an end thousands of years away; each zone still has this one.
_LAST_FACE = datetime(9999, 12, 30)  # noqa: DTZ001 - a clock face is in no zone
_LAST_INSTANT = _LAST_FACE.replace(tzinfo=UTC)


class TooMuchError(Exception):
    """The file asks for more repetitions or time than any calendar needs."""


class Budget:
    """What a whole file may cost: so many repetitions, and seconds of the processor."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds, self._until = seconds, seconds() + MOST_SECONDS
        self._steps = 0

    def step(self) -> None:
        """Count one; raises ``TooMuchError``."""
        self._steps += 1
        if self._steps > MOST_STEPS or self._seconds() > self._until:
            raise TooMuchError


@dataclass(frozen=True, slots=True)
class Wall:
    """A time on the clock face of a zone; a whole day begins at its midnight."""

    face: datetime
    zone: tzinfo
    is_day: bool = False

    @property
    def instant(self) -> datetime:
        """The instant in UTC: of two the first; a skipped time counts as if nothing had changed."""
        return self.face.replace(tzinfo=self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """What is kept of an event.

    ``replaces`` is the occurrence that it stands for: its instant, or the date that it begins on.
    """

    uid: str
    start: Wall
    length: timedelta
    is_busy: bool
    rule: str = ""
    extra: tuple[Wall, ...] = ()
    left_out: tuple[Wall, ...] = ()
    replaces: date | None = None

    def interval_at(self, face: datetime) -> Interval | None:
        """Return one occurrence; None when it takes no time."""
        start = Wall(face, self.start.zone)
        if self.start.is_day:
            end = Wall(face + min(self.length, _LAST_FACE - face), self.start.zone).instant
        else:
            end = start.instant + min(self.length, _LAST_INSTANT - start.instant)
        return Interval(start.instant, end) if start.instant < end else None


# --- Reading --------------------------------------------------------------------------------------
class _Lines:
    """The kept lines of one event by name."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._of: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for line in lines:
            name, parameters, value = Contentline(line).parts()
            zone = parameters.get("TZID", "")
            self._of[name.upper()].append((zone if isinstance(zone, str) else "", value))

    def text(self, name: str) -> str:
        return self._of[name][0][1].strip() if self._of[name] else ""

    def times(self, name: str, zones: Zones) -> tuple[Wall, ...]:
        """Return the times of all lines of this name; of a period its start."""
        listed = [(zone, one) for zone, value in self._of[name] for one in value.split(",")]
        if len(listed) > MOST_LISTED:
            raise ValueError("too many times")
        return tuple(_wall(text.strip(), zone, zones) for zone, text in listed)


def _wall(text: str, zone: str, zones: Zones) -> Wall:
    value: Any = vDDDTypes.from_ical(text)
    if isinstance(value, tuple):
        value = value[0]
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return Wall(value.astimezone(UTC).replace(tzinfo=None), UTC)
        return Wall(value, zones.find(zone))
    if isinstance(value, date):
        return Wall(datetime.combine(value, time()), zones.find(""), is_day=True)
    raise ValueError("not a time")


def read_event(lines: Sequence[str], zones: Zones) -> Event:
    """Return one event of its kept lines; raises ``ValueError`` and its like for nonsense.

    So it does for a change of all later occurrences at once: they stay where they were.
    """
    if any("RANGE=THISANDFUTURE" in line.upper() for line in lines):
        raise ValueError("a change of all later occurrences")
    read = _Lines(lines)
    start = read.times("DTSTART", zones)[0]
    replaced = read.times("RECURRENCE-ID", zones)
    rule = read.text("RRULE")
    return Event(
        uid=read.text("UID"),
        start=start,
        length=_length(read, start, zones),
        is_busy=_is_busy(read),
        rule=_sound_rule(rule, start) if rule and not replaced else "",
        extra=() if replaced else read.times("RDATE", zones),
        left_out=read.times("EXDATE", zones),
        replaces=_occurrence(replaced[0]) if replaced else None,
    )


def _occurrence(replaced: Wall) -> date:
    return replaced.face.date() if replaced.is_day else replaced.instant


def _is_busy(read: _Lines) -> bool:
    is_free = read.text("X-MICROSOFT-CDO-BUSYSTATUS").upper() == "FREE"
    is_transparent = read.text("TRANSP").upper() == "TRANSPARENT"
    return not (is_free or is_transparent or read.text("STATUS").upper() == "CANCELLED")


def _length(read: _Lines, start: Wall, zones: Zones) -> timedelta:
    """Return how long one occurrence is: in days of the calendar for whole days, else exact."""
    ends = read.times("DTEND", zones)
    if ends:
        end = Wall(min(ends[0].face, _LAST_FACE), ends[0].zone)
        length = end.face - start.face if start.is_day else end.instant - start.instant
    elif read.text("DURATION"):
        length = vDuration.from_ical(read.text("DURATION"))
    else:
        length = _DAY if start.is_day else timedelta()
    return max(length, _DAY) if start.is_day else length


def _sound_rule(text: str, start: Wall) -> str:
    """Return a rule that is worth expanding, its end on the clock face of the event.

    Raises ``ValueError`` for one that repeats within the hour or never moves on.
    """
    rule: Any = vRecur.from_ical(text)
    starts_a_day = 1
    for name in _WITHIN_A_DAY:
        starts_a_day *= max(1, len(rule.get(name, ())))
    every = rule.get("INTERVAL", [1])[0]
    frequency = str(rule.get("FREQ", [""])[0]).upper()
    if frequency not in _FEWEST_DAYS or every < 1 or starts_a_day > MOST_STARTS_A_DAY:
        raise ValueError("not a rule of days")
    if "UNTIL" in rule:
        rule["UNTIL"] = [_last_face(rule["UNTIL"][0], start)]
    return str(rule.to_ical().decode())


def _last_face(until: date, start: Wall) -> datetime:
    if not isinstance(until, datetime):
        return datetime.combine(until, time(23, 59, 59))
    if until.tzinfo is None:
        return until
    face = until.astimezone(start.zone).replace(tzinfo=None)
    # Of whole days some programs write the date as if it were in UTC, some the midnight here.
    return datetime.combine(max(face.date(), until.date()), time.max) if start.is_day else face


# --- Expanding ------------------------------------------------------------------------------------
def busy_times(
    events: Sequence[Event], *, since: datetime, until: datetime, budget: Budget
) -> Iterator[Iterator[Interval]]:
    """Yield the occurrences around the two instants, event by event that keeps its owner busy.

    An occurrence that an event of its own replaces is left out of its series.
    """
    replaced: dict[str, set[date]] = defaultdict(set)
    for event in events:
        if event.replaces is not None:
            replaced[event.uid].add(event.replaces)
    for event in events:
        budget.step()
        if event.is_busy and event.length > timedelta():
            gone: set[date] = replaced[event.uid] if event.replaces is None else set()
            yield _occurrences(event, gone, since, until, budget)


def _occurrences(
    event: Event, gone: set[date], since: datetime, until: datetime, budget: Budget
) -> Iterator[Interval]:
    gone = gone | {_occurrence(wall) for wall in event.left_out}
    first = _face(since, event) - _DAY
    first -= min(event.length, first - _FIRST_FACE)
    last = _face(until, event) + _DAY
    for face in _faces(event, last, budget):
        if face < first or face > last or face.date() in gone:
            continue
        if Wall(face, event.start.zone).instant in gone:
            continue
        interval = event.interval_at(face)
        if interval is not None:
            yield interval


def _face(instant: datetime, event: Event) -> datetime:
    return instant.astimezone(event.start.zone).replace(tzinfo=None)


def _faces(event: Event, last: datetime, budget: Budget) -> Iterator[datetime]:
    if event.rule:
        yield from _repeated(event, last, budget)
    else:
        yield event.start.face
    for wall in event.extra:
        budget.step()
        yield wall.instant.astimezone(event.start.zone).replace(tzinfo=None)


class _PastTheLastError(Exception):
    """No period that is left to look at begins early enough."""


class _Every(int):
    """The interval of a rule, which counts how often the rule goes on to its next period.

    A rule that never happens, as on the 30th of February, is otherwise looked for until the year
    9999, for seconds, and tells nobody in between. Of an interval the rule asks no more than sums.
    """

    go_on: Callable[[], object]

    def __radd__(self, other: int) -> int:
        self.go_on()
        return other + int(self)

    def __mul__(self, other: int) -> int:  # weeks are counted in days
        self.go_on()
        return int(self) * other


def _repeated(event: Event, last: datetime, budget: Budget) -> Iterator[datetime]:
    rule: Any = vRecur.from_ical(event.rule)
    every = _Every(rule.get("INTERVAL", [1])[0])
    days = _FEWEST_DAYS[str(rule["FREQ"][0]).upper()] * int(every)
    # The first period begins before the event, and the last may be cut.
    periods = iter(range((last - event.start.face).days // days + 3))

    def go_on() -> None:
        budget.step()
        if next(periods, None) is None:
            raise _PastTheLastError

    every.go_on = go_on
    parsed: rrule = rrulestr(event.rule, dtstart=event.start.face)
    try:
        for face in parsed.replace(interval=every):
            budget.step()
            if face > last:
                break
            yield face
    except _PastTheLastError:
        return
