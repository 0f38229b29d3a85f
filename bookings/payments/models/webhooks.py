"""What gateways told us, each event once (Spec: S14.8)."""

from django.db import models

from bookings.payments.managers import WebhookEventQuerySet
from instainstru import clock


class WebhookEvent(models.Model):
    """One event of a gateway; its id is written first, so a replay changes nothing.

    The body is not kept: what happened is asked of the gateway itself, so the order in which
    events come does not matter.
    """

    gateway = models.CharField(max_length=20)
    event_id = models.CharField(max_length=80)
    kind = models.CharField(max_length=40)
    reference = models.CharField(max_length=80, help_text="The payment it is about.")
    received_at = models.DateTimeField(default=clock.now)
    processed_at = models.DateTimeField(null=True, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)

    objects = WebhookEventQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["gateway", "event_id"], name="webhook_event_once")
        ]
        indexes = [
            models.Index(
                fields=["received_at"],
                name="webhook_to_process",
                condition=models.Q(processed_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.event_id}"
