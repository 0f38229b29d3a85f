"""Who did what to whom, and why: rows that nobody can change afterwards (Spec: S5.9)."""

from django.db import models
from django.db.models import Q

from accounts.managers import AuditEventManager
from instainstru import clock
from instainstru.identifiers import public_id

REASON_MIN, REASON_MAX = 10, 500


class AuditEvent(models.Model):
    """One act of staff, or one change of who may do what; written with the change itself.

    A trigger refuses every UPDATE and DELETE but two: retention (the row is older than two years,
    or only the address is taken out) and pseudonyms (a person is taken out, and with them the
    reason that may name them). Spec: S5.4, S5.7, S5.9, S6.3.
    """

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    at = models.DateTimeField(default=clock.now)
    actor = models.ForeignKey(
        "accounts.User",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Nobody for the system itself and for people who were erased.",
    )
    actor_pseudonym = models.CharField(max_length=40, blank=True)
    subject = models.ForeignKey(
        "accounts.User",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The person whom it concerns.",
    )
    subject_pseudonym = models.CharField(max_length=40, blank=True)
    action = models.CharField(max_length=60, help_text="A noun and what happened: role.assigned.")
    object_kind = models.CharField(max_length=40, help_text="The model, such as user.")
    object_id = models.CharField(max_length=40, help_text="Its public id or code.")
    before = models.JSONField(null=True, blank=True)
    after = models.JSONField(null=True, blank=True)
    reason = models.CharField(max_length=REASON_MAX, blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    ip_hash = models.CharField(max_length=32, blank=True)

    objects = AuditEventManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="audit_public_id_unique"),
            models.CheckConstraint(
                condition=Q(action__regex=r"^[a-z_]+\.[a-z_]+$"), name="audit_action_form"
            ),
        ]
        indexes = [
            models.Index(fields=["-at"], name="audit_newest"),
            models.Index(fields=["actor", "-at"], name="audit_by_actor"),
            models.Index(fields=["subject", "-at"], name="audit_by_subject"),
            models.Index(fields=["object_kind", "object_id"], name="audit_by_object"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.public_id}"
