"""Start-up checks on accounts."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db import DatabaseError

from accounts.models import User


def check_no_test_addresses(
    app_configs: Sequence[AppConfig] | None,
    **kwargs: Any,
) -> list[CheckMessage]:
    """PROD refuses to start with demo people in it (Spec: G16).

    A database that is away or not migrated yet holds no such account that could sign in.
    """
    if not settings.IS_PROD:
        return []
    try:
        count = User.objects.filter(email__iendswith=".test").count()
    except DatabaseError:
        return []
    if count == 0:
        return []
    return [Error(f"{count} accounts with a .test address exist on PROD.", id="accounts.E001")]
