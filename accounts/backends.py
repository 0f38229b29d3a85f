"""How a person proves who they are."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest
from guardian.backends import ObjectPermissionBackend
from guardian.utils import get_user_obj_perms_model

from accounts.demo import DEMO_PASSWORD
from accounts.managers import GrantQuerySet
from accounts.models import Grant, User


class AccountBackend(AuthenticationBackend):  # type: ignore[misc]
    """E-mail and password; the published demo password opens nothing on PROD (Spec: G16).

    What somebody may do is read from their roles once per request and kept nowhere else, so a
    role that is taken is gone with the next request (Spec: S5.3).
    """

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Return the user whose password matches, in the same time whether or not one exists."""
        user: User | None = super().authenticate(request, **credentials)
        if settings.IS_PROD and credentials.get("password") == DEMO_PASSWORD:
            return None
        return user

    def get_user_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        """Return nothing: permissions come from roles only (Spec: S5.1)."""
        return set()


class GrantBackend(ObjectPermissionBackend):
    """Answers ``user.has_perm("accounts.manage_learner", learner)`` from the table of grants.

    Guardian's own check knows no end in time. Ownership is no grant. Spec: S5.5.
    """

    def has_perm(self, user_obj: Any, perm: str, obj: Model | None = None) -> bool:
        """Tell whether a live grant on this row allows it, in one query."""
        if obj is None or not user_obj.is_active:
            return False
        table = get_user_obj_perms_model(obj)
        if not issubclass(table, Grant) or perm.rpartition(".")[2] != table.codename:
            return False
        rows: GrantQuerySet = table.objects.live().held_by(user_obj)
        return rows.filter(content_object=obj).exists()

    def get_user_permissions(self, user_obj: Any, obj: Model | None = None) -> set[str]:
        """Return nothing: ask for one permission on one row."""
        return set()

    get_group_permissions = get_all_permissions = get_user_permissions
