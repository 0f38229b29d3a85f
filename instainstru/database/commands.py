"""The wrapper that every management command passes, whichever door it enters by.

It sits in `BaseCommand`, so `manage.py`, `django-admin`, `python -m django` and `call_command`
meet the same rules. Spec: S1.5, S1.7, S1.24.
"""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import psycopg
from django.conf import settings
from django.core.management import ManagementUtility, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, ProgrammingError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor

from instainstru.database import (
    audit,
    checks,
    classes,
    command_rights,
    rules,
    session,
    targets,
    tiers,
)
from instainstru.database.backend.base import refuse_plain_engines
from instainstru.database.classes import CommandClass
from instainstru.database.embedded import EmbeddedServersError
from instainstru.database.pending import pending_migrations
from instainstru.database.refusals import (
    EXIT_REFUSED,
    TierRefusedError,
    install_exit_code,
    print_refusal,
)

YES: Final = "--yes"
WRITE: Final = "--write"
UNKNOWN_EXIT: Final = 1

_is_command_line: ContextVar[bool] = ContextVar("is_command_line", default=False)
_is_approved: ContextVar[bool] = ContextVar("is_approved", default=False)
_wants_to_write: ContextVar[bool] = ContextVar("wants_to_write", default=False)


def execute(argv: list[str]) -> None:
    """Run one management command for `manage.py`.

    A refusal ends with code 3 and one line; a database that is away or lacks tables and columns
    of the code ends with code 1 and one sentence.
    """
    install()
    try:
        Utility(argv).execute()
    except TierRefusedError as error:
        print_refusal(error)
        sys.exit(EXIT_REFUSED)
    except (EmbeddedServersError, OperationalError, psycopg.OperationalError) as error:
        if not _is_away(error) or "--traceback" in argv:
            raise
        sys.stderr.write(f"The database does not answer: {error}\n")
        sys.exit(UNKNOWN_EXIT)
    except ProgrammingError as error:
        if not _is_older_than_code(error) or "--traceback" in argv:
            raise
        sys.stderr.write("The database is older than the code; run manage.py migrate first.\n")
        sys.exit(UNKNOWN_EXIT)


def _is_older_than_code(error: ProgrammingError) -> bool:
    """Tell a missing table or column of a database with pending migrations from a wrong query."""
    missing = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)
    return isinstance(error.__cause__, missing) and bool(pending_migrations())


def _is_away(error: Exception) -> bool:
    """Tell a failed connection from a failed statement, which has a state."""
    return getattr(error.__cause__ or error, "sqlstate", None) is None


def install() -> None:
    """Put the wrapper into Django's command base class; doing it twice changes nothing."""
    if getattr(BaseCommand.execute, "is_guarded", False):
        return
    install_exit_code()
    refuse_plain_engines()
    BaseCommand.execute = _guarded_execute(BaseCommand.execute)  # type: ignore[method-assign]
    BaseCommand.run_from_argv = _guarded_run(BaseCommand.run_from_argv)  # type: ignore[method-assign]
    for name in ("apply_migration", "unapply_migration"):
        setattr(MigrationExecutor, name, _audited_migration(getattr(MigrationExecutor, name)))


class Utility(ManagementUtility):
    """Django's utility with help grouped by class under the tier's badge."""

    def main_help_text(self, commands_only: bool = False) -> str:
        """Return the list of commands, mildest class first."""
        if commands_only:
            return str(super().main_help_text(commands_only))
        groups: dict[CommandClass, list[str]] = defaultdict(list)
        for name in sorted(get_commands()):
            groups[classes.classify(name)].append(name)
        lines = [f"{tiers.decision().tier.badge} {self.prog_name} <command> --help", ""]
        for kind in CommandClass:
            lines += [kind.value, *(f"    {name}" for name in groups[kind]), ""]
        return "\n".join(lines)


def declare_server(name: str) -> None:
    """Let a server process that is no management command (WSGI, worker, beat) start.

    Raises TierRefusedError on PROD without both switches. Spec: S1.24.
    """
    _ = settings.DATABASES  # the settings read `.env` before the decision falls
    decision = tiers.decision()
    _enforce(name, CommandClass.SERVER, decision)
    command_rights.become_server()
    _audit(name, CommandClass.SERVER, decision, "start")


def name_of(command: BaseCommand) -> str:
    """Return the name under which a command is called: that of its module."""
    return type(command).__module__.rpartition(".")[2]


def _guarded_run(original: Callable[..., None]) -> Callable[..., None]:
    def run_from_argv(self: BaseCommand, argv: list[str]) -> None:
        sys.stderr.write(f"{tiers.decision().tier.badge}\n")
        arguments, is_approved = _without(YES, self, argv)
        wants_to_write = False
        if classes.classify(name_of(self)) is CommandClass.SHELL:
            arguments, wants_to_write = _without(WRITE, self, arguments)
        tokens = (
            (_is_command_line, _is_command_line.set(True)),
            (_is_approved, _is_approved.set(is_approved)),
            (_wants_to_write, _wants_to_write.set(wants_to_write)),
        )
        try:
            original(self, arguments)
        finally:
            for variable, token in tokens:
                variable.reset(token)

    return run_from_argv


