"""What the page of hours shows: one week as rows to type in, and what keeps its time (S15.4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse

from accounts.models import User
from bookings.availability import weeks
from bookings.availability.clock import MINUTES_PER_DAY, local_date, offset_spans
from bookings.availability.intervals import BusyInterval, Schedule
from bookings.availability.permissions import calendar_of
from bookings.availability.selectors import load_instructor_time
from bookings.availability.weeks import DAYS_A_WEEK, Windows
from bookings.hours.errors import StaleHoursError
from bookings.hours.selectors import bookings_between, lessons_outside_hours
from bookings.hours.typed import Row, Rows, parse_rows, rows_of
from bookings.lessons.models import Booking
from bookings.lessons.selectors import lesson_zone
from catalog.models import Instructor
from instainstru.templatetags.ui import format_day

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MOST_WEEKS_AHEAD = 60
"""A little more than the longest advance of 365 days."""
_Face = tuple[int, int, int]
"""Number of the day, first minute, minute after the last."""


@dataclass(frozen=True)
class Calendar:
    """Whose hours a page edits, and which: every week, or the one that begins on ``week_on``."""

    instructor: Instructor
    is_own: bool
    week_on: date | None
    today: date

    @property
    def zone(self) -> ZoneInfo:
        """The zone of the instructor, in which hours are read."""
        return lesson_zone(self.instructor)

    @property
    def dates(self) -> list[date]:
        """The dates of the week; for the hours of every week those of this one."""
        return weeks.dates_of_week(self.week_on or self.today)

    @property
    def day_names(self) -> list[str]:
        """The name of each day, Monday first."""
        if self.week_on is None:
            return list(WEEKDAYS)
        return [format_day(on, style="long") for on in self.dates]

    def url(self, name: str = "hours:availability", *, week_on: date | None = None) -> str:
        """Return an address for the same calendar."""
        query = {"week": week_on.isoformat()} if week_on else {}
        if not self.is_own:
            query["of"] = self.instructor.slug
        text = "&".join(f"{key}={value}" for key, value in query.items())
        return f"{reverse(name)}?{text}" if text else reverse(name)

    @property
    def time_off_url(self) -> str:
        """The list of time off."""
        return self.url("hours:time-off")

    @property
    def copy_url(self) -> str:
        """Where the week is copied."""
        return self.url("hours:copy", week_on=self.week_on)


@dataclass(frozen=True)
class TypedRow:
    """One row of the form with what is wrong with it."""

    name: str
    label: str
    start: str
    end: str
    error: str = ""


@dataclass(frozen=True)
class Conflict:
    """What the others stored for a day, when it is not what was typed (S15.6)."""

    theirs: str
    yours: str
    is_theirs_first: bool


@dataclass(frozen=True)
class DayForm:
    """One day of the form; ``short`` names it on a narrow button."""

    number: int
    name: str
    short: str
    rows: Sequence[TypedRow]
    is_different: bool = False
    note: str = ""
    conflict: Conflict | None = None


@dataclass(frozen=True)
class Taken:
    """A piece of one day that something keeps: a lesson, a hold, time off."""

    day: int
    start_minute: int
    end_minute: int
    kind: str
    label: str
    url: str = ""

    @property
    def words(self) -> str:
        """When it is, on the clock face."""
        if (self.start_minute, self.end_minute) == (0, MINUTES_PER_DAY):
            return f"{WEEKDAYS[self.day]}, all day"
        start, end = weeks.say_minute(self.start_minute), weeks.say_minute(self.end_minute)
        return f"{WEEKDAYS[self.day]}, {start} – {end}"


@dataclass(frozen=True)
class Draft:
    """What somebody typed and has not saved."""

    rows: Rows
    errors: Mapping[str, str] = field(default_factory=dict)
    stale: StaleHoursError | None = None


def read_schedule(calendar: Calendar) -> Schedule:
    """Return the layers of the week's dates."""
    first_on, last_on = calendar.dates[0], calendar.dates[-1]
    pk = calendar.instructor.pk
    return load_instructor_time([pk], first_on=first_on, last_on=last_on)[pk].schedule


