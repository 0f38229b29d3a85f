"""Who of the staff sees the site as somebody right now (Spec: S5.4)."""

from django.db import models
from django.db.models import F, Q

from accounts.managers import ViewingQuerySet
from instainstru import clock


class Viewing(models.Model):
    """One look at the site as somebody; whoever takes the row away writes how it ended."""

    viewer = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    person = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    began_at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField()

    objects = ViewingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until__gt=F("began_at")), name="viewing_ends_after_it_begins"
            ),
            models.CheckConstraint(
                condition=~Q(viewer=F("person")), name="viewing_of_somebody_else"
            ),
        ]
        indexes = [models.Index(fields=["until"], name="viewing_until")]

    def __str__(self) -> str:
        return f"viewing {self.pk}"
