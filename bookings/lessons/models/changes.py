"""How a lesson came to its time: moves that happened, new times that were proposed (R16, T5-T7)."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q

from bookings.lessons.managers import ProposalQuerySet
from bookings.lessons.models.booking import Booking
from instainstru import clock


class Side(models.TextChoices):
    """Who did it."""

    STUDENT = "student", "Student"
    INSTRUCTOR = "instructor", "Instructor"
    STAFF = "staff", "InstaInstru"


class BookingRevision(models.Model):
    """The times a lesson had before a move; written once, with the move (Spec: R16, 05 section 2).

    ``is_student_move`` marks those that count against the student's moves (T5); an accepted
    proposal does not (T7).
    """

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveIntegerField(help_text="The revision that these times belonged to.")
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    moved_by = models.CharField(max_length=10, choices=Side.choices)
    is_student_move = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    moved_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["booking_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["booking", "number"], name="booking_revision_unique"),
            models.CheckConstraint(
                condition=Q(start_at__lt=F("end_at")), name="booking_revision_times_ordered"
            ),
            models.CheckConstraint(
                condition=Q(is_student_move=False) | Q(moved_by=Side.STUDENT),
                name="booking_revision_student_moves",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id} revision {self.number}"


class Proposal(models.Model):
    """A new time that one side offers and the other accepts or declines (Spec: T6, T7, R16).

    ``revision`` is the lesson's when it was opened. ``hold`` keeps a target that does not overlap
    the old time; it is gone once the proposal is. Lapsing is decided by the clock at read time.
    """

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"
        LAPSED = "lapsed", "Lapsed"
        VOID = "void", "Void"

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="proposals")
    revision = models.PositiveIntegerField()
    opened_by = models.CharField(max_length=10, choices=Side.choices)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    message = models.CharField(max_length=300, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.OPEN)
    hold = models.OneToOneField(
        Booking, null=True, blank=True, on_delete=models.SET_NULL, related_name="held_proposal"
    )
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["booking"], condition=Q(status="open"), name="proposal_one_open"
            ),
            models.CheckConstraint(
                condition=Q(start_at__lt=F("end_at")), name="proposal_times_ordered"
            ),
            models.CheckConstraint(
                condition=Q(status="open", decided_at__isnull=True)
                | (~Q(status="open") & Q(decided_at__isnull=False)),
                name="proposal_decided_with_instant",
            ),
            models.CheckConstraint(
                condition=~Q(opened_by=Side.STAFF), name="proposal_of_student_or_instructor"
            ),
        ]
        indexes = [
            models.Index(
                fields=["expires_at"], name="proposal_open_by_end", condition=Q(status="open")
            )
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.start_at:%Y-%m-%d %H:%M}"

    def is_open(self, now: datetime) -> bool:
        """Tell whether it can still be answered (equality = lapsed)."""
        return self.status == self.Status.OPEN and now < self.expires_at

    @property
    def is_of_instructor(self) -> bool:
        """Whether the instructor asks and the student answers."""
        return self.opened_by == Side.INSTRUCTOR
