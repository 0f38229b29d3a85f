import itertools

import pytest
from django.core.management import get_commands, load_command_class

from instainstru.database import consent, rules, tiers
from instainstru.database.classes import TABLE, CommandClass, classify
from instainstru.database.commands import name_of
from instainstru.database.rules import CommandRefusedError
from tests.database.conftest import Decide

pytestmark = pytest.mark.S1

COMMANDS = sorted(get_commands())
URL = {"PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/shop"}
MIGRATOR = {"PROD_MIGRATOR_DATABASE_URL": "postgresql://m@nowhere.invalid/shop"}
INT: dict[str, str] = {}
STG = {tiers.S: "1"}
BY_HAND = {tiers.U: "1", **URL}
PROD = {tiers.P: "1", tiers.U: "1", **URL}
RUNS: dict[CommandClass, tuple[bool, bool, bool, bool]] = {
    # class: INT, STG unconfirmed, PROD by hand, PROD with both switches
    CommandClass.READ: (True, True, True, True),
    CommandClass.SHELL: (True, True, True, True),
    CommandClass.SERVER: (True, True, False, True),
    CommandClass.MAINTENANCE: (True, True, False, True),
    CommandClass.SCHEMA: (True, True, False, False),
    CommandClass.NEVER_ON_PROD: (True, True, False, False),
    CommandClass.DESTRUCTIVE: (True, False, False, False),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_installed_command_is_classified(name: str) -> None:
    """S1.24: the list is computed from what is installed."""
    assert name in TABLE
    command = load_command_class(get_commands()[name], name)
    assert name_of(command) == name


def test_an_unknown_command_counts_as_destructive() -> None:
    """S1.24."""
    assert classify("frobnicate") is CommandClass.DESTRUCTIVE


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("migrate", {"app_label": "catalog", "migration_name": "zero"}, CommandClass.DESTRUCTIVE),
        ("migrate", {"app_label": "catalog", "migration_name": "0001"}, CommandClass.SCHEMA),
        ("backup", {"action": "restore"}, CommandClass.DESTRUCTIVE),
        ("backup", {"action": "create"}, CommandClass.MAINTENANCE),
    ],
)
def test_what_a_command_is_asked_to_do_counts(
    name: str, options: dict[str, str], kind: CommandClass
) -> None:
    assert classify(name, options) is kind


@pytest.mark.parametrize("name", sorted({*COMMANDS, *TABLE, "frobnicate"}))
def test_each_command_meets_the_table_of_its_class(
    name: str, decide: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 4, one row per class, every command on every tier."""
    monkeypatch.setattr(consent, "TERMINAL", "/nonexistent")
    kind = classify(name)
    is_runner = name in {"test", "testserver"}
    for environ, allowed in zip((INT, STG, BY_HAND, PROD), RUNS[kind], strict=True):
        decision = decide(environ)
        if allowed and not (is_runner and decision.tier is not tiers.Tier.INT):
            rules.enforce(name, kind, decision, is_approved=False)
            continue
        with pytest.raises(CommandRefusedError) as refusal:
            rules.enforce(name, kind, decision, is_approved=False)
        assert refusal.value.exit_code == 3
        assert "USE_" in refusal.value.reason or "PROD_" in refusal.value.reason


def test_schema_on_prod_needs_the_migrators_url(decide: Decide) -> None:
    decision = decide({**PROD, **MIGRATOR})
    rules.enforce("migrate", CommandClass.SCHEMA, decision, is_approved=False)


@pytest.mark.parametrize(("answer", "runs"), [("yes", True), ("y", False), ("", False)])
def test_destroying_on_stg_takes_a_typed_yes(
    answer: str, runs: bool, decide: Decide, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Section 4: asks `yes`."""
    monkeypatch.setattr(consent, "ask", lambda _: answer)
    decision = decide(STG)
    if runs:
        rules.enforce("flush", CommandClass.DESTRUCTIVE, decision, is_approved=False)
        return
    with pytest.raises(CommandRefusedError):
        rules.enforce("flush", CommandClass.DESTRUCTIVE, decision, is_approved=False)


def test_approval_does_not_help_on_prod(decide: Decide) -> None:
    for environ, kind in itertools.product((BY_HAND, PROD), (CommandClass.DESTRUCTIVE,)):
        with pytest.raises(CommandRefusedError):
            rules.enforce("flush", kind, decide(environ), is_approved=True)
