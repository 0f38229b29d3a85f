"""Who wants nothing more to do with whom (Spec: S5.8)."""

from django.db import models
from django.db.models import F, Q

from accounts.managers import BlockQuerySet
from instainstru import clock


class Block(models.Model):
    """One person shuts another out; it counts in both directions."""

    by = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="blocks")
    person = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=clock.now)

    objects = BlockQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["by", "person"], name="block_unique"),
            models.CheckConstraint(condition=~Q(by=F("person")), name="block_nobody_themselves"),
        ]
        indexes = [models.Index(fields=["person", "by"], name="block_by_person")]

    def __str__(self) -> str:
        return f"block {self.pk}"

    @property
    def shown_name(self) -> str:
        """First name and initial, all that the two ever saw of each other."""
        return self.person.short_name
