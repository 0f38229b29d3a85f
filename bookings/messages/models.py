"""A thread for each pair of student and instructor, its messages, and reports (Spec: S11.4)."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import LessThanOrEqual

from accounts.models import User
from bookings.messages.managers import MessageQuerySet, ReportQuerySet, ThreadQuerySet
from catalog.models import Instructor, Queued
from instainstru import clock
from instainstru.identifiers import public_id

LONGEST = 2000
KEY_LENGTH = 40


class Thread(models.Model):
    """Everything that a student and an instructor write to each other."""

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    student = models.ForeignKey(User, on_delete=models.PROTECT, related_name="threads")
    instructor = models.ForeignKey(Instructor, on_delete=models.PROTECT, related_name="threads")
    created_at = models.DateTimeField(default=clock.now)
    last_message_at = models.DateTimeField(default=clock.now)

    objects = ThreadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="thread_public_id_unique"),
            models.UniqueConstraint(fields=["student", "instructor"], name="thread_one_each_pair"),
        ]
        indexes = [
            models.Index(fields=["student", "-last_message_at"], name="thread_of_student"),
            models.Index(fields=["instructor", "-last_message_at"], name="thread_of_instructor"),
        ]

    def __str__(self) -> str:
        return self.public_id


class Message(models.Model):
    """What one of the two wrote; never changed, but for what became of it.

    ``read_at``: when its recipient saw it; ``told_at``: when a job decided about the mail that
    tells them of it, sent or not.
    """

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="letters")
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recipient = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=LONGEST)
    is_masked = models.BooleanField(default=False, help_text="Something was hidden in it.")
    key = models.CharField(max_length=KEY_LENGTH, help_text="Of the form: sent once.")
    created_at = models.DateTimeField(default=clock.now)
    read_at = models.DateTimeField(null=True, blank=True)
    told_at = models.DateTimeField(null=True, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="message_public_id_unique"),
            models.UniqueConstraint(fields=["thread", "author", "key"], name="message_sent_once"),
            models.CheckConstraint(
                condition=Q(text__regex=r"\S") & Q(LessThanOrEqual(Length("text"), LONGEST)),
                name="message_length",
            ),
            models.CheckConstraint(
                condition=~Q(author=F("recipient")), name="message_to_somebody_else"
            ),
            models.CheckConstraint(
                condition=(Q(read_at__isnull=True) | Q(read_at__gte=F("created_at")))
                & (Q(told_at__isnull=True) | Q(told_at__gte=F("created_at"))),
                name="message_times_ordered",
            ),
        ]
        indexes = [
            models.Index(
                fields=["recipient"], name="message_unread", condition=Q(read_at__isnull=True)
            ),
            models.Index(
                fields=["created_at"],
                name="message_untold",
                condition=Q(read_at__isnull=True, told_at__isnull=True),
            ),
            models.Index(fields=["created_at"], name="message_age"),
        ]

    def __str__(self) -> str:
        return self.public_id


class MessageReport(Queued):
    """Somebody says that a message to them breaks the rules; safety comes first."""

    class Kind(models.TextChoices):
        OUTSIDE = "outside", "It asks to book or pay outside InstaInstru"
        OFFENSIVE = "offensive", "It is offensive or harassing"
        SPAM = "spam", "It is spam or a scam"
        SAFETY = "safety", "I'm worried about somebody's safety"
        OTHER = "other", "Something else"

    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reports")
    reporter = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.TextField(max_length=LONGEST)

    objects = ReportQuerySet.as_manager()

    class Meta(Queued.Meta):
        constraints = [
            *Queued.Meta.constraints,
            models.UniqueConstraint(fields=["message", "reporter"], name="message_report_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["outside", "offensive", "spam", "safety", "other"]),
                name="message_report_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(text__regex=".{20}"), name="message_report_says_something"
            ),
        ]

    @property
    def is_urgent(self) -> bool:
        """Whether staff must look at it before everything else."""
        return self.kind == self.Kind.SAFETY

    def parties(self) -> tuple[int | None, ...]:
        """Return who reported and who wrote it: neither decides."""
        return (self.reporter_id, self.message.author_id)
