"""Reads and one-table writes on people."""

from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.db import models

if TYPE_CHECKING:
    from accounts.models import User


class UserManager(BaseUserManager["User"]):
    """Creates users and finds them by e-mail without regard to case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """Return the user with this e-mail, whatever its case."""
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a user; without a password the account cannot sign in."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Create a first admin from the terminal."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class LearnerQuerySet(models.QuerySet["Learner"]):  # type: ignore[name-defined]
    """Reads on learners."""

    def managed_by(self, user: "User") -> "LearnerQuerySet":
        """Return the learners this person manages, themselves first."""
        return self.filter(manager=user).order_by("-is_self", "created_at", "pk")

    def own_of(self, user: Any) -> "LearnerQuerySet":
        """Return the row of the person as a learner themselves; none for a guest."""
        return self.filter(manager_id=user.pk, is_self=True)
