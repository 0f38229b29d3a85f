"""Saving when an instructor teaches, one transaction under the instructor's lock each (R10).

Bookings are never touched (R18): who closes time that holds lessons keeps them.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta

from accounts.models import User
from bookings.availability import weeks
from bookings.availability.clock import dates_between, local_date
from bookings.availability.holidays import holiday_on
from bookings.availability.intervals import DayWindow, Schedule
from bookings.availability.models import Blackout
from bookings.availability.permissions import calendar_of
from bookings.availability.selectors import load_instructor_time
from bookings.availability.services import replace_overrides, replace_weekly
from bookings.availability.weeks import CopyMode, Windows
from bookings.hours.errors import StaleHoursError
from bookings.lessons.locks import booking_transaction
from bookings.lessons.selectors import lesson_zone
from catalog.models import Instructor
from instainstru import clock
from instainstru.errors import NotFoundError, ValidationFailedError

MOST_WEEKS = 26
MOST_TIME_OFF = 200
LONGEST_TIME_OFF = timedelta(days=732)
LABEL_MAX = 80


@dataclass(frozen=True)
class CutDate:
    """A date whose hours were saved without the times that its clocks skip. Spec: D7"""

    on: date
    windows: Windows


@dataclass(frozen=True)
class Copied:
    """What copying a week did."""

    last_on: date
    dates_changed: int


@contextmanager
def _locked(by: User, slug: str) -> Iterator[Instructor]:
    """Open the one transaction of a save; whoever else saves or books this time waits (R10)."""
    instructor = calendar_of(by=by, slug=slug)
    with booking_transaction(instructor_ids=[instructor.pk]):
        instructor.refresh_from_db(fields=["zone"])
        yield instructor


def _schedule(instructor: Instructor, first_on: date, last_on: date) -> Schedule:
    read = load_instructor_time([instructor.pk], first_on=first_on, last_on=last_on)
    return read[instructor.pk].schedule


def _check(days: Mapping[str, Windows]) -> None:
    """Raise ``ValidationFailedError`` naming the row of each fault. Spec: S15.6"""
    fields = {
        f"{day}-{number}": f"{day}, row {number + 1}: {text}."
        for day, windows in days.items()
        for number, text in weeks.faults_of(windows).items()
    }
    if fields:
        raise ValidationFailedError("Some hours can't be saved.", fields=fields)


def save_weekly(*, by: User, slug: str, days: Mapping[int, Windows], version: str) -> None:
    """Store the hours of every week for some weekdays; Monday is 0, others stay.

    ``version`` is the token read with the page. Raises ``ForbiddenError``, ``NotFoundError`` for a
    calendar that is not theirs, ``ValidationFailedError`` naming rows, ``StaleHoursError`` when the
    hours changed since and differ from these. Spec: S15.4, S15.6
    """
    _check({_WEEKDAYS[weekday]: windows for weekday, windows in days.items()})
    wanted = {weekday: weeks.joined(windows) for weekday, windows in days.items()}
    with _locked(by, slug) as instructor:
        today = clock.now().date()
        schedule = _schedule(instructor, today, today)
        theirs = {day: weeks.weekly_windows(schedule, day) for day in range(weeks.DAYS_A_WEEK)}
        _check_version(version, weeks.weekly_version(schedule), theirs, wanted)
        replace_weekly(instructor_id=instructor.pk, days=wanted)


def save_dates(
    *, by: User, slug: str, week_on: date, days: Mapping[date, Windows | None], version: str
) -> list[CutDate]:
    """Store the hours of single dates of one week; None gives a date back to the weekly hours.

    Hours replace the whole date. Times that the clocks skip are left out; the dates where that
    happened are returned (D7). A date whose hours are the weekly ones follows them again. Raises
    like ``save_weekly``. Spec: S15.5, S15.6
    """
    numbers = {on: number for number, on in enumerate(weeks.dates_of_week(week_on))}
    if not days.keys() <= numbers.keys():
        raise ValidationFailedError("These dates are not of one week.")
    _check({f"{on:%A, %B} {on.day}": windows for on, windows in days.items() if windows})
    with _locked(by, slug) as instructor:
        zone = lesson_zone(instructor)
        schedule = _schedule(instructor, min(numbers), max(numbers))
        theirs = {number: weeks.windows_on(schedule, on) for on, number in numbers.items()}
        stored = weeks.overrides_for(schedule, days, zone)
        wanted = {
            numbers[on]: weeks.weekly_windows(schedule, on.weekday()) if own is None else own
            for on, own in stored.items()
        }
        _check_version(version, weeks.week_version(schedule, week_on), theirs, wanted)
        replace_overrides(instructor_id=instructor.pk, days=stored)
    return [
        CutDate(on, windows)
        for on, windows in stored.items()
        if windows is not None and windows != weeks.joined(days[on] or ())
    ]


def _check_version(
    version: str, current: str, theirs: Mapping[int, Windows], wanted: Mapping[int, Windows]
) -> None:
    """Refuse what would undo a change that the person has not seen.

    Sending the same hours twice is no conflict: a second press finds them stored.
    """
    changed = weeks.changed_days(version, current)
    if changed and any(theirs[day] != windows for day, windows in wanted.items()):
        raise StaleHoursError(theirs=theirs, changed=changed, version=current)


def preview_copy(
    instructor: Instructor, *, from_on: date, number: int, mode: CopyMode
) -> tuple[Schedule, dict[date, tuple[DayWindow, ...]]]:
    """Return the hours now, and those of each date once the week is copied; nothing is written.

    Raises ``ValidationFailedError`` unless the number of weeks is from 1 to 26.
    """
    if not 1 <= number <= MOST_WEEKS:
        text = f"Choose from 1 to {MOST_WEEKS} weeks."
        raise ValidationFailedError(text, fields={"weeks": text})
    from_on = weeks.monday_of(from_on)
    schedule = _schedule(instructor, from_on, from_on + timedelta(weeks=number + 1))
    copied = weeks.copied_week(
        schedule, from_on=from_on, weeks=number, mode=mode, zone=lesson_zone(instructor)
    )
    return schedule, copied


def copy_week(
    *, by: User, slug: str, from_on: date, number: int, mode: CopyMode, version: str
) -> Copied:
    """Give the next ``number`` weeks the hours of the week of ``from_on``, on the clock face.

    Bookings and time off stay. Doing it again changes nothing. Raises ``ValidationFailedError``
    unless ``number`` is from 1 to 26, ``StaleHoursError`` when that week changed since the page was
    read. Spec: S15.4, S15.6, D8
    """
    with _locked(by, slug) as instructor:
        schedule, copied = preview_copy(instructor, from_on=from_on, number=number, mode=mode)
        current = weeks.week_version(schedule, from_on)
        changed = weeks.changed_days(version, current)
        if changed:
            dates = enumerate(weeks.dates_of_week(from_on))
            theirs = {day: weeks.windows_on(schedule, on) for day, on in dates}
            raise StaleHoursError(theirs=theirs, changed=changed, version=current)
        stored = weeks.overrides_for(schedule, copied, lesson_zone(instructor))
        replace_overrides(instructor_id=instructor.pk, days=stored)
    altered = [on for on, windows in copied.items() if windows != weeks.windows_on(schedule, on)]
    return Copied(last_on=max(copied), dates_changed=len(altered))


def add_time_off(
    *,
    by: User,
    slug: str,
    first_on: date,
    last_on: date,
    window: tuple[int, int] | None = None,
    label: str = "",
) -> Blackout:
    """Close a range of dates, both included; with a window only those minutes of each date.

    Lessons that are booked stand. Raises ``ValidationFailedError`` naming the field. Spec: S15.5
    """
    if last_on < first_on:
        raise _wrong("last_on", "The last day comes before the first.")
    if last_on - first_on > LONGEST_TIME_OFF:
        raise _wrong("last_on", "Choose two years at most.")
    if window is not None and (faults := weeks.faults_of([window])):
        raise _wrong("start", f"These hours: {faults[0]}.")
    if len(label) > LABEL_MAX:
        raise _wrong("label", f"Use up to {LABEL_MAX} characters.")
    with _locked(by, slug) as instructor:
        today = local_date(clock.now(), lesson_zone(instructor))
        listed = Blackout.objects.filter(instructor=instructor, last_on__gte=today)
        if listed.count() >= MOST_TIME_OFF:
            raise _wrong("first_on", "Your list of time off is full. Remove some first.")
        start, end = window if window is not None else (None, None)
        return Blackout.objects.create(
            instructor=instructor,
            first_on=first_on,
            last_on=last_on,
            start_minute=start,
            end_minute=end,
            label=label.strip(),
        )


def add_holidays(*, by: User, slug: str) -> int:
    """Close the federal holidays of the coming year that are not closed all day yet; how many.

    Raises ``ValidationFailedError`` when the list of time off is full. Spec: S15.5
    """
    with _locked(by, slug) as instructor:
        today = local_date(clock.now(), lesson_zone(instructor))
        closed = list(Blackout.objects.filter(instructor=instructor, last_on__gte=today))
        whole = [row for row in closed if row.start_minute is None]
        added = [
            Blackout(instructor=instructor, first_on=on, last_on=on, label=name)
            for on in dates_between(today, today + timedelta(days=364))
            if (name := holiday_on(on))
            and not any(row.first_on <= on <= row.last_on for row in whole)
        ]
        if len(closed) + len(added) > MOST_TIME_OFF:
            raise _wrong("first_on", "Your list of time off is full. Remove some first.")
        return len(Blackout.objects.bulk_create(added))


def remove_time_off(*, by: User, slug: str, blackout_id: int) -> None:
    """Open the dates of one time off again; raises ``NotFoundError`` for another's. Spec: S15.5"""
    with _locked(by, slug) as instructor:
        gone, _ = Blackout.objects.filter(instructor=instructor, pk=blackout_id).delete()
        if not gone:
            raise NotFoundError("This time off is gone already.")


def _wrong(field: str, text: str) -> ValidationFailedError:
    return ValidationFailedError(text, fields={field: text})


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
