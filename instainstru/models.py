"""Tables of the building itself, which belong to no business app."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class RateLimitWindow(models.Model):
    """The last uses of one limit by one key, written only while Valkey is away (Spec: S17.4).

    The key is a digest, so that no address or person can be read from the table.
    """

    key = models.CharField(primary_key=True, max_length=64)
    uses = ArrayField(models.DateTimeField())
    is_granted = models.BooleanField(help_text="Whether the last use was allowed.")
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"window {self.key[:8]}"
