"""System checks of the database guard. Spec: S1.10."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from instainstru.database import router, targets


@register(Tags.security, "start")
def check_engines(**_options: Any) -> list[CheckMessage]:
    """Fail when an alias could connect without the gate, or outside the router."""
    errors: list[CheckMessage] = [
        Error(
            f"Database alias {alias} uses {values['ENGINE']} instead of {targets.ENGINE}.",
            id="database.E001",
        )
        for alias, values in settings.DATABASES.items()
        if values["ENGINE"] != targets.ENGINE
    ]
    wanted = f"{router.TierRouter.__module__}.{router.TierRouter.__qualname__}"
    if list(settings.DATABASE_ROUTERS) != [wanted]:
        errors.append(Error(f"DATABASE_ROUTERS must be [{wanted!r}].", id="database.E002"))
    if undeclared := set(settings.DATABASES) - router.DECLARED:
        names = ", ".join(sorted(undeclared))
        errors.append(Error(f"Database aliases {names} are not declared.", id="database.E003"))
    return errors
