"""Write grants on PROD: objects that a person gives, for one command, for five minutes.

A grant is bound to the server, the database, the command line and the process. Spec: S1.17, S1.18.
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql

from instainstru.database import consent, stamp
from instainstru.database.refusals import TierRefusedError
from instainstru.database.stamp import Connection, Evidence
from instainstru.database.tiers import Decision

VALID_SECONDS: Final = 300.0
COUNTED: Final = """
SELECT relname FROM pg_catalog.pg_class
 WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
"""


class GrantRefusedError(TierRefusedError):
    """A grant does not cover what is being done."""

    code = "grant"


@dataclass(frozen=True, slots=True)
class WriteGrant:
    """One person's leave for one command line in one process."""

    system_identifier: str
    oid: int
    command: str
    pid: int
    deadline: float
    """By the monotonic clock, in seconds."""
    reason: str
    is_session: bool
    """Whether it opens a shell, whose every statement must come in time."""
    instance: stamp.Instance | None = None
    """What a destructive command was confirmed for."""

    @property
    def seconds_left(self) -> float:
        """Seconds until the grant ends, at least zero."""
        return max(0.0, self.deadline - time.monotonic())


_active: WriteGrant | None = None
_redeemed: set[WriteGrant] = set()


def give(decision: Decision, connection: Connection, name: str, *, is_session: bool) -> WriteGrant:
    """Ask a person for a grant: the database's name and a reason.

    Raises ConsentRefusedError when they are not typed on the terminal.
    """
    return _give(decision, stamp.read_evidence(connection), name, is_session, None)


def give_destruction(decision: Decision, connection: Connection, name: str) -> WriteGrant:
    """Ask for a grant, show the rows that could go, and ask for the second phrase.

    Raises ConsentRefusedError when either is not typed on the terminal. Spec: S1.18.
    """
    evidence, instance = stamp.read_evidence(connection), stamp.read_instance(connection)
    grant = _give(decision, evidence, name, False, instance)
    consent.require_phrase(decision, evidence, _rows(connection))
    return grant


def _give(
    decision: Decision,
    evidence: Evidence,
    name: str,
    is_session: bool,
    instance: stamp.Instance | None,
) -> WriteGrant:
    consent.require_name(decision, evidence, f"{name} may write")
    reason = consent.require_reason()
    consent.note(decision, evidence, f"{name}: {reason}", action="grant")
    return WriteGrant(
        system_identifier=evidence.system_identifier,
        oid=evidence.oid,
        command=_command(name),
        pid=os.getpid(),
        deadline=time.monotonic() + VALID_SECONDS,
        reason=reason,
        is_session=is_session,
        instance=instance,
    )


@contextmanager
def redeemed(grant: WriteGrant, name: str) -> Iterator[None]:
    """Let one command use a grant, once. Raises GrantRefusedError for any other use."""
    global _active  # noqa: PLW0603 - one grant per process is the point
    if grant in _redeemed:
        raise GrantRefusedError("the write grant was used before")
    if grant.pid != os.getpid() or grant.command != _command(name):
        raise GrantRefusedError("the write grant was given to another command")
    if not grant.seconds_left:
        raise GrantRefusedError("the write grant has ended")
    _redeemed.add(grant)
    before, _active = _active, grant
    try:
        yield
    finally:
        _active = before


def active() -> WriteGrant | None:
    """Return the grant that the running command uses."""
    return _active


def check_session() -> None:
    """Raise GrantRefusedError when the grant of a shell has ended."""
    if _active is not None and _active.is_session and not _active.seconds_left:
        raise GrantRefusedError("the write grant has ended")


def check_connection(evidence: Evidence) -> None:
    """Raise GrantRefusedError when a new connection leads elsewhere than the grant."""
    if _active is None:
        return
    check_session()
    if (_active.system_identifier, _active.oid, _active.pid) != (
        evidence.system_identifier,
        evidence.oid,
        os.getpid(),
    ):
        raise GrantRefusedError("the write grant was given for another database or process")


def check_transaction(connection: Connection) -> None:
    """Compare the server with what a destruction was confirmed for, inside its transaction.

    Raises GrantRefusedError after a fail-over, a restart or a change of stamps. Spec: S1.18.
    """
    if _active is None or _active.instance is None:
        return
    if stamp.read_instance(connection) != _active.instance:
        raise GrantRefusedError("the server is not the one that was confirmed")


def _command(name: str) -> str:
    return hashlib.sha256("\0".join([name, *sys.argv]).encode()).hexdigest()


def _rows(connection: Connection) -> list[str]:
    cursor: psycopg.Cursor[Any] = psycopg.Cursor(connection)
    names = [str(row[0]) for row in cursor.execute(COUNTED).fetchall()]
    shown = []
    for name in names:
        query = sql.SQL("SELECT count(*) FROM public.{}").format(sql.Identifier(name))
        row = cursor.execute(query).fetchone()
        if row is not None and row[0]:
            shown.append(f"{name}: {row[0]:,} rows")
    return shown
