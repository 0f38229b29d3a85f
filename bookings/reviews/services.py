"""Use-cases of reviews and their numbers."""

from datetime import datetime

from django.db import transaction

from bookings.lessons.models import Booking
from bookings.reviews.models import InstructorStatistics, Review
from bookings.reviews.statistics import count_categories, count_instructors
from instainstru import clock


@transaction.atomic
def refresh_statistics(now: datetime | None = None) -> int:
    """Count anew for instructors with a change since the last time; return how many rows changed.

    Looks back from the newest row, so that nothing is lost while no worker runs. Spec: S10.7.
    """
    now = now or clock.now()
    since = InstructorStatistics.objects.watermark()
    if since is None:
        return rebuild_statistics(now)
    ids = set(
        Review.objects.changed_between(since, now).values_list("instructor_id", flat=True)
    ) | set(Booking.objects.completed_since(since).values_list("instructor_id", flat=True))
    if not ids:
        return 0
    count_categories(now=now)
    return count_instructors(ids, now=now)


@transaction.atomic
def rebuild_statistics(now: datetime | None = None) -> int:
    """Count every instructor from the raw rows; return how many rows changed. Spec: S10.7."""
    now = now or clock.now()
    count_categories(now=now)
    return count_instructors(None, now=now)
