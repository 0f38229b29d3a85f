"""Connecting calendars, and reading them: rows first, each read may happen twice (Spec: S15.9).

Importing never changes bookings (R18); a lesson that is booked stands whatever a calendar says.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from accounts.models import User
from bookings.availability.models import BusyTime, ConnectedCalendar
from bookings.availability.permissions import CALENDAR
from bookings.calendars.addresses import AddressRefusedError, parse_address
from bookings.calendars.faults import fault_words
from bookings.calendars.fetching import Fetcher, FetchError
from bookings.calendars.mails import tell_of_failure
from bookings.calendars.parsing import Busy, CalendarUnreadableError, parse_busy
from bookings.lessons.calendar_files import is_event_uid
from bookings.lessons.locks import SlotBusyError, booking_transaction
from bookings.lessons.selectors import lesson_zone
from bookings.notifications.wakeup import wake_after_commit, wake_task
from catalog.team import find_own_profile
from instainstru import clock
from instainstru.errors import NotFoundError, ValidationFailedError
from instainstru.sealing import seal, unseal

MOST_CALENDARS: Final = 5
NAME_MAX: Final = 40
REFRESHED_EVERY: Final = timedelta(minutes=15)
TOLD_AFTER: Final = timedelta(hours=24)
KEPT_FOR: Final = timedelta(hours=48)
LATE_AFTER: Final = timedelta(minutes=30)
# Beyond the longest advance; a lesson may run on into the night after.
_AHEAD = timedelta(days=373)
_BACK = timedelta(days=1)
_PURPOSE = "calendars.address"
# Well below the time limit of tasks, which one slow read more must not pass.
_RUN_SECONDS = 60.0

log = structlog.get_logger(__name__)


# --- Connecting -----------------------------------------------------------------------------------
def connect_calendar(*, by: User, name: str, url: str) -> ConnectedCalendar:
    """Connect a calendar to the person's own hours; a worker reads it at once.

    Raises ``ForbiddenError``, ``NotFoundError`` without a profile, ``ValidationFailedError`` naming
    the field. What is behind the address is found out by reading it. Spec: S15.9
    """
    instructor = find_own_profile(by, CALENDAR)
    name = name.strip()
    if not 0 < len(name) <= NAME_MAX:
        raise _wrong("name", f"Use up to {NAME_MAX} characters.")
    try:
        address = parse_address(url, is_typed=True).url
    except AddressRefusedError as error:
        raise _wrong("address", fault_words(error.code)) from None
    digest = salted_hmac(_PURPOSE, address, algorithm="sha256").hexdigest()
    with booking_transaction(instructor_ids=[instructor.pk]):
        known = list(ConnectedCalendar.objects.filter(instructor=instructor))
        if len(known) >= MOST_CALENDARS:
            raise _wrong("address", f"You can connect {MOST_CALENDARS} calendars at most.")
        if any(one.address_digest == digest for one in known):
            raise _wrong("address", "This calendar is connected already.")
        if any(one.name == name for one in known):
            raise _wrong("name", "Another calendar of yours has this name.")
        calendar = ConnectedCalendar.objects.create(
            instructor=instructor,
            name=name,
            sealed_address=seal(address, purpose=_PURPOSE),
            address_digest=digest,
        )
        wake_after_commit(wake_reader)
    return calendar


def disconnect_calendar(*, by: User, calendar_id: int) -> None:
    """Forget a calendar and when it was busy; raises ``NotFoundError`` for another's."""
    instructor = find_own_profile(by, CALENDAR)
    with booking_transaction(instructor_ids=[instructor.pk]):
        gone, _ = ConnectedCalendar.objects.filter(instructor=instructor, pk=calendar_id).delete()
        if not gone:
            raise NotFoundError("This calendar is not connected any more.")


def site_of(calendar: ConnectedCalendar) -> str:
    """Return the part of the address that is no secret: its host."""
    try:
        return parse_address(unseal(calendar.sealed_address, purpose=_PURPOSE)).host
    except (InvalidToken, AddressRefusedError):
        return ""


def _wrong(field: str, text: str) -> ValidationFailedError:
    return ValidationFailedError(text, fields={field: text})


def wake_reader() -> None:
    """Ask a worker to read now."""
    from bookings.calendars.tasks import read_due

    wake_task(read_due)


# --- Reading --------------------------------------------------------------------------------------
def read_due_calendars(fetcher: Fetcher | None = None) -> int:
    """Read the calendars whose time has come, for about a minute; return how many.

    Each is put off before it is read, so two workers read different ones, and one that a worker
    died of comes again a quarter of an hour later. Spec: S15.9, S4.2
    """
    fetcher = fetcher or Fetcher()
    until, count = time.monotonic() + _RUN_SECONDS, 0
    while time.monotonic() < until:
        calendar = _claim(clock.now())
        if calendar is None:
            break
        read_calendar(calendar, fetcher)
        count += 1
    return count


