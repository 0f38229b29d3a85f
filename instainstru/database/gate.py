"""The gate: every new physical connection proves its tier before anything uses it.

Spec: S1.9, S1.10.
"""

import os
from typing import Final
from weakref import WeakSet

from instainstru.database import audit, consent, grants
from instainstru.database.refusals import TierRefusedError
from instainstru.database.stamp import Connection, Evidence, effective_tier, read_evidence
from instainstru.database.tiers import Decision, Tier

_admitted: Final[WeakSet[Connection]] = WeakSet()
_audited: Final[set[tuple[int, str]]] = set()


class TierMismatchError(TierRefusedError):
    """The database belongs to another tier than the process."""

    code = "tier_mismatch"


def admit(connection: Connection, decision: Decision, alias: str) -> None:
    """Let a connection pass when the tier found is the tier expected, in both directions.

    Looks once per physical connection, however often a pool hands it out. Raises
    TierRefusedError; the caller closes the connection. Spec: S1.10.
    """
    if connection in _admitted:
        return
    try:
        evidence = read_evidence(connection)
        found = _verify(evidence, decision)
        grants.check_connection(evidence)
        if decision.needs_confirmation:
            consent.require_named_database(decision, evidence)
    except TierRefusedError as error:
        audit.record_refusal(f"connect {alias}", error, tier_wanted=decision.tier.value)
        raise
    _audit_first(alias, decision, found, evidence)
    _admitted.add(connection)


def _verify(evidence: Evidence, decision: Decision) -> Tier:
    found = effective_tier(evidence)
    if found is not decision.tier:
        variable = decision.tier.variable("DATABASE_URL")
        raise TierMismatchError(
            f"{variable} leads to database {evidence.database}, which is stamped {found}"
        )
    return found


def _audit_first(alias: str, decision: Decision, found: Tier, evidence: Evidence) -> None:
    key = (os.getpid(), alias)
    if key in _audited:
        return
    audit.record(
        f"connect {alias}",
        "allowed",
        tier_wanted=decision.tier.value,
        tier_found=found.value,
        database=evidence.database,
    )
    _audited.add(key)
