"""What `db_protect` installs in a database and how it is verified: extensions and stamps.

Roles and brakes are not part of it yet; a production database is not stamped here. Spec: S1.16.
"""

from dataclasses import dataclass

from instainstru.database import audit, maintenance, stamp, tiers
from instainstru.database.refusals import TierRefusedError
from instainstru.database.stamp import Connection


class ProtectionRefusedError(TierRefusedError):
    """The server or the tier cannot be protected from here."""

    code = "protection"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is missing, in words for a person."""

    what: str


def differences(connection: Connection, tier: tiers.Tier) -> list[Difference]:
    """Return what is missing in the connected database, empty when it is protected.

    Raises TierRefusedError for a database of another tier or a copy.
    """
    refuse_old_server(connection)
    present = {
        str(row[0])
        for row in connection.execute("SELECT extname FROM pg_catalog.pg_extension").fetchall()
    }
    missing = [Difference(f"extension {n}") for n in stamp.EXTENSIONS if n not in present]
    evidence = stamp.read_evidence(connection)
    if not evidence.is_unstamped and (found := stamp.effective_tier(evidence)) is not tier:
        raise ProtectionRefusedError(f"database {evidence.database} is stamped {found}, not {tier}")
    if not evidence.catalogue:
        missing.append(Difference("catalogue stamp"))
    if not evidence.rows:
        missing.append(Difference("row stamp"))
    return missing


def protect(decision: tiers.Decision) -> list[Difference]:
    """Install what is missing and return it; doing it twice changes nothing.

    Raises TierRefusedError on PROD, on an old server, and for a database of another tier.
    """
    if decision.tier is tiers.Tier.PROD:
        raise ProtectionRefusedError(
            "db_protect does not stamp production databases yet: it installs no roles and brakes,"
            f" and {tiers.U} is set"
        )
    with maintenance.connect(decision, is_admin=True) as connection:
        missing = differences(connection, decision.tier)
        if missing:
            stamp.install_extensions(connection)
            stamp.stamp_database(connection, decision.tier)
            _audit(decision, missing, connection.info.dbname)
    return missing


def verify(decision: tiers.Decision) -> list[Difference]:
    """Return what is missing as the tier's own role sees it, changing nothing."""
    with maintenance.connect(decision) as connection:
        return differences(connection, decision.tier)


def refuse_old_server(connection: Connection) -> None:
    """Raise ProtectionRefusedError for a server older than PostgreSQL 18."""
    if connection.info.server_version < stamp.OLDEST_SERVER:
        raise ProtectionRefusedError("the server is older than PostgreSQL 18")


def _audit(decision: tiers.Decision, missing: list[Difference], database: str) -> None:
    audit.record(
        "protect",
        "allowed",
        tier_wanted=decision.tier.value,
        tier_found=decision.tier.value,
        reason=", ".join(item.what for item in missing),
        database=database,
    )