def _without(word: str, command: BaseCommand, argv: list[str]) -> tuple[list[str], bool]:
    """Take a word of the wrapper's own out, which Django's commands do not know."""
    given = argv[: argv.index("--")] if "--" in argv else argv
    if word not in given:
        return argv, False
    parser = command.create_parser(argv[0], argv[1])
    is_own = any(word in action.option_strings for action in parser._actions)  # noqa: SLF001
    rest = argv[len(given) :]
    return (argv if is_own else [item for item in given if item != word] + rest), True


def _guarded_execute(original: Callable[..., Any]) -> Callable[..., Any]:
    def execute(self: BaseCommand, *args: Any, **options: Any) -> Any:
        name = name_of(self)
        kind = classes.classify(name, options)
        decision = tiers.decision()
        # Also where settings of one's own leave the building's app out.
        checks.refuse_other_engines()
        is_command_line = _is_command_line.get()
        need = _enforce(name, kind, decision)
        is_agreed = _is_approved.get() or need is rules.Need.DESTRUCTION
        if is_agreed and kind is CommandClass.DESTRUCTIVE and "interactive" in options:
            options["interactive"] = False
        with (
            classes.running(name, kind),
            command_rights.granted(need, name, kind, decision),
            command_rights.rights(name, kind, decision),
            _audited(name, kind, decision),
        ):
            token = _is_command_line.set(False)
            if name == "shell":
                _set_prompt(decision.tier)
            try:
                if is_command_line and name not in classes.WITHOUT_SCHEMA:
                    _migrate_on_first_use()
                if kind in {CommandClass.SCHEMA, CommandClass.DESTRUCTIVE}:
                    _back_up_before(name, options)
                return original(self, *args, **options)
            finally:
                _is_command_line.reset(token)

    execute.is_guarded = True  # type: ignore[attr-defined]
    return execute


def _set_prompt(tier: tiers.Tier) -> None:
    """Name the tier in the prompt of the Python shell. Spec: S1.7."""
    # The control characters tell the line editor which part takes no room.
    sys.ps1 = f"\001\033[{tier.color}m\002[{tier.name}]\001\033[0m\002 >>> "
    sys.ps2 = f"[{tier.name}] ... "


def _enforce(name: str, kind: CommandClass, decision: tiers.Decision) -> rules.Need:
    with audit.refusals(f"command {name}", decision.tier.value):
        outer = classes.current()
        if (
            decision.tier is tiers.Tier.PROD
            and kind in rules.WRITES
            and outer is not None
            and outer.kind not in rules.WRITES
            and not session.may_write()
        ):
            raise rules.CommandRefusedError(f"{name} cannot run inside {outer.name}")
        return rules.enforce(
            name,
            kind,
            decision,
            is_approved=_is_approved.get(),
            wants_to_write=_wants_to_write.get(),
        )


@contextmanager
def _audited(name: str, kind: CommandClass, decision: tiers.Decision) -> Iterator[None]:
    _audit(name, kind, decision, "start")
    started, code = time.monotonic(), UNKNOWN_EXIT
    try:
        yield
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else UNKNOWN_EXIT
        raise
    except CommandError as error:
        code = error.returncode
        raise
    except TierRefusedError:
        code = EXIT_REFUSED
        raise
    finally:
        seconds = time.monotonic() - started
        _audit(name, kind, decision, f"end exit={code} seconds={seconds:.3f}")


def _audit(name: str, kind: CommandClass, decision: tiers.Decision, what: str) -> None:
    audit.record(
        f"command {name}",
        "allowed",
        tier_wanted=decision.tier.value,
        reason=f"{what} class={kind.value}",
    )


def _audited_migration(original: Callable[..., Any]) -> Callable[..., Any]:
    def run(self: MigrationExecutor, state: Any, migration: Any, *args: Any, **options: Any) -> Any:
        if not targets.is_test_name(str(self.connection.settings_dict["NAME"])):
            _announce_migration(self.connection, str(migration), original.__name__)
        return original(self, state, migration, *args, **options)

    return run


def _announce_migration(connection: BaseDatabaseWrapper, name: str, what: str) -> None:
    """Audit a migration and name it to the brakes."""
    decision = tiers.decision()
    audit.record(
        f"migration {name}",
        "allowed",
        tier_wanted=decision.tier.value,
        reason=what,
        database=str(connection.settings_dict["NAME"]),
    )
    command_rights.name_to_brakes(name, decision)


def _back_up_before(name: str, options: dict[str, Any]) -> None:
    """Make a backup where rows could be lost; without one the command does not run."""
    from instainstru.database.backups.errors import BackupError
    from instainstru.database.backups.jobs import back_up_before

    try:
        made = back_up_before(name, options)
    except BackupError as error:
        raise CommandError(f"{name} did not run: {error.message}") from error
    if made is not None:
        sys.stderr.write(f"Backup {made.name} was made first\n")


def _migrate_on_first_use() -> None:
    from instainstru.database.first_use import migrate_on_first_use

    migrate_on_first_use()
