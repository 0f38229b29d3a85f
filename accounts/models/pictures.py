"""Pictures that people sent, as they are known to the database (Spec: S10.6, S17.3)."""

import secrets

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.managers import UploadedPictureQuerySet
from instainstru import clock


def random_name() -> str:
    """Return 128 random bits: what leads to a picture and to its files on the disk."""
    return secrets.token_hex(16)


class UploadedPicture(models.Model):
    """One picture with its files, one per size; the row is written first and outlives them.

    ``arriving`` until what it belongs to is saved, then ``kept``; ``removed`` when its files are
    gone or are about to go. Whoever uses it asks first who may see it.
    """

    class State(models.TextChoices):
        ARRIVING = "arriving", "Being saved"
        KEPT = "kept", "Kept"
        REMOVED = "removed", "Removed"

    name = models.CharField(max_length=32, default=random_name, editable=False)
    owner = models.ForeignKey("accounts.User", on_delete=models.PROTECT, related_name="pictures")
    state = models.CharField(max_length=8, choices=State.choices, default=State.ARRIVING)
    sizes = ArrayField(
        models.PositiveSmallIntegerField(), help_text="Longest sides in pixels, a file each."
    )
    width = models.PositiveSmallIntegerField(help_text="Of the largest, in pixels.")
    height = models.PositiveSmallIntegerField(help_text="Of the largest, in pixels.")
    created_at = models.DateTimeField(default=clock.now)

    objects = UploadedPictureQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], name="picture_name_unique"),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[0-9a-f]{32}$"), name="picture_name_is_random"
            ),
            models.CheckConstraint(condition=Q(sizes__len__gt=0), name="picture_has_a_size"),
            models.CheckConstraint(
                condition=Q(width__gt=0, height__gt=0), name="picture_has_an_area"
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"], name="picture_arriving", condition=Q(state="arriving")
            )
        ]

    def __str__(self) -> str:
        return f"picture {self.pk}"

    @property
    def is_there(self) -> bool:
        """Whether it can be shown."""
        return self.state == self.State.KEPT
