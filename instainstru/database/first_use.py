"""An embedded database is migrated on first use, by whichever command comes first.

Spec: 01 section 1.
"""

import sys
from typing import Final

from django.core.management import call_command
from django.db import connections

from instainstru.database import maintenance, targets, tiers
from instainstru.database.roles import Role

ALIAS: Final = "default"
LOCK: Final = 7_201_100


def migrate_on_first_use() -> None:
    """Migrate the embedded tier's database if nobody ever has; later migrations are asked for.

    Two first commands at once are put in a row by a lock in the database.
    """
    decision = tiers.decision()
    connection = connections[ALIAS]
    if not decision.is_embedded or targets.is_test_name(str(connection.settings_dict["NAME"])):
        return
    if _is_migrated():
        return
    # On a connection of its own: migrating closes Django's. The lock ends with it.
    with maintenance.connect(decision, role=Role.MIGRATOR) as lock:
        lock.execute("SET lock_timeout = 0")  # as long as the other command migrates
        lock.execute("SELECT pg_catalog.pg_advisory_lock(%s)", [LOCK])
        if not _is_migrated():
            sys.stderr.write("Preparing the database for its first use\n")
            call_command("migrate", interactive=False, verbosity=0)


def _is_migrated() -> bool:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        return bool(cursor.fetchone()[0])
