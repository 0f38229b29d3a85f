"""A person's word, typed on the controlling terminal; nothing else counts as consent.

Spec: S1.2.
"""

import os
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
    """Ask once per process and database for its name as the server reports it.

    Returns when it was typed exactly. Raises ConsentRefusedError for a wrong or empty answer,
    the end of input, Ctrl-C, or no terminal at all. Spec: S1.2.
    """
    key = (os.getpid(), evidence.system_identifier, evidence.oid)
    if key in _confirmed:
        return
    question = (
        f"{decision.tier.badge} read-only session, server {evidence.system_identifier}.\n"
        "Type the name of the database to go on: "
    )
    if ask(question) != evidence.database:
        raise ConsentRefusedError("the database was not named on the terminal")
    audit.record(
        "consent",
        "confirmed",
        tier_wanted=decision.tier.value,
        tier_found=decision.tier.value,
        reason="database named on the terminal",
        database=evidence.database,
    )
    _confirmed.add(key)


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
