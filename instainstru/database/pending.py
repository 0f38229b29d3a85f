"""Which migrations the code knows and the database does not."""

from typing import Final

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

ALIAS: Final = "default"


def pending_migrations() -> list[str]:
    """Return their names in the order in which they would run, such as `catalog.0002_offers`."""
    executor = MigrationExecutor(connections[ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
