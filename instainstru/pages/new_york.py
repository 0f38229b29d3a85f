"""Where lessons can be booked today, for the map on the homepage.

Looking at everybody's calendar takes longer than a page may: a job does it every few minutes and
leaves the names in the cache.
"""

from datetime import datetime

from django.core.cache import cache

from bookings.lessons.selectors import load_calendars
from catalog.models import Instructor, Offering, Policy
from catalog.selectors import months_before
from instainstru import clock

# Longer than the pause between two runs of the job, so that one late run darkens nothing.
REMEMBERED_SECONDS = 15 * 60


def open_places(now: datetime) -> list[str] | None:
    """Return the neighborhoods with times left today; None when the job has not run yet."""
    names: list[str] | None = cache.get(_key(now))
    return names


def refresh_open_places(now: datetime) -> int:
    """Look at the calendars of everybody who can be booked; return how many places are open.

    A place is open when somebody based there has a bookable start today for the shortest length
    they offer. Spec: S9.1.
    """
    today = now.astimezone(clock.NEW_YORK).date()
    shortest = _shortest_lengths(now)
    calendars = load_calendars(shortest, first_on=today, last_on=today, now=now)
    open_ids = [pk for pk, minutes in shortest.items() if calendars.starts(pk, minutes, limit=1)]
    names = sorted(
        Instructor.objects.filter(pk__in=open_ids)
        .values_list("base_neighborhood__name", flat=True)
        .distinct()
    )
    cache.set(_key(now), names, REMEMBERED_SECONDS)
    return len(names)


def _shortest_lengths(now: datetime) -> dict[int, int]:
    today = now.astimezone(clock.NEW_YORK).date()
    months = Policy.objects.current().background_check_months
    rows = (
        Offering.objects.bookable()
        .filter(
            instructor__background_checked_on__gte=months_before(today, months),
            prices__isnull=False,
        )
        .values_list("instructor_id", "prices__duration_minutes")
    )
    shortest: dict[int, int] = {}
    for pk, minutes in rows:
        shortest[pk] = min(minutes, shortest.get(pk, minutes))
    return shortest


def _key(now: datetime) -> str:
    return f"open-places:{now.astimezone(clock.NEW_YORK).date()}"
