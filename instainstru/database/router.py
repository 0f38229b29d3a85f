"""Which alias a query may use: only declared ones, writes and migrations on `default`.

Spec: S1.11, S1.23.
"""

from typing import Any, Final

from django.db.models import Model

from instainstru.database import classes, targets, tiers
from instainstru.database.refusals import TierRefusedError

DEFAULT: Final = "default"
DECLARED: Final = frozenset({DEFAULT})


class UndeclaredAliasError(TierRefusedError):
    """A query or an object belongs to an alias that the tier does not declare."""

    code = "alias"


class TierRouter:
    """Keeps every query on the resolved tier."""

    def db_for_read(self, _model: type[Model], **hints: Any) -> str:
        """Read where the object at hand lives, else on `default`."""
        return _declared(hints)

    def db_for_write(self, _model: type[Model], **hints: Any) -> str:
        """Write to `default` only."""
        _declared(hints)
        return DEFAULT

    def allow_relation(self, obj1: Model, obj2: Model, **_hints: Any) -> bool:
        """Relate objects of declared aliases only: all of them are one tier."""
        return {_alias_of(obj1), _alias_of(obj2)} <= DECLARED

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        """Migrate `default` only, and only under a command that the wrapper let through.

        `dumpdata` and `loaddata` ask the same question to find their models, so every command
        but a shell counts; test databases are free.
        """
        if db != DEFAULT:
            return False
        return classes.may_migrate() or _is_on_test_database()


def _declared(hints: dict[str, Any]) -> str:
    instance = hints.get("instance")
    alias = _alias_of(instance) if isinstance(instance, Model) else DEFAULT
    if alias not in DECLARED:
        raise UndeclaredAliasError(f"database alias {alias} is not declared")
    return alias


def _alias_of(instance: Model) -> str:
    return instance._state.db or DEFAULT  # noqa: SLF001 - Django's documented place for it


def _is_on_test_database() -> bool:
    from django.db import connections

    name = str(connections[DEFAULT].settings_dict["NAME"])
    return tiers.decision().tier is tiers.Tier.INT and targets.is_test_name(name)
