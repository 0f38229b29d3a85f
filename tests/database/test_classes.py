import pytest
from django.core.management import get_commands, load_command_class

from instainstru.database import classes, consent, rules, tiers
from instainstru.database.classes import TABLE, CommandClass, classify
from instainstru.database.commands import name_of
from instainstru.database.rules import CommandRefusedError, Need
from tests.database.conftest import Decide

pytestmark = pytest.mark.S1

COMMANDS = sorted(get_commands())
URL = {"PROD_DATABASE_URL": "postgresql://a@nowhere.invalid/shop"}
MIGRATOR = {"PROD_MIGRATOR_DATABASE_URL": "postgresql://m@nowhere.invalid/shop"}
INT: dict[str, str] = {}
STG = {tiers.S: "1"}
BY_HAND = {tiers.U: "1", **URL}
PROD = {tiers.P: "1", tiers.U: "1", **URL}
RUN, GRANT, DESTROY, NO = Need.NOTHING, Need.GRANT, Need.DESTRUCTION, None
RUNS: dict[CommandClass, tuple[Need | None, ...]] = {
    # class: INT, STG unconfirmed, PROD by hand, PROD with both switches; all URLs are set
    CommandClass.READ: (RUN, RUN, RUN, RUN),
    CommandClass.SHELL: (RUN, RUN, RUN, RUN),
    CommandClass.SERVER: (RUN, RUN, NO, RUN),
    CommandClass.MAINTENANCE: (RUN, RUN, GRANT, RUN),
    CommandClass.SCHEMA: (RUN, RUN, GRANT, RUN),
    CommandClass.NEVER_ON_PROD: (RUN, RUN, NO, NO),
    CommandClass.DESTRUCTIVE: (RUN, NO, DESTROY, DESTROY),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_installed_command_is_classified(name: str) -> None:
    """S1.24: the list is computed from what is installed."""
    assert name in TABLE
    command = load_command_class(get_commands()[name], name)
    assert name_of(command) == name


def test_no_command_has_two_classes() -> None:
    names = " ".join(classes._NAMES.values()).split()
    assert sorted(names) == sorted(set(names))


def test_an_unknown_command_counts_as_destructive() -> None:
    """S1.24."""
    assert classify("frobnicate") is CommandClass.DESTRUCTIVE


@pytest.mark.parametrize(
    ("name", "options", "kind"),
    [
        ("migrate", {"app_label": "catalog", "migration_name": "zero"}, CommandClass.DESTRUCTIVE),
        ("migrate", {"app_label": "catalog", "migration_name": "0001"}, CommandClass.SCHEMA),
        ("backup", {"action": "restore"}, CommandClass.DESTRUCTIVE),
        ("backup", {"action": "restore", "database": "shop_copy"}, CommandClass.MAINTENANCE),
        ("backup", {"action": "create"}, CommandClass.MAINTENANCE),
        ("backup", {"action": "list"}, CommandClass.READ),
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
    tiers_asked = (INT, STG, BY_HAND | MIGRATOR, PROD | MIGRATOR)
    needs = RUNS[CommandClass.NEVER_ON_PROD] if name in rules.NOT_ON_PROD else RUNS[kind]
    if kind is CommandClass.DESTRUCTIVE:
        needs = (*RUNS[kind][:2], *needs[2:])
    for environ, need in zip(tiers_asked, needs, strict=True):
        decision = decide(environ)
        if need and not (is_runner and decision.tier is not tiers.Tier.INT):
            assert rules.enforce(name, kind, decision, is_approved=False) is need
            continue
        with pytest.raises(CommandRefusedError) as refusal:
            rules.enforce(name, kind, decision, is_approved=False)
        assert refusal.value.exit_code == 3
        assert "USE_" in refusal.value.reason or "PROD_" in refusal.value.reason


def test_schema_on_prod_needs_the_migrators_url(decide: Decide) -> None:
    for environ in (PROD, BY_HAND):
        with pytest.raises(CommandRefusedError, match="PROD_MIGRATOR_DATABASE_URL"):
            rules.enforce("migrate", CommandClass.SCHEMA, decide(environ), is_approved=False)


def test_writing_by_hand_needs_the_url_of_the_writing_role(decide: Decide) -> None:
    readonly = {"PROD_READONLY_DATABASE_URL": URL["PROD_DATABASE_URL"]}
    decision = decide({tiers.U: "1", **readonly})
    with pytest.raises(CommandRefusedError, match="PROD_DATABASE_URL"):
        rules.enforce("clearsessions", CommandClass.MAINTENANCE, decision, is_approved=False)


def test_a_server_refuses_to_hold_the_admins_url(decide: Decide) -> None:
    """S1.13: never on servers."""
    admin = {"PROD_ADMIN_DATABASE_URL": "postgresql://o@nowhere.invalid/shop"}
    with pytest.raises(CommandRefusedError, match="PROD_ADMIN_DATABASE_URL"):
        rules.enforce("wsgi", CommandClass.SERVER, decide({**PROD, **admin}), is_approved=False)


@pytest.mark.parametrize("environ", [BY_HAND, PROD])
def test_a_shell_that_wants_to_write_needs_a_grant(decide: Decide, environ: dict[str, str]) -> None:
    """Section 4: read-only unless a write grant was confirmed."""
    need = rules.enforce(
        "shell", CommandClass.SHELL, decide(environ), is_approved=False, wants_to_write=True
    )
    assert need is Need.GRANT


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


@pytest.mark.parametrize("environ", [BY_HAND, PROD])
def test_approval_does_not_help_on_prod(decide: Decide, environ: dict[str, str]) -> None:
    decision = decide(environ | MIGRATOR)
    need = rules.enforce("flush", CommandClass.DESTRUCTIVE, decision, is_approved=True)
    assert need is Need.DESTRUCTION