def stored_days(calendar: Calendar, schedule: Schedule) -> dict[int, Windows]:
    """Return the hours of each day as they are stored, Monday first."""
    if calendar.week_on is None:
        return {day: weeks.weekly_windows(schedule, day) for day in range(DAYS_A_WEEK)}
    return {day: weeks.windows_on(schedule, on) for day, on in enumerate(calendar.dates)}


def usual_rows(schedule: Schedule) -> Rows:
    """Return the rows of the hours of every week."""
    return rows_of({day: weeks.weekly_windows(schedule, day) for day in range(DAYS_A_WEEK)})


def version_of(calendar: Calendar, schedule: Schedule) -> str:
    """Return the token that saving sends back (S15.6)."""
    if calendar.week_on is None:
        return weeks.weekly_version(schedule)
    return weeks.week_version(schedule, calendar.week_on)


def build_page(
    calendar: Calendar, schedule: Schedule, *, now: datetime, draft: Draft | None = None
) -> dict[str, Any]:
    """Return the context of the page; a draft stands for what is stored."""
    stored = stored_days(calendar, schedule)
    shown = draft or Draft(rows_of(stored))
    week_on = calendar.week_on
    bookings = (
        bookings_between(calendar.instructor, calendar.dates[0], calendar.dates[-1], now)
        if week_on
        else []
    )
    outside = lessons_outside_hours(calendar.instructor, now)
    return {
        "calendar": calendar,
        "days": _day_forms(calendar, schedule, shown),
        "blank_row": TypedRow(name="blank", label="", start="", end=""),
        "version": version_of(calendar, schedule),
        "is_draft": draft is not None,
        "is_stale": shown.stale is not None,
        "open_hours": _hours(sum(weeks.minutes_of(windows) for windows in stored.values())),
        "taken": _taken(calendar, schedule, bookings) if week_on else [],
        "outside": [
            {"lesson": row, "words": _lesson_words(row, is_own=calendar.is_own)} for row in outside
        ],
        "weekly_url": calendar.url(),
        "this_week_url": calendar.url(week_on=week_on or weeks.monday_of(calendar.today)),
        **_neighbours(calendar),
    }


def _hours(minutes: int) -> str:
    return f"{minutes / 60:.2f}".rstrip("0").rstrip(".")


def _neighbours(calendar: Calendar) -> dict[str, Any]:
    if calendar.week_on is None:
        return {}
    week, this = timedelta(weeks=1), weeks.monday_of(calendar.today)
    before, after = calendar.week_on - week, calendar.week_on + week
    return {
        "week_title": f"{format_day(calendar.dates[0])} – {format_day(calendar.dates[-1])}",
        "previous_url": calendar.url(week_on=before) if before >= this else "",
        "next_url": calendar.url(week_on=after) if after <= this + MOST_WEEKS_AHEAD * week else "",
    }


def _day_forms(calendar: Calendar, schedule: Schedule, shown: Draft) -> list[DayForm]:
    names = calendar.day_names
    forms = []
    for number, on in enumerate(calendar.dates):
        is_week = calendar.week_on is not None
        forms.append(
            DayForm(
                number=number,
                name=names[number],
                short=f"{on:%a} {on.day}" if is_week else WEEKDAYS[number][:3],
                rows=_typed_rows(number, names[number], shown.rows[number], shown.errors),
                is_different=is_week and weeks.differs(schedule, on, calendar.zone),
                note=_clock_note(on, calendar.zone) if is_week else "",
                conflict=_conflict(number, shown),
            )
        )
    return forms


def _typed_rows(
    day: int, name: str, rows: Iterable[Row], errors: Mapping[str, str]
) -> list[TypedRow]:
    return [
        TypedRow(
            name=f"d{day}-{number}",
            label=f"{name}, row {number + 1}",
            start=row.start,
            end=row.end,
            error=errors.get(f"d{day}-{number}-start", ""),
        )
        for number, row in enumerate(rows)
    ]


def _clock_note(on: date, zone: ZoneInfo) -> str:
    spans = [span for span in offset_spans(on, zone) if _lies_on(span.first, span.last, on, zone)]
    if len(spans) < 2:  # noqa: PLR2004 - one offset before the change, one after
        return ""
    if spans[1].offset > spans[0].offset:
        return "The clocks go forward: an hour of the night is skipped."
    return "The clocks go back: an hour of the night comes twice."


