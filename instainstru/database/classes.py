"""Every management command's class, and which command is running.

A command that the table does not know counts as destructive, and a test fails. Spec: 01 section 4.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final


class CommandClass(StrEnum):
    """What a command may do to data, mildest first."""

    READ = "read"
    SHELL = "shell"
    SERVER = "server"
    MAINTENANCE = "maintenance"
    SCHEMA = "schema"
    NEVER_ON_PROD = "never on PROD"
    DESTRUCTIVE = "destructive"


_NAMES: Final[Mapping[CommandClass, str]] = {
    CommandClass.READ: (
        "check collectstatic compilemessages diffsettings dumpdata findstatic inspectdb"
        " makemessages makemigrations optimizemigration sendtestemail showmigrations sqlflush"
        " sqlmigrate sqlsequencereset squashmigrations startapp startproject"
        " check_invariants db_audit db_status db_verify deploy_check evaluate_search export_model"
        " privacy_verify search axes_list_attempts"
    ),
    CommandClass.SHELL: "dbshell debugsqlshell shell",
    CommandClass.SERVER: "runserver up",
    CommandClass.MAINTENANCE: (
        "account_unsetmultipleprimaryemails changepassword clean_orphan_obj_perms clearsessions"
        " createsuperuser"
        " analytics_rollup apply_retention backup embed import_catalog make_tax_records"
        " privacy_erase privacy_export replay_dead sync_roles sync_schedule"
        " axes_reset axes_reset_failure_logs axes_reset_ip axes_reset_ip_username"
        " axes_reset_logs axes_reset_username"
    ),
    CommandClass.SCHEMA: "createcachetable db_protect migrate",
    CommandClass.NEVER_ON_PROD: "reset seed test testserver",
    CommandClass.DESTRUCTIVE: "flush loaddata remove_stale_contenttypes reset_schema",
}
TABLE: Final[Mapping[str, CommandClass]] = {
    name: kind for kind, names in _NAMES.items() for name in names.split()
}
# The seed counts rows for the planner, and fixtures set sequences: only the tables' owner may.
_OWNERS: Final = frozenset({"flush", "loaddata", "migrate", "reset_schema", "seed"})
TEST_RUNNERS: Final = frozenset({"test", "testserver"})
# These work without a migrated database, or bring it about themselves.
_WITHOUT_SCHEMA: Final = (
    "backup check collectstatic compilemessages createcachetable db_audit db_protect db_status"
    " db_verify dbshell diffsettings export_model findstatic flush inspectdb makemessages"
    " makemigrations migrate optimizemigration reset reset_schema sendtestemail"
    " showmigrations sqlflush sqlmigrate sqlsequencereset squashmigrations startapp"
    " startproject test testserver up"
)
WITHOUT_SCHEMA: Final = frozenset(_WITHOUT_SCHEMA.split())


@dataclass(frozen=True, slots=True)
class Running:
    """A command that the wrapper has let through."""

    name: str
    kind: CommandClass


_running: ContextVar[tuple[Running, ...]] = ContextVar("running_commands", default=())


def classify(name: str, options: Mapping[str, Any] | None = None) -> CommandClass:
    """Return the class of a command as it is being called.

    Undoing every migration and restoring a backup onto the live database outweigh the command's
    own class; a restore into a new database, which `--database` names, replaces nothing.
    """
    given = options or {}
    if name == "migrate" and given.get("migration_name") == "zero":
        return CommandClass.DESTRUCTIVE
    if name == "backup" and given.get("action") == "list":
        return CommandClass.READ
    if name == "backup" and given.get("action") == "restore" and not given.get("database"):
        return CommandClass.DESTRUCTIVE
    return TABLE.get(name, CommandClass.DESTRUCTIVE)


def needs_owner(name: str, kind: CommandClass) -> bool:
    """Whether a command works as the owner of the tables; the others only change rows."""
    return kind is CommandClass.SCHEMA or name in _OWNERS


@contextmanager
def running(name: str, kind: CommandClass) -> Iterator[None]:
    """Mark a command as running for the length of the block."""
    token = _running.set((*_running.get(), Running(name, kind)))
    try:
        yield
    finally:
        _running.reset(token)


def current() -> Running | None:
    """Return the innermost running command."""
    return stack[-1] if (stack := _running.get()) else None


def may_migrate() -> bool:
    """Whether the running command may ask for models to migrate, dump or load. Spec: S1.23."""
    return (command := current()) is not None and command.kind in {
        CommandClass.SCHEMA,
        CommandClass.DESTRUCTIVE,
        CommandClass.NEVER_ON_PROD,
        CommandClass.READ,
    }
