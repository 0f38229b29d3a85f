"""A person's private calendar address (Spec: S11.7, S15.14)."""

from django.db import models

from accounts.models import User
from instainstru import clock


class CalendarFeed(models.Model):
    """One secret address a person; only its digest is kept, so nobody can read it back."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="calendar_feed")
    token_digest = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token_digest"], name="calendar_feed_token_unique")
        ]

    def __str__(self) -> str:
        return f"calendar of user {self.user_id}"