def _lies_on(first: datetime, last: datetime, on: date, zone: ZoneInfo) -> bool:
    """Tell whether some of the instants have this local date."""
    return local_date(first, zone) <= on <= local_date(last - timedelta(seconds=1), zone)


def _conflict(number: int, shown: Draft) -> Conflict | None:
    if shown.stale is None:
        return None
    theirs = shown.stale.theirs[number]
    yours = weeks.joined(parse_rows(shown.rows, WEEKDAYS).days[number])
    if weeks.joined(theirs) == yours:
        return None
    return Conflict(
        theirs=weeks.say_windows(theirs),
        yours=weeks.say_windows(yours),
        is_theirs_first=number in shown.stale.changed,
    )


def _taken(calendar: Calendar, schedule: Schedule, bookings: Iterable[Booking]) -> list[Taken]:
    pieces = [*_time_off(calendar, schedule), *_elsewhere(calendar, schedule)]
    for row in bookings:
        pieces += _pieces_of(row, calendar)
    return sorted(pieces, key=lambda piece: (piece.day, piece.start_minute))


def _time_off(calendar: Calendar, schedule: Schedule) -> Iterable[Taken]:
    for day, on in enumerate(calendar.dates):
        for off in schedule.blackouts:
            if off.covers(on):
                yield Taken(day, off.start_minute, off.end_minute, "off", off.label or "Time off")


def _elsewhere(calendar: Calendar, schedule: Schedule) -> Iterable[Taken]:
    """Yield what connected calendars keep; an assistant sees no names of them (S5.5)."""
    for busy in schedule.busy:
        name = busy.calendar if isinstance(busy, BusyInterval) and calendar.is_own else ""
        label = f"Busy in your calendar {name}" if name else "Busy in another calendar"
        for day, first, last in _faces(busy.start, busy.end, calendar):
            yield Taken(day, first, last, "busy", label)


def _faces(start_at: datetime, end_at: datetime, calendar: Calendar) -> Iterable[_Face]:
    """Yield what the clock face of each date of the week shows of a stretch of time."""
    start, end = start_at.astimezone(calendar.zone), end_at.astimezone(calendar.zone)
    begins, until = (one.hour * 60 + one.minute for one in (start, end))
    for day, on in enumerate(calendar.dates):
        if not start.date() <= on <= end.date():
            continue
        first = begins if on == start.date() else 0
        last = until if on == end.date() else MINUTES_PER_DAY
        if start.date() == end.date() and last <= first:  # set back: the end reads earlier
            last = min(first + (end_at - start_at) // timedelta(minutes=1), MINUTES_PER_DAY)
        if first < last:
            yield day, first, last


def _pieces_of(row: Booking, calendar: Calendar) -> Iterable[Taken]:
    """Yield a booking date by date, as the clock face shows it."""
    is_hold = row.status == "held"
    label = "Held for somebody" if is_hold else _name_of(row, is_own=calendar.is_own)
    url = "" if is_hold or not calendar.is_own else reverse("lessons:taught", args=[row.code])
    kind = "held" if is_hold else "booked"
    for day, first, last in _faces(row.start_at, row.end_at, calendar):
        yield Taken(day, first, last, kind, label, url)


def _name_of(row: Booking, *, is_own: bool) -> str:
    """Return who learns what; an assistant sees no students (S5.5)."""
    if not is_own:
        return "A lesson"
    who = row.learner.name if row.learner else row.student_name
    return f"{who}, {row.service_name}"


def _lesson_words(row: Booking, *, is_own: bool) -> str:
    return f"{row.service_name} with {row.student_name}" if is_own else "A lesson"


def find_calendar(*, by: User, slug: str, week_on: date | None, now: datetime) -> Calendar | None:
    """Return the calendar that somebody may edit: their own without a slug; None without any.

    Raises ``NotFoundError`` for a calendar of somebody else (G5).
    """
    rows = Instructor.objects.select_related("user")
    own = rows.filter(user=by).first()
    if slug and (own is None or own.slug != slug):
        instructor = calendar_of(by=by, slug=slug)
    elif own is None:
        return None
    else:
        instructor = own
    today = local_date(now, lesson_zone(instructor))
    return Calendar(
        instructor=instructor, is_own=instructor.user_id == by.pk, week_on=week_on, today=today
    )
