"""`manage.py reset`: back to a fresh demo city."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from instainstru.database import embedded
from instainstru.preparation import prepare_database, timed


class Command(BaseCommand):
    """Deletes the tier's embedded data and seeds again; INT and STG only.

    Refuses while the servers are in use, and where a URL names a real server.
    """

    help = "Delete the embedded data of this tier (INT or STG) and seed again."
    requires_system_checks: list[str] = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        tier, var = settings.DECISION.tier, settings.VAR_DIR
        if not settings.DECISION.is_embedded:
            name = tier.variable("DATABASE_URL")
            raise CommandError(f"{name} names a real server; this deletes embedded data only")
        step = timed(self.stdout.write)
        connections.close_all()
        try:
            with step(f"Deleting the {tier.name} data"):
                removed = embedded.remove_data(tier.value, var)
            for path in removed:
                self.stdout.write(f"  {path}")
            with step("Starting PostgreSQL and Valkey"):
                embedded.ensure_running(tier.value, var)
        except embedded.EmbeddedServersError as error:
            raise CommandError(error.message) from error
        prepare_database(step)
