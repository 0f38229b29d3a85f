"""What instructors are told of calendars that cannot be read any more (Spec: S15.9)."""

from django.conf import settings
from django.urls import reverse

from bookings.availability.models import ConnectedCalendar
from bookings.calendars.faults import fault_words
from bookings.notifications.notices import leave_notice
from bookings.notifications.services import queue_mail


def tell_of_failure(calendar: ConnectedCalendar, *, is_dropped: bool) -> None:
    """Write mail and notice in the caller's transaction, once for each failure and state."""
    person = calendar.instructor.user
    state = "dropped" if is_dropped else "failing"
    since = calendar.failing_since.isoformat() if calendar.failing_since else ""
    key = f"calendar_{state}:{calendar.pk}:{since}"
    subject = (
        f"Busy times of your calendar {calendar.name} no longer count"
        if is_dropped
        else f"We can't read your calendar {calendar.name}"
    )
    path = reverse("calendars:list")
    leave_notice(key=key, user=person, title=subject, path=path)
    queue_mail(
        key=key,
        to=person.email,
        subject=subject,
        template="calendar_failing",
        context={
            "person": person,
            "name": calendar.name,
            "fault": fault_words(calendar.fault),
            "is_dropped": is_dropped,
            "url": settings.SITE_URL + path,
        },
    )
