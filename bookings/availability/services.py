"""Writes on an instructor's time that other parts of the product need."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from bookings.availability.clock import MINUTES_PER_DAY, local_date
from bookings.availability.models import Blackout, CalendarChange
from instainstru import clock

# Far longer than a transaction lasts and than a process goes without looking.
CHANGES_KEPT = timedelta(days=1)


def close_once(
    *, instructor_id: int, start_at: datetime, end_at: datetime, zone: ZoneInfo, label: str
) -> list[Blackout]:
    """Close ``[start_at, end_at)`` once, as blackouts of hours on the instructor's clock.

    Over midnight that is one blackout a date. Where the clock is set back within the time, both
    passes of the hour are closed. The caller holds the instructor's lock (R10). Spec: T9, S15.5
    """
    first_on, last_on = local_date(start_at, zone), local_date(end_at, zone)
    rows, on = [], first_on
    minutes = round((end_at - start_at) / timedelta(minutes=1))
    begins = _minute(start_at, zone)
    while on <= last_on:
        until = _minute(end_at, zone) if on == last_on else MINUTES_PER_DAY
        if on == first_on and until <= begins:  # set back: the end reads no later than the start
            until = min(begins + minutes, MINUTES_PER_DAY)
        if until:
            rows.append(
                Blackout(
                    instructor_id=instructor_id,
                    first_on=on,
                    last_on=on,
                    start_minute=begins,
                    end_minute=until,
                    label=label,
                    created_at=clock.now(),
                )
            )
        on, begins = on + timedelta(days=1), 0
    return Blackout.objects.bulk_create(rows)


def _minute(instant: datetime, zone: ZoneInfo) -> int:
    local = instant.astimezone(zone)
    return local.hour * 60 + local.minute


def delete_old_changes() -> int:
    """Forget notes of changed calendars; return how many. Spec: S8.12"""
    old = CalendarChange.objects.filter(changed_at__lt=clock.now() - CHANGES_KEPT)
    return old.delete()[0]
