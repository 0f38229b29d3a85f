"""Addresses that wait for one mail: for a neighborhood, a service, an instructor.

They may belong to people without an account, so each row says when it was answered.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from catalog.interest_managers import WaitingQuerySet
from instainstru import clock


class Waiting(models.Model):
    """An address that wants one mail when something comes true, and a way out of it.

    The mail carries a random token; only its hash is kept.
    """

    email = models.EmailField(max_length=254)
    created_at = models.DateTimeField(default=clock.now)
    notified_at = models.DateTimeField(null=True, blank=True)
    removal_hash = models.CharField(max_length=64, blank=True, editable=False)

    objects = WaitingQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(notified_at__isnull=True) | ~Q(removal_hash=""),
                name="%(class)s_mail_has_way_out",
            )
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="%(class)s_unanswered",
                condition=Q(notified_at__isnull=True),
            ),
            models.Index(fields=["removal_hash"], name="%(class)s_removal"),
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class WaitlistEntry(Waiting):
    """Somebody waits for instructors in a neighborhood (Spec: S9.4)."""

    neighborhood = models.ForeignKey(
        "catalog.Neighborhood", on_delete=models.PROTECT, related_name="waitlist"
    )

    class Meta(Waiting.Meta):
        verbose_name_plural = "waitlist entries"
        constraints = [
            *Waiting.Meta.constraints,
            models.UniqueConstraint(Lower("email"), "neighborhood", name="waitlistentry_unique"),
        ]


class ServiceAlert(Waiting):
    """Somebody waits for the first instructor of a service (Spec: S7.5)."""

    service = models.ForeignKey("catalog.Service", on_delete=models.CASCADE, related_name="alerts")

    class Meta(Waiting.Meta):
        constraints = [
            *Waiting.Meta.constraints,
            models.UniqueConstraint(Lower("email"), "service", name="servicealert_unique"),
        ]


class ReturnAlert(Waiting):
    """Somebody waits until a paused instructor takes bookings again (Spec: S10.3)."""

    instructor = models.ForeignKey(
        "catalog.Instructor", on_delete=models.CASCADE, related_name="return_alerts"
    )

    class Meta(Waiting.Meta):
        constraints = [
            *Waiting.Meta.constraints,
            models.UniqueConstraint(Lower("email"), "instructor", name="returnalert_unique"),
        ]
