"""What `db_protect` does: install with the admin URL, verify at a deploy, unlock, restamp.

Spec: S1.9, S1.14, S1.16.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg

from instainstru.database import audit, consent, installation, maintenance, stamp, targets, tiers
from instainstru.database.inspection import Difference, Findings, inspect
from instainstru.database.refusals import TierRefusedError
from instainstru.database.roles import Role
from instainstru.database.stamp import Connection


class ProtectionRefusedError(TierRefusedError):
    """The server or the tier cannot be protected from here."""

    code = "protection"


def protect(decision: tiers.Decision) -> tuple[list[Difference], Findings]:
    """Install what is missing; return that and what is still missing afterwards.

    Doing it twice changes nothing. The first `prod` stamp takes the typed name of the database.
    Raises TierRefusedError on an old server, for a copy, and for a database of another tier.
    """
    with _admin(decision) as connection:
        stamp.refuse_old_server(connection)
        evidence = stamp.read_evidence(connection)
        _refuse_other_tier(evidence, decision.tier)
        if decision.tier is tiers.Tier.PROD and evidence.is_unstamped:
            consent.require_name(decision, evidence, "first prod stamp")
        before = inspect(connection, decision.tier).differences
        if before:
            _install(connection, decision)
        after = inspect(connection, decision.tier)
        mended = [item for item in before if item not in after.differences]
        if mended:
            _audit(decision, "protect", ", ".join(item.what for item in mended), evidence.database)
    return mended, after


def _install(connection: Connection, decision: tiers.Decision) -> None:
    stamp.install_extensions(connection)
    stamp.stamp_database(connection, decision.tier)
    installation.install_roles(connection, _passwords(decision))
    installation.install_rights(connection)
    installation.install_brakes(connection, decision.tier)


def _passwords(decision: tiers.Decision) -> dict[Role, str]:
    found = ((role, targets.role_location(decision, role)) for role in Role)
    return {role: where.password for role, where in found if where and where.user == role.value}


def verify(decision: tiers.Decision) -> tuple[list[Difference], Findings]:
    """Mend what the owner of the tables can mend; return that and what is still missing.

    This is a step of every deploy, after `migrate`: new tables get their rights and brakes.
    """
    with maintenance.connect(decision, role=Role.MIGRATOR) as connection:
        _refuse_other_tier(stamp.read_evidence(connection), decision.tier)
        before = inspect(connection, decision.tier)
        if any(item.is_repairable for item in before.differences):
            _mend(connection)
        after = inspect(connection, decision.tier)
        mended = [item for item in before.differences if item not in after.differences]
        if mended:
            text = ", ".join(item.what for item in mended)
            _audit(decision, "protect", text, connection.info.dbname)
    return mended, after


def _mend(connection: Connection) -> None:
    with connection.transaction():
        installation.mend_rights(connection)
        installation.pull_table_brakes(connection)
        connection.execute(installation.ARM)


def recover(decision: tiers.Decision) -> None:
    """Stamp production anew where it was moved or restored, and keep its data. Spec: S1.9.

    The database must carry a `prod` row stamp of another server or database; a person sees it
    and types the database's name. Raises TierRefusedError otherwise.
    """
    if decision.tier is not tiers.Tier.PROD:
        raise ProtectionRefusedError(f"only PROD is recovered; {decision.tier} is wanted")
    with _admin(decision) as connection:
        evidence = stamp.read_evidence(connection)
        here = (evidence.system_identifier, evidence.oid)
        found = [(row.system_identifier, row.database_oid) for row in evidence.rows]
        if [row.tier for row in evidence.rows] != [tiers.Tier.PROD.value] or found == [here]:
            raise ProtectionRefusedError(f"database {evidence.database} is no moved prod database")
        consent.require_name(decision, evidence, "production has moved here")
        stamp.restamp_moved(connection)
        _audit(decision, "restamp", "production has moved here", evidence.database, "confirmed")


def adopt_copy(
    decision: tiers.Decision, tier: tiers.Tier, replace_people: Callable[[Connection], None]
) -> None:
    """Make a copy from elsewhere the database of a test tier, once its people are replaced.

    `replace_people` goes on where an interrupted run stopped; the copy stays refused until it
    has returned. Raises TierRefusedError on PROD, for another tier than the process's, and for
    whatever is no copy or lies on production's own server. Spec: S1.9.
    """
    if tiers.Tier.PROD in (decision.tier, tier) or tier is not decision.tier:
        raise ProtectionRefusedError(
            f"this process is on {decision.tier}; a copy becomes int or stg"
        )
    with _admin(decision) as connection:
        evidence = stamp.read_evidence(connection)
        stamp.require_foreign_copy(evidence)
        found = evidence.rows[0]
        reason = f"copy of {found.tier} of server {found.system_identifier}: replacing people"
        _audit(decision, "restamp", reason, evidence.database, "confirmed")
        replace_people(connection)
        stamp.restamp_copy(connection, tier)
        _audit(decision, "restamp", f"people replaced, stamped {tier}", evidence.database)


def unlock(decision: tiers.Decision, names: Sequence[str], reason: str) -> None:
    """Let the migrator's role pass the brakes once for each named migration or command.

    Takes the admin URL and, on PROD, the typed name of the database. Spec: S1.14.
    """
    where = targets.role_location(decision, Role.MIGRATOR) or targets.location(decision)
    with _admin(decision) as connection:
        evidence = stamp.read_evidence(connection)
        _refuse_other_tier(evidence, decision.tier)
        if decision.tier is tiers.Tier.PROD:
            consent.require_name(decision, evidence, f"unlock for {', '.join(names)}")
        for name in names:
            installation.unlock(connection, evidence.oid, where.user, name, reason)
            _audit(decision, f"unlock {name}", reason, evidence.database, result="confirmed")


def recreate_schema(decision: tiers.Decision) -> None:
    """Empty the database of a test tier, and protect it again as far as it was protected.

    Raises TierRefusedError on PROD, and on a real server without the admin URL.
    """
    if decision.tier is tiers.Tier.PROD:
        raise ProtectionRefusedError("the schema of PROD is not dropped")
    with _admin(decision) as connection:
        evidence = stamp.read_evidence(connection)
        stamp.require_tier(evidence, decision.tier)
        has_brakes = installation.is_armed(connection)
        try:
            installation.drop_schema(connection, evidence.oid)
        except psycopg.errors.InsufficientPrivilege:
            variable = decision.tier.variable(Role.ADMIN.suffix)
            raise ProtectionRefusedError(f"dropping the schema needs {variable}") from None
        stamp.install_extensions(connection)
        installation.install_rights(connection)
        if has_brakes:
            installation.install_brakes(connection, decision.tier)
        _audit(decision, "reset_schema", "schema dropped and made again", evidence.database)


def require_admin(decision: tiers.Decision) -> None:
    """Raise ProtectionRefusedError on PROD where the admin's URL is not at hand."""
    if decision.tier is tiers.Tier.PROD and targets.role_location(decision, Role.ADMIN) is None:
        variable = decision.tier.variable(Role.ADMIN.suffix)
        raise ProtectionRefusedError(f"{variable} is not set")


@contextmanager
def _admin(decision: tiers.Decision) -> Iterator[Connection]:
    require_admin(decision)
    with maintenance.connect(decision, role=Role.ADMIN) as connection:
        yield connection


def _refuse_other_tier(evidence: stamp.Evidence, tier: tiers.Tier) -> None:
    if not evidence.is_unstamped:
        stamp.require_tier(evidence, tier)


def _audit(
    decision: tiers.Decision,
    action: str,
    reason: str,
    database: str,
    result: audit.Result = "allowed",
) -> None:
    audit.record(
        action,
        result,
        tier_wanted=decision.tier.value,
        tier_found=decision.tier.value,
        reason=reason,
        database=database,
    )
