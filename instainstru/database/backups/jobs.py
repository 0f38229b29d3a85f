"""What runs by itself: the nightly backup with its proof, and one before each migration.

Spec: S19.1, 01 section 4
"""

from typing import Any, Final

import structlog
from django.conf import settings

from instainstru import clock
from instainstru.database import pending, tiers
from instainstru.database.backups import keeping, keys, making, proving, shelf
from instainstru.database.backups.errors import BackupError
from instainstru.database.backups.manifest import Manifest

log = structlog.get_logger()
LOOKS_ONLY: Final = ("plan", "check_unapplied")


def make(reason: str, key: str) -> Manifest:
    """Write a backup of this process's tier; the caller holds the lock. Raises BackupError."""
    return making.make_backup(tiers.decision(), reason=reason, key=key)


def newest() -> Manifest:
    """Return this tier's newest backup. Raises BackupError when there is none."""
    tier = tiers.decision().tier.value
    if found := shelf.backups(tier):
        return found[0]
    raise BackupError(f"there is no {tier} backup in {settings.BACKUP_DIR}")


def prune() -> list[str]:
    """Delete what need not be kept, of this tier, and leftovers; the caller holds the lock."""
    gone = shelf.remove_leftovers()
    for item in keeping.superfluous(shelf.backups(tiers.decision().tier.value), clock.now()):
        shelf.remove(item.name)
        gone.append(item.name)
    return gone


def back_up_nightly() -> str:
    """Make, prove and prune; return the new backup's name. Raises BackupError.

    A second run meanwhile is refused, so a message that comes twice does no harm.
    """
    key = keys.key_for_automatic_backup()
    try:
        with shelf.locked():
            made = make("nightly", key)
            proving.prove(made.name, key)
            prune()
    except BackupError as error:
        log.error("backup_failed", reason=error.message)  # noqa: TRY400 - the reason says it all
        raise
    log.info("backup_made", backup=made.name, bytes=made.size)
    return made.name


def back_up_before(name: str, options: dict[str, Any]) -> Manifest | None:
    """Make a backup before a migration of STG or PROD that has something to do.

    None when there is nothing to lose or nothing to do. Raises BackupError: then nothing may be
    migrated.
    """
    if name != "migrate" or tiers.decision().tier is tiers.Tier.INT:
        return None
    if any(options.get(option) for option in LOOKS_ONLY) or not pending.has_history():
        return None
    if not options.get("migration_name") and not pending.pending_migrations():
        return None
    key = keys.key_for_automatic_backup()
    with shelf.locked():
        made = make("before migrate", key)
        prune()
    return made
