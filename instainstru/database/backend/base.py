"""PostgreSQL behind the gate: no connection is used before it has proved its tier."""

import os
from typing import Any, ClassVar

from django.db.backends.postgresql import base as postgresql
from psycopg_pool import ConnectionPool

from instainstru.database import audit, embedded, gate, grants, session, targets, tiers
from instainstru.database.backend.client import DatabaseClient
from instainstru.database.backend.creation import DatabaseCreation
from instainstru.database.refusals import TierRefusedError
from instainstru.database.stamp import Connection

_ensured: set[int] = set()
"""Processes that have asked for the embedded servers."""


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """Django's PostgreSQL wrapper aimed by the frozen decision alone. Spec: S1.10."""

    client_class = DatabaseClient
    creation_class = DatabaseCreation
    _opened_at = 0
    _connection_pools: ClassVar[dict[str, ConnectionPool]] = {}

    def get_connection_params(self) -> dict[str, Any]:
        """Return libpq's parameters, refusing any that differ from the decision."""
        parameters: dict[str, Any] = super().get_connection_params()
        decision = tiers.decision()
        with audit.refusals(f"aim {self.alias}", decision.tier.value):
            if "assume_role" in self.settings_dict["OPTIONS"]:
                raise TierRefusedError(f"assume_role of database alias {self.alias} was changed")
            targets.refuse_other_aim(self.alias, parameters)
        if self.alias == targets.DEFAULT:
            parameters = targets.aim_as(decision, session.role(decision), parameters)
        if self._is_reading(decision):
            parameters["options"] = session.READ_ONLY_OPTION
            parameters["cursor_factory"] = session.ReadOnlyCursor
        elif (grant := grants.active()) and grant.is_session:
            parameters["cursor_factory"] = session.GrantedCursor
        return parameters

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """Open a connection, or take one from the pool, and let the gate judge it.

        Raises TierRefusedError after closing a connection that fails.
        """
        decision = tiers.decision()
        tiers.drop_aiming_variables()
        connection = self._connect_with_servers(conn_params, decision)
        try:
            gate.admit(connection, decision, self.alias)
        except BaseException:
            self._turn_away(connection)
            raise
        self._opened_at = session.changes()
        return connection

    def create_cursor(self, name: str | None = None) -> Any:
        """Return a cursor; one on the server obeys the policy of a read-only session too."""
        if name and self._is_reading(tiers.decision()):
            return session.ReadOnlyServerCursor(
                self.connection, name=name, scrollable=False, withhold=self.connection.autocommit
            )
        return super().create_cursor(name)

    def ensure_connection(self) -> None:
        """Connect, and connect anew when the process's rights have changed since.

        A thread may not keep a connection that wrote for a command which has ended.
        """
        is_stale = self.connection is not None and self._opened_at != session.changes()
        if is_stale and not self.in_atomic_block:
            self.close()
        super().ensure_connection()

    def _is_reading(self, decision: tiers.Decision) -> bool:
        return self.alias != targets.DEFAULT or session.is_read_only(decision)

    def _set_autocommit(self, autocommit: bool) -> None:
        """Begin a transaction only on the server that a destruction was confirmed for."""
        super()._set_autocommit(autocommit)  # type: ignore[misc]
        if not autocommit and (grant := grants.active()) and grant.instance:
            grants.check_transaction(self.connection)

    def _connect_with_servers(
        self, conn_params: dict[str, Any], decision: tiers.Decision
    ) -> Connection:
        if not decision.is_embedded:
            return self._connect(conn_params)
        if os.getpid() not in _ensured:
            self._ensure_servers(decision)
        try:
            return self._connect(conn_params)
        except self.Database.OperationalError:
            # The servers may have gone since: bring them back once, then give up.
            self._ensure_servers(decision)
            return self._connect(conn_params)

    def _connect(self, conn_params: dict[str, Any]) -> Connection:
        connection: Connection = super().get_new_connection(conn_params)
        return connection

    def _ensure_servers(self, decision: tiers.Decision) -> None:
        try:
            embedded.ensure_running(decision.tier.value, tiers.var_dir())
        except embedded.EmbeddedServersError as error:
            raise self.Database.OperationalError(error.message) from error
        _ensured.add(os.getpid())

    def _turn_away(self, connection: Connection) -> None:
        connection.close()
        if self.pool:
            # A closed connection goes back too, or the pool would count it as in use for ever.
            self.pool.putconn(connection)


def refuse_plain_engines() -> None:
    """Let Django's own PostgreSQL engine open no connection in this process; ours may.

    An alias that a script adds at run time would otherwise go round the gate. Spec: S1.10.
    """
    original = postgresql.DatabaseWrapper.get_new_connection
    if getattr(original, "is_guarded", False):
        return

    def get_new_connection(
        self: postgresql.DatabaseWrapper, conn_params: dict[str, Any]
    ) -> Connection:
        if not isinstance(self, DatabaseWrapper):
            with audit.refusals(f"aim {self.alias}", tiers.decision().tier.value):
                raise TierRefusedError(f"database alias {self.alias} uses another engine than ours")
        connection: Connection = original(self, conn_params)
        return connection

    get_new_connection.is_guarded = True  # type: ignore[attr-defined]
    setattr(postgresql.DatabaseWrapper, "get_new_connection", get_new_connection)  # noqa: B010
