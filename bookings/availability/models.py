"""When an instructor can teach: rules, weekly hours, overrides of single dates, blackouts."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import IntegerRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Now

from catalog.models import Instructor
from instainstru import clock

MINUTES_A_DAY = 1440
_ON_GRID = (
    Q(start_minute__lt=F("end_minute")) & Q(start_minute__gte=0) & Q(end_minute__lte=MINUTES_A_DAY)
)


class MinuteRange(Func):
    """``int4range(start, end)`` for exclusion constraints."""

    function = "int4range"
    output_field = IntegerRangeField()


class TransactionNumber(models.Field):  # type: ignore[type-arg]
    """The number of a transaction; PostgreSQL's ``xid8`` never wraps around."""

    def db_type(self, connection: object) -> str:
        """Return the type of the column."""
        return "xid8"


class CurrentTransaction(Func):
    """The number of the transaction that runs."""

    template = "pg_current_xact_id()"
    output_field = TransactionNumber()


class AvailabilityRules(models.Model):
    """An instructor's booking rules; one row each (Spec: S15.7)."""

    instructor = models.OneToOneField(
        Instructor, on_delete=models.CASCADE, related_name="availability_rules", primary_key=True
    )
    slot_step_minutes = models.PositiveSmallIntegerField(default=30)
    buffer_before_minutes = models.PositiveSmallIntegerField(default=0)
    buffer_after_minutes = models.PositiveSmallIntegerField(default=15)
    min_notice_minutes = models.PositiveIntegerField(default=120)
    max_advance_days = models.PositiveSmallIntegerField(default=60)
    max_lessons_per_day = models.PositiveSmallIntegerField(null=True, blank=True)
    max_minutes_per_week = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "availability rules"
        constraints = [
            models.CheckConstraint(
                condition=Q(slot_step_minutes__in=[15, 30, 60]), name="rules_slot_step_known"
            ),
            models.CheckConstraint(
                condition=Q(buffer_before_minutes__lte=120) & Q(buffer_after_minutes__lte=120),
                name="rules_buffers_range",
            ),
            models.CheckConstraint(
                condition=Q(min_notice_minutes__lte=14 * MINUTES_A_DAY), name="rules_notice_range"
            ),
            models.CheckConstraint(
                condition=Q(max_advance_days__gte=1) & Q(max_advance_days__lte=365),
                name="rules_advance_range",
            ),
        ]


class WeeklyWindow(models.Model):
    """Open hours that repeat every week, on the clock face of the instructor's zone."""

    instructor = models.ForeignKey(
        Instructor, on_delete=models.CASCADE, related_name="weekly_windows"
    )
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday.")
    start_minute = models.PositiveSmallIntegerField()
    end_minute = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["weekday", "start_minute"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="weekly_window_weekday"),
            models.CheckConstraint(condition=_ON_GRID, name="weekly_window_ordered"),
            ExclusionConstraint(
                name="weekly_window_no_overlap",
                expressions=[
                    ("instructor", RangeOperators.EQUAL),
                    ("weekday", RangeOperators.EQUAL),
                    (MinuteRange("start_minute", "end_minute"), RangeOperators.OVERLAPS),
                ],
            ),
        ]


class OverrideDay(models.Model):
    """Replaces the weekly hours of one local date; without windows the date is closed.

    Spec: S15.5
    """

    instructor = models.ForeignKey(
        Instructor, on_delete=models.CASCADE, related_name="override_days"
    )
    local_on = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instructor", "local_on"], name="override_day_unique")
        ]


class OverrideWindow(models.Model):
    """Open hours of an overridden date."""

    day = models.ForeignKey(OverrideDay, on_delete=models.CASCADE, related_name="windows")
    start_minute = models.PositiveSmallIntegerField()
    end_minute = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["start_minute"]
        constraints = [
            models.CheckConstraint(condition=_ON_GRID, name="override_window_ordered"),
            ExclusionConstraint(
                name="override_window_no_overlap",
                expressions=[
                    ("day", RangeOperators.EQUAL),
                    (MinuteRange("start_minute", "end_minute"), RangeOperators.OVERLAPS),
                ],
            ),
        ]


class Blackout(models.Model):
    """A range of dates closed with a label; optionally only some hours of each date."""

    instructor = models.ForeignKey(Instructor, on_delete=models.CASCADE, related_name="blackouts")
    first_on = models.DateField()
    last_on = models.DateField()
    start_minute = models.PositiveSmallIntegerField(null=True, blank=True)
    end_minute = models.PositiveSmallIntegerField(null=True, blank=True)
    label = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(first_on__lte=F("last_on")), name="blackout_dates_ordered"
            ),
            models.CheckConstraint(
                condition=Q(start_minute__isnull=True, end_minute__isnull=True)
                | (Q(start_minute__isnull=False, end_minute__isnull=False) & _ON_GRID),
                name="blackout_hours_both_or_none",
            ),
        ]
        indexes = [models.Index(fields=["instructor", "last_on"], name="blackout_by_instructor")]


class ConnectedCalendar(models.Model):
    """A calendar that an instructor keeps elsewhere, read now and then for when they are busy.

    Its address opens that calendar to anybody, so it is kept sealed. ``due_at`` is the next read;
    ``fault`` says why reads fail since ``failing_since``. Spec: S15.9
    """

    instructor = models.ForeignKey(
        Instructor, on_delete=models.CASCADE, related_name="connected_calendars"
    )
    name = models.CharField(max_length=40)
    sealed_address = models.TextField()
    address_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=20, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)
    dropped_at = models.DateTimeField(null=True, blank=True)
    skipped_events = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instructor", "address_digest"], name="connected_calendar_address_unique"
            ),
            models.UniqueConstraint(
                fields=["instructor", "name"], name="connected_calendar_name_unique"
            ),
            models.CheckConstraint(
                condition=Q(failing_since__isnull=True, fault="")
                | (Q(failing_since__isnull=False) & ~Q(fault="")),
                name="connected_calendar_fault_has_a_time",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], name="connected_calendar_due")]

    def __str__(self) -> str:
        return f"calendar {self.pk} of instructor {self.instructor_id}"


class BusyTime(models.Model):
    """When a connected calendar keeps its instructor busy; never what with. Spec: S15.9

    ``instructor`` is the calendar's, so that triggers and searches need no second table.
    """

    calendar = models.ForeignKey(
        ConnectedCalendar, on_delete=models.CASCADE, related_name="busy_times"
    )
    instructor = models.ForeignKey(
        Instructor, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(start_at__lt=F("end_at")), name="busy_time_ordered"),
            models.UniqueConstraint(fields=["calendar", "start_at"], name="busy_time_starts_once"),
        ]
        indexes = [models.Index(fields=["instructor", "end_at"], name="busy_time_by_instructor")]


class CalendarChange(models.Model):
    """A note that a transaction changed when an instructor can be booked; triggers alone write it.

    One row for each statement and instructor, kept for a day. Spec: S8.12
    """

    instructor = models.ForeignKey(
        Instructor, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    transaction_id = TransactionNumber(db_default=CurrentTransaction())
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["transaction_id"], name="calendar_change_transaction"),
            models.Index(fields=["changed_at"], name="calendar_change_at"),
        ]
