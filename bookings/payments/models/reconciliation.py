"""What came of comparing a gateway's books with ours (Spec: S14.3)."""

from django.db import models
from django.db.models import Q

from instainstru import clock


class Reconciliation(models.Model):
    """One night's comparison; ``problems`` name the payments that the two books tell differently.

    Each problem is ``{"rule", "reference", "gateway_cents", "ledger_cents"}``.
    """

    on = models.DateField(help_text="The New York date of the run.")
    gateway = models.CharField(max_length=20)
    first_at = models.DateTimeField(help_text="Payments begun from here on were compared.")
    checked = models.PositiveIntegerField(default=0)
    problems = models.JSONField(default=list)
    problem_count = models.PositiveIntegerField(default=0)
    finished_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["on", "gateway"], name="reconciliation_once_a_day"),
            models.CheckConstraint(
                condition=Q(problem_count=0, problems=[]) | Q(problem_count__gt=0),
                name="reconciliation_counts_problems",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.on}"
