"""What a backup says about itself, in a signed file beside the archive. Spec: S19.1"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from instainstru.database.backups import sealing
from instainstru.database.backups.errors import BackupError

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One backup; times are ISO texts in UTC, sizes bytes."""

    name: str
    tier: str
    database: str
    system_identifier: str
    database_oid: int
    created_at: str
    reason: str
    git_sha: str
    server_version: int
    schema_version: str
    migrations: list[str]
    tables: dict[str, list[str]]
    """Table -> number of rows and checksum over them."""
    size: int
    sha256: str
    verified_at: str = ""
    """When it was last restored and found equal; empty for never."""
    format: int = FORMAT

    @property
    def created(self) -> datetime:
        """When its snapshot was taken."""
        return datetime.fromisoformat(self.created_at)

    @property
    def verified(self) -> datetime | None:
        """When it was last proved, if ever."""
        return datetime.fromisoformat(self.verified_at) if self.verified_at else None

    @property
    def row_count(self) -> int:
        """Rows of all tables."""
        return sum(int(rows) for rows, _ in self.tables.values())

    def proved(self, now: datetime) -> "Manifest":
        """Return the manifest of the backup after a restore that matched."""
        return replace(self, verified_at=now.astimezone(UTC).isoformat(timespec="seconds"))


def write(manifest: Manifest, key: str) -> str:
    """Return the file's text, signed."""
    values = asdict(manifest)
    return json.dumps({**values, "signature": sealing.signature(_plain(values), key)}, indent=1)


def read(text: str, key: str | None = None) -> Manifest:
    """Return what a file says; with a key only if it was signed with that.

    Raises BackupError for another format, a wrong signature and what is no manifest.
    """
    try:
        values: dict[str, Any] = json.loads(text)
        given = values.pop("signature")
        if values.get("format") != FORMAT:
            raise BackupError(f"the manifest has format {values.get('format')}, not {FORMAT}")
        manifest = Manifest(**values)
    except (ValueError, TypeError, KeyError, AttributeError):
        raise BackupError("the manifest cannot be read") from None
    if key is not None and not sealing.is_signed(_plain(values), str(given), key):
        message = "the manifest was changed, or BACKUP_KEY is not the one it was made with"
        raise BackupError(message)
    return manifest


def _plain(values: dict[str, Any]) -> bytes:
    return json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
