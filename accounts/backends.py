"""How a person proves who they are."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.http import HttpRequest

from accounts.demo import DEMO_PASSWORD
from accounts.models import User


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
