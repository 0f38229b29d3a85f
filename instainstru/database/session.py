"""Whether this process may write: on PROD only under a command that earned it.

Spec: S1.17.
"""

from collections.abc import Iterable
from typing import Any, Final

import psycopg
from django.db.backends.postgresql.base import Cursor, ServerSideCursor

from instainstru.database import audit, grants, statements, tiers
from instainstru.database.refusals import TierRefusedError
from instainstru.database.roles import Role
from instainstru.database.tiers import Decision, Tier

READ_ONLY_OPTION: Final = "-c default_transaction_read_only=on"
TIME_ZONE: Final = "SELECT set_config('TimeZone', %s, false)"

_may_write = False
_is_owner = False
_changes = 0


class ReadOnlySessionError(TierRefusedError):
    """A statement tried to lift the read-only session."""

    code = "read_only"


def allow_writes(*, is_allowed: bool) -> None:
    """Set whether this process's next PROD connections may write."""
    global _may_write, _changes  # noqa: PLW0603 - a property of the process, on purpose
    _may_write = is_allowed
    _changes += 1


def may_write() -> bool:
    """Whether a command that earned it is running on PROD."""
    return _may_write


def act_as_owner(*, is_owner: bool) -> None:
    """Set whether this process's next connections are those of the tables' owner."""
    global _is_owner, _changes  # noqa: PLW0603 - a property of the process, on purpose
    _is_owner = is_owner
    _changes += 1


def is_owner() -> bool:
    """Whether a command that changes the schema is running."""
    return _is_owner


def changes() -> int:
    """Return how often the process's rights have changed; a connection lives within one state."""
    return _changes


def role(decision: Decision) -> Role:
    """Return who new connections are: the weakest role that does. Spec: S1.13."""
    if is_read_only(decision):
        return Role.READONLY
    return Role.MIGRATOR if _is_owner else Role.APP


def is_read_only(decision: Decision) -> bool:
    """Whether new connections get a read-only session."""
    return decision.tier is Tier.PROD and not _may_write


def refuse_lifting(query: Any) -> None:
    """Raise ReadOnlySessionError for a statement that could end the read-only session."""
    text = query if isinstance(query, str) else _text(query)
    if text.strip() != TIME_ZONE and statements.could_lift(text):
        with audit.refusals("statement", tiers.decision().tier.value):
            raise ReadOnlySessionError("this session is read-only and stays so")


def _text(query: Any) -> str:
    if isinstance(query, bytes):
        return query.decode(errors="replace")
    return str(query.as_string(None)) if hasattr(query, "as_string") else str(query)


class GrantedCursor(Cursor, psycopg.Cursor[Any]):
    """Django's cursor in a shell that may write: no statement after the grant's end."""

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Run one statement while the grant lasts."""
        grants.check_session()
        return super().execute(query, *args, **kwargs)

    def executemany(self, query: Any, params_seq: Iterable[Any], **kwargs: Any) -> Any:
        """Run one statement with many parameters while the grant lasts."""
        grants.check_session()
        return super().executemany(query, params_seq, **kwargs)

    def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        """Copy while the grant lasts."""
        grants.check_session()
        return super().copy(statement, *args, **kwargs)


class ReadOnlyCursor(Cursor, psycopg.ClientCursor[Any]):
    """Django's cursor with the statement policy, so that raw cursors obey it too."""

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Run one statement unless it could lift the read-only session."""
        refuse_lifting(query)
        return super().execute(query, *args, **kwargs)

    def executemany(self, query: Any, params_seq: Iterable[Any], **kwargs: Any) -> Any:
        """Run one statement with many parameters, under the same policy."""
        refuse_lifting(query)
        return super().executemany(query, params_seq, **kwargs)

    def stream(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Stream one query's rows, under the same policy."""
        refuse_lifting(query)
        return super().stream(query, *args, **kwargs)

    def copy(self, statement: Any, *args: Any, **kwargs: Any) -> Any:
        """Copy, under the same policy."""
        refuse_lifting(statement)
        return super().copy(statement, *args, **kwargs)


class ReadOnlyServerCursor(ServerSideCursor, psycopg.ServerCursor[Any]):
    """A cursor on the server, which Django uses for long results, under the same policy."""

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
        """Declare the cursor unless its query could lift the read-only session."""
        refuse_lifting(query)
        return super().execute(query, *args, **kwargs)
