"""What a person wants to be told, where it is not what everybody gets (Spec: S13.5)."""

from django.db import models
from django.db.models import Q

from accounts.managers import NotificationChoiceQuerySet


class NotificationChoice(models.Model):
    """One kind of news by mail or by text that a person switched on or off.

    Mail about lessons and security cannot be switched off, so it is no kind here.
    """

    class Channel(models.TextChoices):
        MAIL = "mail", "Mail"
        TEXT = "text", "Text message"

    class Kind(models.TextChoices):
        REMINDER = "reminder", "Reminders 24 hours and 2 hours before a lesson"
        REVIEW = "review", "How a lesson went, and reviews that are due"
        MESSAGE = "message", "Messages that I haven't read"
        DIGEST = "digest", "One digest each evening: messages and what needs me"

    class TextKind(models.TextChoices):
        REMINDER = "reminder", "Reminders 2 hours before a lesson"
        CHANGE = "change", "A lesson is moved, canceled, or gets a new time proposed"
        LATE = "late", "Somebody is running late"

    user = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, related_name="notification_choices"
    )
    channel = models.CharField(
        max_length=4, choices=Channel.choices, default=Channel.MAIL, db_default=Channel.MAIL
    )
    kind = models.CharField(max_length=8, help_text="Of its channel.")
    is_on = models.BooleanField()

    objects = NotificationChoiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "channel", "kind"], name="notification_choice_unique"
            ),
            models.CheckConstraint(
                condition=Q(channel="mail", kind__in=["reminder", "review", "message", "digest"])
                | Q(channel="text", kind__in=["reminder", "change", "late"]),
                name="notification_choice_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.kind} {'on' if self.is_on else 'off'}"
