"""What went wrong: reports of a lesson, and an instructor's strikes (T13, T14, 05 section 4)."""

from datetime import datetime

from django.db import models
from django.db.models import Q

from accounts.models import UploadedPicture, User
from bookings.lessons.models.booking import Booking
from bookings.lessons.models.changes import Side
from catalog.models import Instructor
from instainstru import clock


class LessonReport(models.Model):
    """One side's report of a lesson, the other side's answer, and how it ended (Spec: T13, T14).

    A lesson has one report; when both sides report, the second statement is the answer. ``outcome``
    is the state the lesson went to; empty while open.
    """

    class Kind(models.TextChoices):
        INSTRUCTOR_NO_SHOW = "instructor_no_show", "The instructor did not come"
        STUDENT_NO_SHOW = "student_no_show", "The student did not come"
        LATE = "late", "More than 10 minutes late"
        SAFETY = "safety", "I did not feel safe"
        QUALITY = "quality", "The lesson was not what was agreed"
        OTHER = "other", "Something else"

    booking = models.OneToOneField(Booking, on_delete=models.PROTECT, related_name="report")
    opened_by = models.CharField(max_length=10, choices=Side.choices)
    reporter = models.ForeignKey(User, on_delete=models.PROTECT, related_name="lesson_reports")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    is_unsafe = models.BooleanField(
        "safety",
        default=False,
        db_default=False,
        help_text="One of the two did not feel safe, whoever reported first.",
    )
    statement = models.CharField(max_length=2000)
    answer = models.CharField(max_length=2000, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answer_by_at = models.DateTimeField(help_text="Silence until then accepts the report.")
    outcome = models.CharField(max_length=20, choices=Booking.Status.choices, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", decided_at__isnull=True)
                | (~Q(outcome="") & Q(decided_at__isnull=False)),
                name="lesson_report_decided_with_outcome",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True)
                | (~Q(answer="") & Q(answered_at__isnull=False)),
                name="lesson_report_answer_has_instant",
            ),
            models.CheckConstraint(
                condition=~Q(opened_by=Side.STAFF), name="lesson_report_of_student_or_instructor"
            ),
        ]
        indexes = [
            models.Index(
                fields=["answer_by_at"], name="lesson_report_silent", condition=Q(outcome="")
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.booking_id}"

    @property
    def is_of_no_show(self) -> bool:
        """Whether the other side's agreement or silence decides it."""
        return self.kind in {self.Kind.INSTRUCTOR_NO_SHOW, self.Kind.STUDENT_NO_SHOW}

    def is_open(self, now: datetime) -> bool:
        """Tell whether nothing has decided it, silence neither. Spec: T14"""
        is_accepted = self.is_of_no_show and not self.answer and now > self.answer_by_at
        return not self.outcome and not is_accepted


class ReportEvidence(models.Model):
    """One piece of what a side says or shows about a reported lesson, never changed (Spec: T14).

    Either words or one picture; ``number`` counts each of them by side from 1. The files of a
    picture go when its owner is erased or long after the decision; the row stays.
    """

    MOST_PICTURES = 3
    MOST_WORDS = 10

    report = models.ForeignKey(LessonReport, on_delete=models.PROTECT, related_name="evidence")
    side = models.CharField(max_length=10, choices=Side.choices)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="report_evidence")
    number = models.PositiveSmallIntegerField()
    statement = models.CharField(max_length=2000, blank=True)
    picture = models.OneToOneField(
        UploadedPicture, on_delete=models.PROTECT, null=True, related_name="evidence"
    )
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=(Q(statement="", picture__isnull=False, number__range=(1, 3)))
                | (~Q(statement="") & Q(picture__isnull=True, number__range=(1, 10))),
                name="evidence_is_words_or_a_picture",
            ),
            models.CheckConstraint(
                condition=Q(side__in=[Side.STUDENT, Side.INSTRUCTOR]),
                name="evidence_of_student_or_instructor",
            ),
            models.UniqueConstraint(
                fields=["report", "side", "number"],
                condition=Q(picture__isnull=False),
                name="evidence_picture_numbered",
            ),
            models.UniqueConstraint(
                fields=["report", "side", "number"],
                condition=Q(picture__isnull=True),
                name="evidence_words_numbered",
            ),
        ]

    def __str__(self) -> str:
        return f"evidence {self.pk}"


class Strike(models.Model):
    """A mark against an instructor: a late cancellation or a lesson they missed (05 section 4).

    The instructor may dispute it once; staff who agree take it back. Spec: C6, C7, S15.15
    """

    class Reason(models.TextChoices):
        LATE_CANCELLATION = "late_cancellation", "Canceled less than a day before"
        NO_SHOW = "no_show", "Did not come"

    instructor = models.ForeignKey(Instructor, on_delete=models.PROTECT, related_name="strikes")
    booking = models.OneToOneField(Booking, on_delete=models.PROTECT, related_name="strike")
    reason = models.CharField(max_length=20, choices=Reason.choices)
    created_at = models.DateTimeField(default=clock.now)
    dispute = models.CharField(max_length=1000, blank=True)
    disputed_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(dispute="", disputed_at__isnull=True)
                | (~Q(dispute="") & Q(disputed_at__isnull=False)),
                name="strike_dispute_has_instant",
            )
        ]
        indexes = [models.Index(fields=["instructor", "created_at"], name="strike_by_instructor")]

    def __str__(self) -> str:
        return f"{self.get_reason_display()} ({self.booking_id})"
