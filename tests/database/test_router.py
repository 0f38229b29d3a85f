import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import router as django_router

from instainstru.database import classes, targets
from instainstru.database.classes import CommandClass
from instainstru.database.router import TierRouter, UndeclaredAliasError

pytestmark = pytest.mark.S1


def stray() -> ContentType:
    item = ContentType(app_label="shop", model="thing")
    item._state.db = "prod"
    return item


def test_reads_and_writes_go_to_default() -> None:
    """S1.11."""
    assert django_router.db_for_read(ContentType) == "default"
    assert django_router.db_for_write(ContentType) == "default"


def test_an_object_of_an_undeclared_alias_is_refused() -> None:
    """S1.11: before any SQL."""
    for choose in (TierRouter().db_for_read, TierRouter().db_for_write):
        with pytest.raises(UndeclaredAliasError):
            choose(ContentType, instance=stray())
    assert not TierRouter().allow_relation(stray(), ContentType())
    assert TierRouter().allow_relation(ContentType(), ContentType())


@pytest.mark.parametrize("kind", list(CommandClass))
def test_migrations_need_a_command_that_the_wrapper_let_through(
    kind: CommandClass, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S1.23: not from a shell, a server or a bare script, and on `default` only."""
    monkeypatch.setattr(targets, "is_test_name", lambda _: False)
    rules = TierRouter()
    assert not rules.allow_migrate("default", "catalog")
    with classes.running("some", kind):
        allowed = kind not in {CommandClass.SHELL, CommandClass.SERVER}
        assert rules.allow_migrate("default", "catalog") is allowed
        assert not rules.allow_migrate("prod", "catalog")


def test_test_databases_are_free_to_migrate(db: None) -> None:
    assert TierRouter().allow_migrate("default", "catalog")
