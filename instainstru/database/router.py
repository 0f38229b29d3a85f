"""Which alias a query may use: writes and migrations on `default`, reads on replicas, one tier.

Spec: S1.11, S1.23.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.models import Model

from instainstru.database import audit, classes, session, targets, tiers
from instainstru.database.refusals import TierRefusedError
from instainstru.database.targets import DEFAULT, REPLICA, REPORTS


class UndeclaredAliasError(TierRefusedError):
    """A query or an object belongs to an alias that the tier does not declare."""

    code = "alias"


class ReadOnlyProcessError(TierRefusedError):
    """A write was asked for where only reading is allowed."""

    code = "read_only"


@dataclass(slots=True)
class _Request:
    """What one request may do and has done so far."""

    may_use_replicas: bool = True
    has_written: bool = False


_request: ContextVar[_Request | None] = ContextVar("routed_request", default=None)
_turn = itertools.count()


class TierRouter:
    """Keeps every query on the resolved tier."""

    def db_for_read(self, _model: type[Model], **hints: Any) -> str:
        """Read where the object at hand lives, from a replica in a request, else on `default`."""
        alias = _declared(hints)
        if alias == REPORTS:
            return alias
        return _replica() or DEFAULT

    def db_for_write(self, _model: type[Model], **hints: Any) -> str:
        """Write to `default` only, and in a read-only process not at all."""
        _declared(hints)
        decision = tiers.decision()
        if session.is_read_only(decision):
            raise _refused(ReadOnlyProcessError("this process reads only"))
        if (request := _request.get()) is not None:
            request.has_written = True
        return DEFAULT

    def allow_relation(self, obj1: Model, obj2: Model, **_hints: Any) -> bool:
        """Relate objects of declared aliases only: all of them are one tier."""
        return {_alias_of(obj1), _alias_of(obj2)} <= declared()

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        """Migrate `default` only, and only under a command that the wrapper let through.

        `dumpdata` and `makemigrations` ask the same question to find their models, so reading
        commands count; test databases are free.
        """
        if db != DEFAULT:
            return False
        return classes.may_migrate() or _is_on_test_database()


def declared() -> frozenset[str]:
    """Return the aliases of the resolved tier."""
    return frozenset(settings.DATABASES)


def reports() -> str:
    """Return the alias from which analytics, business pages and exports read.

    In tests that is `default`, whose open transaction holds the rows. Spec: S1.23.
    """
    return DEFAULT if _is_on_test_database() else REPORTS


@contextmanager
def reading_from_replicas(*, is_allowed: bool = True) -> Iterator[_Request]:
    """Let the reads of one request go to replicas until its first write; yields what it did."""
    request = _Request(may_use_replicas=is_allowed)
    token = _request.set(request)
    try:
        yield request
    finally:
        _request.reset(token)


def _replica() -> str | None:
    request, aliases = _request.get(), _replicas()
    if request is None or not request.may_use_replicas or request.has_written or not aliases:
        return None
    if connections[DEFAULT].in_atomic_block:
        return None
    return aliases[next(_turn) % len(aliases)]


@cache
def _replicas() -> tuple[str, ...]:
    return tuple(alias for alias in settings.DATABASES if alias.startswith(REPLICA))


def _declared(hints: dict[str, Any]) -> str:
    instance = hints.get("instance")
    alias = _alias_of(instance) if isinstance(instance, Model) else DEFAULT
    if alias not in declared():
        raise _refused(UndeclaredAliasError(f"database alias {alias} is not declared"))
    return alias


def _refused(error: TierRefusedError) -> TierRefusedError:
    audit.record_refusal("route", error, tier_wanted=tiers.decision().tier.value)
    return error


def _alias_of(instance: Model) -> str:
    return instance._state.db or DEFAULT  # noqa: SLF001 - Django's documented place for it


def _is_on_test_database() -> bool:
    name = str(connections[DEFAULT].settings_dict["NAME"])
    return tiers.decision().tier is tiers.Tier.INT and targets.is_test_name(name)
