"""Links of the time page that keep everything already chosen."""

from datetime import date, datetime
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from bookings.lessons.time_selection import TimePage

register = template.Library()


@register.simple_tag
def times_url(
    page: TimePage,
    *,
    date: date | datetime | None = None,
    month: date | None = None,
    start: datetime | None = None,
) -> str:
    """Return the address of the time page with another day, month or start chosen."""
    query = {
        "service": page.offering.service.slug,
        "duration": str(page.duration_minutes),
        "place": page.modality,
    }
    if isinstance(date, datetime):
        date = date.astimezone(page.zone).date()
    if date is not None:
        query["date"] = date.isoformat()
    if month is not None:
        query["month"] = f"{month:%Y-%m}"
    if start is not None:
        query["start"] = f"{start:%Y-%m-%dT%H:%M:%SZ}"
    return f"{reverse('lessons:times', args=[page.instructor.slug])}?{urlencode(query)}"
