"""Who helps an instructor with the calendar (Spec: S5.5)."""

from django.db import models

from accounts.models import Grant, Invitation
from accounts.models.grants import one_grant_each


class InstructorGrant(Grant):
    """An assistant who changes an instructor's hours, overrides and blackouts, nothing else."""

    codename = "manage_availability"
    content_object = models.ForeignKey(
        "catalog.Instructor", on_delete=models.CASCADE, related_name="grants"
    )

    class Meta(Grant.Meta):
        constraints = [one_grant_each("instructor_grant")]


class AssistantInvitation(Invitation):
    """Asks somebody to help an instructor with the calendar."""

    target = models.ForeignKey(
        "catalog.Instructor", on_delete=models.CASCADE, related_name="invitations"
    )

    class Meta(Invitation.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["target", "email"], name="assistant_invitation_one_per_address"
            ),
            models.UniqueConstraint(
                fields=["token_hash"], name="assistant_invitation_token_unique"
            ),
        ]
