"""The booking: one row from hold to outcome, and the records beside it (Spec: 05)."""

import uuid
from copy import copy as copy_of
from datetime import datetime, timedelta

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q

from accounts.models import Grant, Learner, User
from accounts.models.grants import ends_within_a_day, one_grant_each
from bookings.lessons.managers import BookingQuerySet
from bookings.payments.entries import percent_of
from catalog.models import Instructor, Modality, Neighborhood, Offering, Policy
from instainstru import clock
from instainstru.identifiers import public_id

BLOCKING_STATUSES = ["held", "confirmed", "ended", "reported"]


class Span(Func):
    """``tstzrange(start_at, end_at)``: the taught time, closed at the start, open at the end."""

    function = "tstzrange"
    output_field = DateTimeRangeField()


class Blocked(Func):
    """The taught time widened by the buffers, written so that PostgreSQL may store it.

    Spec: R9
    """

    template = (
        "tstzrange("
        "(start_at AT TIME ZONE 'UTC' - make_interval(mins => buffer_before_minutes))"
        " AT TIME ZONE 'UTC',"
        "(end_at AT TIME ZONE 'UTC' + make_interval(mins => buffer_after_minutes))"
        " AT TIME ZONE 'UTC')"
    )
    output_field = DateTimeRangeField()


CALLED_OFF = "Bad weather, agreed by both sides"
"""Why a lesson was canceled that neither side gave up alone."""


