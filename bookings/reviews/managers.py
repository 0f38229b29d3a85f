"""Chainable reads on reviews and statistics in domain words."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Max, Q

if TYPE_CHECKING:
    from bookings.reviews.models import InstructorStatistics, Review  # noqa: F401

# A change is committed a little after the instant it carries.
_COMMIT_LAG = timedelta(minutes=5)


class ReviewQuerySet(models.QuerySet["Review"]):
    """Reads on reviews; what is public depends on the clock (Spec: S11.11, S4.3)."""

    def published(self, now: datetime) -> "ReviewQuerySet":
        """Reviews that anybody may read."""
        return self.filter(revealed_at__lte=now, is_hidden=False)

    def of_instructor(self, instructor_id: int) -> "ReviewQuerySet":
        """Reviews of this instructor's lessons."""
        return self.filter(instructor_id=instructor_id)

    def about(self, service_slug: str | None) -> "ReviewQuerySet":
        """Reviews of lessons in this service; None leaves all."""
        return self if service_slug is None else self.filter(service__slug=service_slug)

    def newest_first(self) -> "ReviewQuerySet":
        """The order of the profile, ids breaking ties."""
        return self.order_by("-revealed_at", "-pk")

    def changed_between(self, since: datetime, now: datetime) -> "ReviewQuerySet":
        """Reviews that were written, changed or revealed in this time."""
        return self.filter(Q(changed_at__gt=since) | Q(revealed_at__gt=since, revealed_at__lte=now))


class StatisticsQuerySet(models.QuerySet["InstructorStatistics"]):
    """Reads on statistics."""

    def watermark(self) -> datetime | None:
        """Return the instant up to which every change is surely counted; None before the first."""
        newest: datetime | None = self.aggregate(newest=Max("refreshed_at"))["newest"]
        return newest - _COMMIT_LAG if newest else None
