"""Who someone is: the user, the learners they manage, and what carries permissions."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from accounts.managers import LearnerQuerySet, UserManager
from accounts.models.audit import AuditEvent
from accounts.models.blocks import Block
from accounts.models.email_changes import EmailChange
from accounts.models.grants import Grant, Invitation, LearnerGrant, LearnerInvitation, UserGrant
from accounts.models.notification_choices import NotificationChoice
from accounts.models.pictures import UploadedPicture
from accounts.models.text_numbers import StoppedNumber, TextNumber
from accounts.models.viewings import Viewing
from instainstru import clock
from instainstru.identifiers import public_id

__all__ = [
    "AuditEvent", "Block", "Capability", "EmailChange", "Grant", "Invitation", "Learner",
    "LearnerGrant", "LearnerInvitation", "NotificationChoice", "StoppedNumber", "TextNumber",
    "UploadedPicture", "User", "UserGrant", "Viewing",
]  # fmt: skip


class User(AbstractBaseUser, PermissionsMixin):
    """A person with an account; signs in by e-mail. What they may do comes from roles.

    Spec: S5.1
    """

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=60)
    last_name = models.CharField(max_length=60, blank=True)
    zone = models.CharField(max_length=64, blank=True, help_text="IANA zone; empty means unknown.")
    phone = models.CharField(max_length=16, blank=True, help_text="E.164, such as +12125550123.")
    theme = models.CharField(
        max_length=5, blank=True, help_text="light or dark; empty: the system's."
    )
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    is_demo = models.BooleanField(default=False, help_text="Written by the seed only.")
    joined_at = models.DateTimeField(default=clock.now)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["first_name"]

    class Meta:
        permissions = [("support_access", "Open the account as support, for some hours")]
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
            models.UniqueConstraint(fields=["public_id"], name="user_public_id_unique"),
            models.CheckConstraint(
                condition=models.Q(phone="") | models.Q(phone__regex=r"^\+[1-9]\d{6,14}$"),
                name="user_phone_is_e164",
            ),
            models.CheckConstraint(
                condition=models.Q(theme__in=["", "light", "dark"]), name="user_theme_known"
            ),
            # Django gives such an account every permission, whatever its roles are.
            models.CheckConstraint(
                condition=models.Q(is_superuser=False), name="user_never_superuser"
            ),
        ]

    def __str__(self) -> str:
        return f"user {self.pk}"

    @property
    def full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}".strip()

    @property
    def short_name(self) -> str:
        """First name and the initial of the last name: all that other people see."""
        return (
            f"{self.first_name} {self.last_name[:1]}.".strip()
            if self.last_name
            else self.first_name
        )


class Learner(models.Model):
    """A person taught: the student or somebody they manage; never an account of their own."""

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    manager = models.ForeignKey(User, on_delete=models.CASCADE, related_name="learners")
    name = models.CharField(max_length=60)
    birth_year = models.PositiveSmallIntegerField(null=True, blank=True)
    is_self = models.BooleanField(default=False)
    level_notes = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    archived_at = models.DateTimeField(
        null=True, blank=True, help_text="Removed by the manager, but past lessons name them."
    )

    objects = LearnerQuerySet.as_manager()

    class Meta:
        permissions = [("manage_learner", "Manage the learner beside their first adult")]
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="learner_public_id_unique"),
            models.UniqueConstraint(
                fields=["manager"], condition=models.Q(is_self=True), name="learner_one_self"
            ),
            models.CheckConstraint(
                condition=models.Q(birth_year__isnull=True) | models.Q(birth_year__gte=1900),
                name="learner_birth_year_from_1900",
            ),
        ]

    def __str__(self) -> str:
        return f"learner {self.pk}"


class Capability(models.Model):
    """Carries the product's permissions; has no table of its own."""

    class Meta:
        managed = False
        default_permissions = ()