class Booking(models.Model):
    """A lesson from hold to outcome; copies everything that must not change later.

    Spec: R9, R17
    """

    class Status(models.TextChoices):
        HELD = "held", "Held"
        EXPIRED = "expired", "Expired"
        CONFIRMED = "confirmed", "Confirmed"
        CANCELLED_STUDENT = "cancelled_student", "Cancelled by the student"
        CANCELLED_INSTRUCTOR = "cancelled_instructor", "Cancelled by the instructor"
        CANCELLED_STAFF = "cancelled_staff", "Cancelled by InstaInstru"
        ENDED = "ended", "Ended"
        COMPLETED = "completed", "Completed"
        REPORTED = "reported", "Under review"
        NO_SHOW_STUDENT = "no_show_student", "Student did not come"
        NO_SHOW_INSTRUCTOR = "no_show_instructor", "Instructor did not come"

    class Purpose(models.TextChoices):
        CHECKOUT = "checkout", "Checkout"
        PROPOSAL = "proposal", "Proposal"

    hold_id = models.CharField(max_length=10, default=public_id, editable=False)
    code = models.CharField(  # noqa: DJ001 - null until confirmed, and unique
        max_length=9, null=True, blank=True, editable=False
    )
    ics_uid = models.UUIDField(default=uuid.uuid4, editable=False)

    student = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.PROTECT, related_name="bookings"
    )
    guest_key = models.CharField(  # noqa: DJ001 - null means: an account owns it
        max_length=64, null=True, blank=True
    )
    learner = models.ForeignKey(
        Learner, null=True, blank=True, on_delete=models.PROTECT, related_name="bookings"
    )
    instructor = models.ForeignKey(Instructor, on_delete=models.PROTECT, related_name="bookings")
    offering = models.ForeignKey(Offering, on_delete=models.PROTECT, related_name="bookings")
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="+")

    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    buffer_before_minutes = models.PositiveSmallIntegerField()
    buffer_after_minutes = models.PositiveSmallIntegerField()
    span = models.GeneratedField(
        expression=Span("start_at", "end_at"), output_field=DateTimeRangeField(), db_persist=True
    )
    blocked = models.GeneratedField(
        expression=Blocked(), output_field=DateTimeRangeField(), db_persist=True
    )
    zone = models.CharField(max_length=64)
    duration_minutes = models.PositiveSmallIntegerField()

    service_name = models.CharField(max_length=120)
    modality = models.CharField(max_length=16, choices=Modality.choices)
    neighborhood = models.ForeignKey(
        Neighborhood, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    address = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=500, blank=True)

    price_cents = models.BigIntegerField(help_text="The lesson, without travel.")
    travel_fee_cents = models.BigIntegerField(default=0)
    fee_pct = models.PositiveSmallIntegerField(help_text="Platform fee on the lesson price.")

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.HELD)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.CHECKOUT)
    revision = models.PositiveIntegerField(default=0)
    ics_sequence = models.PositiveIntegerField(default=0)
    is_late_move = models.BooleanField(default=False)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Holds only.")
    is_payment_extended = models.BooleanField(default=False)
    is_signup_extended = models.BooleanField(default=False)
    replaces = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by"
    )
    series = models.UUIDField(
        null=True, blank=True, editable=False, help_text="Lessons booked in one go share it."
    )
    created_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=300, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = BookingQuerySet.as_manager()

    class Meta:
        permissions = [("support_access", "Open the lesson as support, for some hours")]
        constraints = [
            models.UniqueConstraint(fields=["hold_id"], name="booking_hold_id_unique"),
            models.UniqueConstraint(fields=["code"], name="booking_code_unique"),
            models.UniqueConstraint(fields=["ics_uid"], name="booking_ics_uid_unique"),
            models.CheckConstraint(
                condition=Q(start_at__lt=F("end_at"))
                & Q(start_at__gt="2000-01-01T00:00:00Z")
                & Q(end_at__lt="2200-01-01T00:00:00Z"),
                name="booking_times_ordered_and_finite",
            ),
            models.CheckConstraint(
                condition=Q(price_cents__gte=0) & Q(travel_fee_cents__gte=0) & Q(fee_pct__lte=100),
                name="booking_money_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(student__isnull=True) | Q(guest_key__isnull=True),
                name="booking_student_or_guest",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["held", "expired"])
                | (Q(student__isnull=False) & Q(learner__isnull=False) & Q(code__isnull=False)),
                name="booking_confirmed_has_owner_and_code",
            ),
            models.CheckConstraint(
                condition=~Q(status="held") | Q(expires_at__isnull=False),
                name="booking_hold_expires",
            ),
            ExclusionConstraint(
                name="booking_instructor_no_overlap",
                expressions=[
                    ("instructor", RangeOperators.EQUAL),
                    ("span", RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=BLOCKING_STATUSES),
            ),
            ExclusionConstraint(
                name="booking_learner_no_overlap",
                expressions=[
                    ("learner", RangeOperators.EQUAL),
                    ("span", RangeOperators.OVERLAPS),
                ],
                condition=Q(status__in=BLOCKING_STATUSES),
            ),
        ]
        indexes = [
            models.Index(fields=["instructor", "start_at"], name="booking_by_instructor"),
            models.Index(fields=["student", "start_at"], name="booking_by_student"),
            models.Index(
                fields=["expires_at"], name="booking_live_holds", condition=Q(status="held")
            ),
            models.Index(
                fields=["end_at"],
                name="booking_to_end",
                condition=Q(status__in=["confirmed", "ended"]),
            ),
            models.Index(fields=["guest_key"], name="booking_by_guest"),
            models.Index(fields=["completed_at"], name="booking_by_completion"),
            models.Index(
                fields=["series"], name="booking_by_series", condition=Q(series__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.code or self.hold_id

    def copy_as_hold(self) -> "Booking":
        """Return an unsaved HELD row with the same terms and people, and names of its own."""
        copy = copy_of(self)
        copy.pk, copy._state.adding = None, True  # noqa: SLF001 - Django's own way to copy
        copy.hold_id, copy.ics_uid, copy.code = public_id(), uuid.uuid4(), None
        copy.status, copy.confirmed_at = self.Status.HELD, None
        copy.revision = copy.ics_sequence = 0
        return copy

    @property
    def total_cents(self) -> int:
        """Lesson and travel, in cents."""
        return self.price_cents + self.travel_fee_cents

    @property
    def closes_by_itself_at(self) -> datetime:
        """When the lesson, once ended, completes without anybody saying so (Spec: T12)."""
        return self.end_at + timedelta(hours=self.policy.auto_complete_hours)

    @property
    def fee_cents(self) -> int:
        """The platform's fee on the lesson price, in cents (Spec: 00 section 5)."""
        return percent_of(self.price_cents, self.fee_pct)

    @property
    def is_called_off(self) -> bool:
        """Whether both sides gave the lesson up for the weather (Spec: C8)."""
        is_canceled = self.status == self.Status.CANCELLED_STUDENT
        return is_canceled and self.cancel_reason == CALLED_OFF

    @property
    def student_name(self) -> str:
        """First name and initial: all that the instructor sees of the student."""
        return self.student.short_name if self.student else "A guest"


class BookingGrant(Grant):
    """A support agent who may open a lesson as the student sees it, for some hours.

    Spec: S5.5
    """

    codename = "support_access"
    content_object = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="grants")

    class Meta(Grant.Meta):
        constraints = [one_grant_each("booking_grant"), ends_within_a_day("booking_grant")]


class IdempotencyRecord(models.Model):
    """The first answer to a keyed action; repeated keys get it again (Spec: R14)."""

    owner = models.CharField(max_length=80, help_text="user:<id> or guest:<key>.")
    key = models.CharField(max_length=80)
    action = models.CharField(max_length=40)
    body_hash = models.CharField(max_length=64)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    location = models.CharField(max_length=200, blank=True, help_text="Where the first answer led.")
    answer = models.TextField(
        blank=True,
        db_default="",
        help_text="JSON of the first answer to a program: names and a state.",
    )
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="idempotency_owner_key_unique")
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]
