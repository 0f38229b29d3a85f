"""`manage.py reset_schema`: an empty schema in the same database, migrated and seeded again."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections

from instainstru.database import protection
from instainstru.preparation import prepare_database, timed


class Command(BaseCommand):
    """Drops the schema, restores stamps, roles and brakes, migrates and seeds. Spec: 12 section 6.

    INT and STG only; a real server needs the admin URL of its tier.
    """

    help = "Drop and rebuild the schema of this tier's database (INT or STG), then seed."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        step = timed(self.stdout.write)
        connections.close_all()
        with step("Dropping the schema"):
            protection.recreate_schema(settings.DECISION)
        prepare_database(step)
