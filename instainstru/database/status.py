"""What `db_status` reports: what is wanted, what is found, and whether both agree."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

import psycopg
from django.conf import settings

from instainstru.database import audit, consent, maintenance, stamp, targets, tiers
from instainstru.database.checks import ROUTER
from instainstru.database.inspection import Difference, Findings, inspect
from instainstru.database.pending import pending_migrations
from instainstru.database.refusals import EXIT_REFUSED, TierRefusedError

EXIT_DIFFERENT: Final = 1
EMBEDDED_LAYERS: Final = ("stamp", "gate", "roles", "audit")


@dataclass(slots=True)
class Status:
    """The state of the tier's database; `refusal` says why the gate would turn it away."""

    tier_wanted: str
    is_embedded: bool
    mode: str
    tier_found: str | None = None
    database: str | None = None
    role: str | None = None
    server_version: str | None = None
    system_identifier: str | None = None
    catalogue_stamp: str | None = None
    row_stamp: str | None = None
    row_stamp_matches: bool | None = None
    layers: dict[str, str] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    migrations_pending: list[str] | None = None
    audit_ok: bool = False
    audit_lines: int = 0
    last_backup: str | None = None
    last_verified_restore: str | None = None
    refusal: str | None = None

    @property
    def exit_code(self) -> int:
        """0 consistent, 1 differences, 3 refused.

        The embedded tiers are complete without brakes: they hold test data alone.
        """
        if self.refusal is not None:
            return EXIT_REFUSED
        wanted = EMBEDDED_LAYERS if self.is_embedded else self.layers
        has_all = all(self.layers[name] in {"installed", "partial"} for name in wanted)
        is_consistent = has_all and self.audit_ok and not self.migrations_pending
        return 0 if is_consistent else EXIT_DIFFERENT

    def as_dict(self) -> dict[str, Any]:
        """Return the report for `--json`."""
        return {**asdict(self), "exit_code": self.exit_code}


def read_status(decision: tiers.Decision) -> Status:
    """Look at the server without the gate, at the audit log and at the migrations.

    Raises psycopg.OperationalError when the server does not answer.
    """
    status = Status(
        tier_wanted=decision.tier.value,
        is_embedded=decision.is_embedded,
        mode=decision.mode.value,
    )
    verdict = audit.verify()
    status.audit_ok, status.audit_lines = verdict.is_ok, verdict.lines
    with maintenance.connect(decision) as connection:
        _read_server(status, connection)
        try:
            _read_stamps(status, connection, decision)
        except TierRefusedError as error:
            status.refusal = error.reason
        findings = _inspect(connection, decision)
    if status.refusal is None:
        status.migrations_pending = pending_migrations()
    status.layers = _layers(status, findings)
    status.differences = [item.what for item in findings.differences]
    _read_backups(status)
    return status


def _read_backups(status: Status) -> None:
    """Say when the newest backup that lies here was made, and when one was last proved."""
    from instainstru.database.backups import shelf

    made, proved = shelf.newest_times(status.tier_wanted)
    status.last_backup = made.isoformat() if made else None
    status.last_verified_restore = proved.isoformat() if proved else None


def _inspect(connection: stamp.Connection, decision: tiers.Decision) -> Findings:
    try:
        return inspect(connection, decision.tier)
    except TierRefusedError as error:
        layers = ("stamp", "roles", "brakes")
        return Findings(tuple(Difference(error.reason, layer) for layer in layers))


def _read_server(status: Status, connection: stamp.Connection) -> None:
    row = psycopg.Cursor(connection).execute("SELECT current_user, version()").fetchone()
    if row is not None:
        status.role, status.server_version = row
    status.database = connection.info.dbname


def _read_stamps(status: Status, connection: stamp.Connection, decision: tiers.Decision) -> None:
    evidence = stamp.read_evidence(connection)
    if decision.needs_confirmation:
        consent.require_named_database(decision, evidence)
    status.system_identifier = evidence.system_identifier
    status.catalogue_stamp = ", ".join(evidence.catalogue) or None
    status.row_stamp = ", ".join(row.tier for row in evidence.rows) or None
    if evidence.rows:
        here = (evidence.system_identifier, evidence.oid)
        found = [(row.system_identifier, row.database_oid) for row in evidence.rows]
        status.row_stamp_matches = found == [here]
    tier = stamp.effective_tier(evidence)
    status.tier_found = tier.value
    if tier is not decision.tier:
        raise TierRefusedError(f"{decision.tier} is wanted, the database is stamped {tier}")


def _layers(status: Status, findings: Findings) -> dict[str, str]:
    is_router = list(settings.DATABASE_ROUTERS) == [ROUTER]
    is_gate = all(values["ENGINE"] == targets.ENGINE for values in settings.DATABASES.values())
    return {
        "stamp": "missing" if status.row_stamp_matches is False else findings.layer("stamp"),
        "gate": "installed" if is_gate and is_router else "missing",
        "roles": findings.layer("roles"),
        "brakes": findings.layer("brakes"),
        "audit": "installed" if status.audit_ok else "broken",
    }
