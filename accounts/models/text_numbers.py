"""The phone that a person wants text messages at (Spec: S13.6)."""

from django.db import models
from django.db.models import Q

from accounts.managers import TextNumberQuerySet

MAX_TRIES = 5


class TextNumber(models.Model):
    """One person's number for texts: the code on its way to it, and whether it was typed.

    What the person agreed to stands in ``privacy.Consent``; a number gets texts while both say so
    and the phone itself has not said STOP.
    """

    user = models.OneToOneField(
        "accounts.User", on_delete=models.CASCADE, related_name="text_number"
    )
    phone = models.CharField(max_length=16, help_text="E.164, such as +12125550123.")
    code_hash = models.CharField(max_length=64, blank=True, help_text="Keyed; the code is no row.")
    code_sent_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="Wrong codes typed.")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(
        null=True, blank=True, help_text="When the phone said STOP; empty after a new agreement."
    )

    objects = TextNumberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(phone__regex=r"^\+[1-9]\d{6,14}$"), name="text_number_is_e164"
            ),
            models.CheckConstraint(
                condition=Q(tries__lte=MAX_TRIES), name="text_number_tries_limited"
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True) | Q(code_hash=""),
                name="text_number_confirmed_once",
            ),
        ]
        indexes = [models.Index(fields=["phone"], name="text_number_phone")]

    def __str__(self) -> str:
        return f"number of user {self.user_id}"


class StoppedNumber(models.Model):
    """A phone that said STOP, by a keyed digest: it outlives whoever typed the number (S13.6)."""

    digest = models.CharField(max_length=64, unique=True)
    stopped_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"stopped at {self.stopped_at:%Y-%m-%d}"
