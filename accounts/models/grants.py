"""What people let others do for them: one table of grants per guarded model (Spec: S5.5).

Ownership is a foreign key and needs no grant. A row here is a guardian permission with its own
foreign key, so that a list is filtered with one join.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q
from guardian.models import UserObjectPermissionBase

from accounts.managers import GrantManager, InvitationQuerySet
from instainstru import clock
from instainstru.identifiers import public_id

SUPPORT_ACCESS_MAX = timedelta(hours=24)
INVITATION_VALID = timedelta(days=14)


class Grant(UserObjectPermissionBase):
    """``user`` may do ``codename`` with ``content_object``, which each table names itself."""

    codename: ClassVar[str]
    content_object: Any

    granted_by = models.ForeignKey(
        "accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    granted_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True, blank=True, help_text="Never, when empty.")
    reason = models.CharField(max_length=500, blank=True)

    objects: ClassVar[GrantManager] = GrantManager()

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True
        unique_together: ClassVar[list[Sequence[str]]] = []

    def __str__(self) -> str:
        return f"{self.codename} {self.pk}"


def one_grant_each(table: str) -> models.UniqueConstraint:
    """Return the constraint that nobody holds the same grant twice."""
    return models.UniqueConstraint(
        fields=["content_object", "user", "permission"], name=f"{table}_unique"
    )


def ends_within_a_day(table: str) -> models.CheckConstraint:
    """Return the constraint that support access ends by itself, and says why it was taken."""
    return models.CheckConstraint(
        condition=Q(expires_at__isnull=False, expires_at__lte=F("granted_at") + SUPPORT_ACCESS_MAX)
        & ~Q(reason=""),
        name=f"{table}_ends_within_a_day",
    )


class LearnerGrant(Grant):
    """A second adult who manages a learner; the first is the learner's ``manager``."""

    codename = "manage_learner"
    content_object = models.ForeignKey(
        "accounts.Learner", on_delete=models.CASCADE, related_name="grants"
    )

    class Meta(Grant.Meta):
        constraints = [one_grant_each("learner_grant")]


class UserGrant(Grant):
    """A support agent who may open a person's account for some hours."""

    codename = "support_access"
    content_object = models.ForeignKey(
        "accounts.User", on_delete=models.CASCADE, related_name="grants"
    )

    class Meta(Grant.Meta):
        constraints = [one_grant_each("user_grant"), ends_within_a_day("user_grant")]


class Invitation(models.Model):
    """An offer of a grant by mail; the row goes when it is accepted, declined or withdrawn."""

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    email = models.EmailField(max_length=254, help_text="In lower case.")
    token_hash = models.CharField(max_length=64)
    invited_by = models.ForeignKey("accounts.User", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()

    objects = InvitationQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"invitation {self.public_id}"


class LearnerInvitation(Invitation):
    """Asks another adult to manage a learner too."""

    target = models.ForeignKey(
        "accounts.Learner", on_delete=models.CASCADE, related_name="invitations"
    )

    class Meta(Invitation.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["target", "email"], name="learner_invitation_one_per_address"
            ),
            models.UniqueConstraint(fields=["token_hash"], name="learner_invitation_token_unique"),
        ]
