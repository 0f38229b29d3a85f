"""What a person wants to be told, where it is not what everybody gets (Spec: S13.5)."""

from django.db import models
from django.db.models import Q

from accounts.managers import NotificationChoiceQuerySet


class NotificationChoice(models.Model):
    """One kind of mail that a person switched on or off.

    Lesson messages and security cannot be switched off, so they are no kinds here.
    """

    class Kind(models.TextChoices):
        REMINDER = "reminder", "Reminders 24 hours and 2 hours before a lesson"
        REVIEW = "review", "How a lesson went, and reviews that are due"
        MESSAGE = "message", "Messages that I haven't read"
        DIGEST = "digest", "One digest each evening: messages and what needs me"

    user = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, related_name="notification_choices"
    )
    kind = models.CharField(max_length=8, choices=Kind.choices)
    is_on = models.BooleanField()

    objects = NotificationChoiceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind"], name="notification_choice_unique"),
            models.CheckConstraint(
                condition=Q(kind__in=["reminder", "review", "message", "digest"]),
                name="notification_choice_kind_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {'on' if self.is_on else 'off'}"
