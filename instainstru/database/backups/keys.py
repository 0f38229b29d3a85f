"""The key of backups: from the environment; on an embedded tier a file serves automatic ones.

Spec: S19.2
"""

from typing import Final

from django.conf import settings

from instainstru.database import tiers
from instainstru.database.backups.errors import BackupError
from instainstru.secret_key import generated_text

VARIABLE: Final = "BACKUP_KEY"
MIN_LENGTH: Final = 32
FILE: Final = "backup_key"


def backup_key() -> str:
    """Return `BACKUP_KEY`. Raises BackupError when it is missing or short."""
    key: str = settings.BACKUP_KEY
    if len(key) < MIN_LENGTH:
        raise BackupError(f"{VARIABLE} must be set to at least {MIN_LENGTH} random characters")
    return key


def key_for_automatic_backup() -> str:
    """Return the key for a backup that nobody asked for by name.

    Where the embedded servers hold test data, a generated key in `var/` does: a developer's
    migration should not stop for a variable.
    """
    if settings.BACKUP_KEY or not tiers.decision().is_embedded:
        return backup_key()
    return generated_text(settings.VAR_DIR / FILE)