def is_late() -> bool:
    """Tell whether calendars wait for a worker: each should come within a minute. Spec: S16.1"""
    return _due(clock.now() - LATE_AFTER).exists()


def _due(now: datetime) -> QuerySet[ConnectedCalendar]:
    return ConnectedCalendar.objects.filter(due_at__lte=now, instructor__user__is_active=True)


@transaction.atomic
def _claim(now: datetime) -> ConnectedCalendar | None:
    locked = _due(now).select_for_update(skip_locked=True, of=("self",))
    calendar = locked.select_related("instructor__user").order_by("due_at", "pk").first()
    if calendar is not None:
        calendar.due_at = now + REFRESHED_EVERY
        calendar.save(update_fields=["due_at"])
    return calendar


def read_calendar(calendar: ConnectedCalendar, fetcher: Fetcher) -> None:
    """Read one calendar and store when it is busy; what goes wrong is noted on its row."""
    now = clock.now()
    try:
        busy = _fetch(calendar, fetcher, now)
    except (FetchError, CalendarUnreadableError) as error:
        fault = error.code
    except InvalidToken:
        fault = "sealed"
    except Exception as error:  # noqa: BLE001 - whatever a file does, the next one is read
        # Neither message nor trace: they may hold the address or words of the file.
        log.warning("calendar_crashed", calendar=calendar.pk, error=type(error).__name__)
        fault = "unreachable"
    else:
        fault = ""
    try:
        if fault:
            _note_failure(calendar, fault, now)
        else:
            _store(calendar, busy, now)
    except SlotBusyError:
        log.info("calendar_waits_for_bookings", calendar=calendar.pk)


def _fetch(calendar: ConnectedCalendar, fetcher: Fetcher, now: datetime) -> Busy:
    url = unseal(calendar.sealed_address, purpose=_PURPOSE)
    data = fetcher.fetch(url)
    # Whole days, so that what is going on is not cut anew by every read.
    today = datetime(now.year, now.month, now.day, tzinfo=UTC)
    return parse_busy(
        data,
        zone=lesson_zone(calendar.instructor),
        since=today - _BACK,
        until=today + _AHEAD,
        is_ours=is_event_uid,
    )


def _store(calendar: ConnectedCalendar, busy: Busy, now: datetime) -> None:
    """Replace the busy times in one transaction; unchanged ones are left, and nobody is told."""
    wanted = {(one.start, one.end) for one in busy.intervals}
    known = {(row.start_at, row.end_at): row.pk for row in calendar.busy_times.all()}
    fine = {
        "read_at": now,
        "failing_since": None,
        "fault": "",
        "told_at": None,
        "dropped_at": None,
        "skipped_events": busy.skipped,
    }
    rows = ConnectedCalendar.objects.filter(pk=calendar.pk)
    if wanted == known.keys():
        rows.update(**fine)
        return
    with booking_transaction(instructor_ids=[calendar.instructor_id]):
        if not rows.update(**fine):
            return  # disconnected meanwhile
        # Read again under the lock: another worker may have stored the same.
        known = {(row.start_at, row.end_at): row.pk for row in calendar.busy_times.all()}
        gone = [pk for times, pk in known.items() if times not in wanted]
        BusyTime.objects.filter(pk__in=gone).delete()
        BusyTime.objects.bulk_create(
            BusyTime(
                calendar=calendar,
                instructor_id=calendar.instructor_id,
                start_at=start_at,
                end_at=end_at,
            )
            for start_at, end_at in sorted(wanted - known.keys())
        )


def _note_failure(calendar: ConnectedCalendar, fault: str, now: datetime) -> None:
    """Write down that a read failed; after a day tell, after two drop what was read last."""
    with transaction.atomic():
        rows = ConnectedCalendar.objects.select_for_update(of=("self",))
        row = rows.select_related("instructor__user").filter(pk=calendar.pk).first()
        if row is None:
            return
        row.fault, row.failing_since = fault, row.failing_since or now
        if row.told_at is None and now - row.failing_since >= TOLD_AFTER:
            row.told_at = now
            tell_of_failure(row, is_dropped=False)
        row.save(update_fields=["fault", "failing_since", "told_at"])
    log.info("calendar_failed", calendar=row.pk, fault=fault)
    if row.dropped_at is None and row.read_at is not None and now - row.read_at >= KEPT_FOR:
        _drop(row, now)


def _drop(calendar: ConnectedCalendar, now: datetime) -> None:
    with booking_transaction(instructor_ids=[calendar.instructor_id]):
        rows = ConnectedCalendar.objects.filter(pk=calendar.pk, dropped_at__isnull=True)
        if rows.update(dropped_at=now):
            BusyTime.objects.filter(calendar=calendar).delete()
            tell_of_failure(calendar, is_dropped=True)
