"""System checks of the database guard. Spec: S1.10."""

from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from instainstru.database import audit, router, targets, tiers
from instainstru.database.refusals import TierRefusedError

ROUTER: Final = f"{router.TierRouter.__module__}.{router.TierRouter.__qualname__}"


def refuse_other_engines() -> None:
    """Raise TierRefusedError when other settings aim an alias round the gate.

    A settings module of one's own is no way round: this runs wherever Django starts. Spec: S1.4.
    """
    for alias, values in settings.DATABASES.items():
        if values.get("ENGINE") != targets.ENGINE:
            error = TierRefusedError(f"database alias {alias} uses another engine than ours")
            audit.record_refusal("settings", error, tier_wanted=tiers.decision().tier.value)
            raise error


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
    if list(settings.DATABASE_ROUTERS) != [ROUTER]:
        errors.append(Error(f"DATABASE_ROUTERS must be [{ROUTER!r}].", id="database.E002"))
    if undeclared := set(settings.DATABASES) - set(targets.database_settings(tiers.decision())):
        names = ", ".join(sorted(undeclared))
        errors.append(Error(f"Database aliases {names} are not declared.", id="database.E003"))
    return errors
