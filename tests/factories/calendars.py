"""Connected calendars and when they are busy."""

from datetime import datetime
from typing import Any

from bookings.availability.models import BusyTime, ConnectedCalendar
from bookings.calendars.services import connect_calendar
from catalog.models import Instructor

ADDRESS = "https://calendar.example/private-1f2e3d/basic.ics"


def connect(instructor: Instructor, name: str = "Family", url: str = ADDRESS) -> ConnectedCalendar:
    """Connect a calendar as its instructor does."""
    return connect_calendar(by=instructor.user, name=name, url=url)


def keep_busy(
    instructor: Instructor, *times: tuple[datetime, datetime], **fields: Any
) -> ConnectedCalendar:
    """Give an instructor a calendar that was read and keeps these times."""
    values = {"name": "Family", "sealed_address": "x", "address_digest": "x"} | fields
    calendar = ConnectedCalendar.objects.create(instructor=instructor, **values)
    BusyTime.objects.bulk_create(
        BusyTime(calendar=calendar, instructor=instructor, start_at=start, end_at=end)
        for start, end in times
    )
    return calendar
