"""That somebody runs late: told to the other side, and nothing more (Spec: S11.9)."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Func, Q

from bookings.lessons.models.booking import Booking
from bookings.lessons.models.changes import Side
from instainstru import clock


class TenMinutes(Func):
    """The ten minutes from when it was told, written so that PostgreSQL may index it."""

    template = (
        "tstzrange(created_at,"
        " (created_at AT TIME ZONE 'UTC' + interval '10 minutes') AT TIME ZONE 'UTC')"
    )
    output_field = DateTimeRangeField()


class LateNotice(models.Model):
    """One side said that it comes so many minutes late; at most once in ten minutes each."""

    MINUTES = (5, 10, 15)

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="late_notices")
    side = models.CharField(max_length=10, choices=Side.choices)
    minutes = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(minutes__in=[5, 10, 15]), name="late_notice_minutes_known"
            ),
            models.CheckConstraint(
                condition=Q(side__in=["student", "instructor"]),
                name="late_notice_of_student_or_instructor",
            ),
            ExclusionConstraint(
                name="late_notice_once_in_ten_minutes",
                expressions=[
                    ("booking", RangeOperators.EQUAL),
                    ("side", RangeOperators.EQUAL),
                    (TenMinutes(), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.side} {self.minutes} min"
