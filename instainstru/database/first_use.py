"""An embedded database is migrated on first use, by whichever command comes first.

Spec: 01 section 1.
"""

import sys
from typing import Final

from django.core.management import call_command
from django.db import connections

from instainstru.database import targets, tiers

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
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        if not _is_migrated():
            sys.stderr.write("Preparing the database for its first use\n")
            call_command("migrate", interactive=False, verbosity=0)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def _is_migrated() -> bool:
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("SELECT to_regclass('django_migrations') IS NOT NULL")
        return bool(cursor.fetchone()[0])
