"""Which class of command may run on which tier.

Spec: 01 section 4, S1.5, S1.17.
"""

from typing import Final

from instainstru.database import consent
from instainstru.database.classes import TEST_RUNNERS, CommandClass
from instainstru.database.refusals import TierRefusedError
from instainstru.database.tiers import Decision, P, S, Tier, U

NEEDS_BOTH_SWITCHES: Final = frozenset(
    {CommandClass.SERVER, CommandClass.MAINTENANCE, CommandClass.SCHEMA}
)
WRITES: Final = NEEDS_BOTH_SWITCHES | {CommandClass.DESTRUCTIVE}


class CommandRefusedError(TierRefusedError):
    """The tier does not allow this class of command here."""

    code = "command"


def enforce(name: str, kind: CommandClass, decision: Decision, *, is_approved: bool) -> None:
    """Raise CommandRefusedError unless the table of classes lets the command run.

    `is_approved` says that the person has already said yes to a destructive command on STG.
    """
    if name in TEST_RUNNERS and decision.tier is not Tier.INT:
        raise CommandRefusedError(f"{name} runs on INT only; {S} or {U} is set")
    if decision.tier is Tier.PROD:
        _enforce_on_prod(name, kind, decision)
    elif decision.tier is Tier.STG and kind is CommandClass.DESTRUCTIVE and not is_approved:
        _ask_on_stg(name, decision)


def _enforce_on_prod(name: str, kind: CommandClass, decision: Decision) -> None:
    if kind is CommandClass.NEVER_ON_PROD:
        raise CommandRefusedError(f"{name} never runs on PROD; {U} is set")
    if kind is CommandClass.DESTRUCTIVE:
        raise CommandRefusedError(f"{name} is destructive; {U} is set")
    if kind in NEEDS_BOTH_SWITCHES and decision.needs_confirmation:
        raise CommandRefusedError(f"{name} ({kind}) is refused with {U} but not {P}")
    if kind is CommandClass.SCHEMA and decision.variable("MIGRATOR_DATABASE_URL") is None:
        variable = decision.tier.variable("MIGRATOR_DATABASE_URL")
        raise CommandRefusedError(f"{name} changes the schema; {variable} is not set")


def _ask_on_stg(name: str, decision: Decision) -> None:
    refusal = CommandRefusedError(f"{name} destroys data and was not confirmed; {S} is set")
    question = f"{decision.tier.badge} {name} destroys data. Type yes to go on: "
    try:
        answer = consent.ask(question)
    except consent.ConsentRefusedError:
        raise refusal from None
    if answer != "yes":
        raise refusal
