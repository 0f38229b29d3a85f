"""A person's word, typed on the controlling terminal; nothing else counts as consent.

Spec: S1.2, S1.17, S1.18.
"""

import os
from collections.abc import Sequence
from typing import Final

from instainstru.database import audit
from instainstru.database.refusals import TierRefusedError
from instainstru.database.stamp import Evidence
from instainstru.database.tiers import Decision

TERMINAL: Final = "/dev/tty"
LONGEST_ANSWER: Final = 256

_confirmed: set[tuple[int, str, int]] = set()
"""Process, server and database that a person has named; a fork has to ask again."""


class ConsentRefusedError(TierRefusedError):
    """Nobody typed the database's name."""

    code = "consent"


def require_named_database(decision: Decision, evidence: Evidence) -> None:
    """Ask once per process and database for its name before a read-only session.

    Returns when it was typed exactly. Raises ConsentRefusedError for a wrong or empty answer,
    the end of input, Ctrl-C, or no terminal at all. Spec: S1.2.
    """
    if _key(evidence) not in _confirmed:
        require_name(decision, evidence, "read-only session")


def require_name(decision: Decision, evidence: Evidence, what: str) -> None:
    """Ask for the database's name as the server reports it, whatever was asked before.

    Raises ConsentRefusedError unless it is typed exactly.
    """
    rows = ", ".join(f"{row.tier} of server {row.system_identifier}" for row in evidence.rows)
    question = (
        f"{decision.tier.badge} {what}, server {evidence.system_identifier}"
        f" ({f'row stamp {rows}' if rows else 'no stamp'}).\n"
        "Type the name of the database to go on: "
    )
    if ask(question) != evidence.database:
        raise ConsentRefusedError("the database was not named on the terminal")
    note(decision, evidence, f"{what}: database named on the terminal")
    _confirmed.add(_key(evidence))


def require_reason() -> str:
    """Ask why. Raises ConsentRefusedError for an empty answer."""
    if not (reason := ask("Reason, for the audit: ")):
        raise ConsentRefusedError("no reason was given on the terminal")
    return reason


def require_phrase(decision: Decision, evidence: Evidence, shown: Sequence[str]) -> None:
    """Show what would be lost and ask for `DESTROY <database>`. Spec: S1.18.

    Raises ConsentRefusedError for anything else.
    """
    phrase = f"DESTROY {evidence.database}"
    lines = "\n".join(f"  {line}" for line in shown)
    if ask(f"{decision.tier.badge} would be lost:\n{lines}\nType {phrase} to go on: ") != phrase:
        raise ConsentRefusedError("the phrase was not typed on the terminal")
    note(decision, evidence, "destruction: phrase typed on the terminal")


def note(decision: Decision, evidence: Evidence, reason: str, action: str = "consent") -> None:
    """Audit what a person agreed to."""
    audit.record(
        action,
        "confirmed",
        tier_wanted=decision.tier.value,
        tier_found=decision.tier.value,
        reason=reason,
        database=evidence.database,
    )


def ask(question: str) -> str:
    """Return one line typed on the controlling terminal, never from standard input.

    Raises ConsentRefusedError when there is no terminal or the person breaks off.
    """
    try:
        descriptor = os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY)
    except OSError:
        raise ConsentRefusedError("there is no terminal to ask on") from None
    try:
        os.write(descriptor, question.encode())
        return os.read(descriptor, LONGEST_ANSWER).decode(errors="replace").strip()
    except (KeyboardInterrupt, OSError):
        raise ConsentRefusedError("the question was not answered") from None
    finally:
        os.close(descriptor)


def _key(evidence: Evidence) -> tuple[int, str, int]:
    return (os.getpid(), evidence.system_identifier, evidence.oid)
