"""How a person proves who they are."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.http import HttpRequest

from accounts.demo import DEMO_PASSWORD
from accounts.models import User


class AccountBackend(AuthenticationBackend):  # type: ignore[misc]
    """E-mail and password; the published demo password opens nothing on PROD (Spec: G16)."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Return the user whose password matches, in the same time whether or not one exists."""
        user: User | None = super().authenticate(request, **credentials)
        if settings.IS_PROD and credentials.get("password") == DEMO_PASSWORD:
            return None
        return user
