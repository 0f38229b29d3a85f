"""A change of e-mail from asking for it until it can no longer be taken back (Spec: S17.2)."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q

from accounts.managers import EmailChangeQuerySet
from instainstru import clock

CONFIRM_WITHIN = timedelta(hours=24)
UNDO_WITHIN = timedelta(hours=72)


class EmailChange(models.Model):
    """One asked-for change; three mails carry its tokens, of which only hashes are kept.

    ``confirm_hash`` belongs to the link at the new address, the other two to "This was not me":
    one went to the old address at once, one when the change was confirmed.
    """

    user = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, related_name="email_changes"
    )
    old_email = models.EmailField(max_length=254)
    new_email = models.EmailField(max_length=254)
    confirm_hash = models.CharField(max_length=64)
    warning_hash = models.CharField(max_length=64)
    undo_hash = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    confirmed_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True, help_text="By a newer wish.")
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = EmailChangeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["confirm_hash"], name="email_change_confirm_unique"),
            models.UniqueConstraint(fields=["warning_hash"], name="email_change_warning_unique"),
            models.CheckConstraint(
                condition=~Q(old_email=F("new_email")), name="email_change_changes"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, undo_hash="")
                | (
                    Q(confirmed_at__isnull=False, confirmed_at__gte=F("created_at"))
                    & ~Q(undo_hash="")
                ),
                name="email_change_confirmed_can_be_undone",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "-created_at"], name="email_change_newest"),
            models.Index(fields=["undo_hash"], name="email_change_undo"),
        ]

    def __str__(self) -> str:
        return f"email change {self.pk}"

    def is_waiting(self, now: datetime) -> bool:
        """Tell whether the link at the new address still works."""
        ends = (self.confirmed_at, self.replaced_at, self.undone_at)
        is_open = ends == (None, None, None)
        return is_open and now < self.created_at + CONFIRM_WITHIN

    def can_be_undone(self, now: datetime) -> bool:
        """Tell whether "This was not me" still works: 72 hours from the last of its two mails."""
        return self.undone_at is None and now < (self.confirmed_at or self.created_at) + UNDO_WITHIN
