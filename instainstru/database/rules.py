"""Which class of command may run on which tier.

Spec: 01 section 4, S1.5, S1.17.
"""

from enum import Enum, auto
from typing import Final

from instainstru.database import classes, consent
from instainstru.database.classes import TEST_RUNNERS, CommandClass
from instainstru.database.refusals import TierRefusedError
from instainstru.database.roles import Role
from instainstru.database.tiers import Decision, P, S, Tier, U

WRITES: Final = frozenset(
    {
        CommandClass.SERVER,
        CommandClass.MAINTENANCE,
        CommandClass.SCHEMA,
        CommandClass.DESTRUCTIVE,
    }
)


NOT_ON_PROD: Final = frozenset({"reset_schema"})
"""Destructive commands that end in the demo city."""


class Need(Enum):
    """What a command needs of a person before it runs."""

    NOTHING = auto()
    GRANT = auto()
    DESTRUCTION = auto()


class CommandRefusedError(TierRefusedError):
    """The tier does not allow this class of command here."""

    code = "command"


def enforce(
    name: str,
    kind: CommandClass,
    decision: Decision,
    *,
    is_approved: bool,
    wants_to_write: bool = False,
) -> Need:
    """Return what the table of classes asks of a person before the command runs.

    `is_approved` says that the person has already said yes to a destructive command on STG,
    `wants_to_write` that a shell was asked for with `--write`. Raises CommandRefusedError where
    the command may not run at all.
    """
    if name in TEST_RUNNERS and decision.tier is not Tier.INT:
        raise CommandRefusedError(f"{name} runs on INT only; {S} or {U} is set")
    if decision.tier is Tier.PROD:
        return _enforce_on_prod(name, kind, decision, wants_to_write=wants_to_write)
    if decision.tier is Tier.STG and kind is CommandClass.DESTRUCTIVE and not is_approved:
        _ask_on_stg(name, decision)
    return Need.NOTHING


def _enforce_on_prod(
    name: str, kind: CommandClass, decision: Decision, *, wants_to_write: bool
) -> Need:
    is_by_hand = decision.needs_confirmation
    if kind is CommandClass.NEVER_ON_PROD or name in NOT_ON_PROD:
        raise CommandRefusedError(f"{name} never runs on PROD; {U} is set")
    if kind is CommandClass.SERVER:
        _refuse_server(name, decision)
        return Need.NOTHING
    if kind is CommandClass.READ or (kind is CommandClass.SHELL and not wants_to_write):
        return Need.NOTHING
    _refuse_without_url(name, kind, decision)
    if kind is CommandClass.DESTRUCTIVE:
        return Need.DESTRUCTION
    if is_by_hand or kind is CommandClass.SHELL:
        return Need.GRANT
    return Need.NOTHING


def _refuse_server(name: str, decision: Decision) -> None:
    if decision.needs_confirmation:
        raise CommandRefusedError(f"{name} (server) is refused with {U} but not {P}")
    if decision.variable(Role.ADMIN.suffix):
        variable = decision.tier.variable(Role.ADMIN.suffix)
        raise CommandRefusedError(f"{name} (server) is refused where {variable} is set")


def _refuse_without_url(name: str, kind: CommandClass, decision: Decision) -> None:
    """Refuse a writing command whose role has no URL; `db_protect` looks for its own."""
    if name == "db_protect":
        return
    role = Role.MIGRATOR if classes.needs_owner(name, kind) else Role.APP
    if decision.variable(role.suffix) is None:
        variable = decision.tier.variable(role.suffix)
        raise CommandRefusedError(f"{name} ({kind}) needs {variable}, which is not set")


def _ask_on_stg(name: str, decision: Decision) -> None:
    refusal = CommandRefusedError(f"{name} destroys data and was not confirmed; {S} is set")
    question = f"{decision.tier.badge} {name} destroys data. Type yes to go on: "
    try:
        answer = consent.ask(question)
    except consent.ConsentRefusedError:
        raise refusal from None
    if answer != "yes":
        raise refusal
