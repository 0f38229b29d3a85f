"""Which migrations the code knows and the database does not."""

from typing import Final

from django.db import connections
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

ALIAS: Final = "default"


def pending_migrations() -> list[str]:
    """Return their names in the order in which they would run, such as `catalog.0002_offers`."""
    executor = MigrationExecutor(connections[ALIAS])
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def code_migrations() -> frozenset[str]:
    """Return every migration of the code; asks no database."""
    loader = MigrationLoader(None)
    return frozenset(f"{app}.{name}" for app, name in loader.disk_migrations)


def has_history() -> bool:
    """Whether the database has seen any migration at all."""
    return bool(MigrationRecorder(connections[ALIAS]).applied_migrations())
