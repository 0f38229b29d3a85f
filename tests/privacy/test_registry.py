"""Nothing is kept that nobody declared. Spec: S6.5."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.db import connection, models
from django.test.utils import isolate_apps

from privacy import introspection, registry
from privacy.registry import Basis, DeclarationError, Erasure, Holding, Nobody, Use

pytestmark = pytest.mark.S6

USE = Use(purpose="t", basis=Basis.CONTRACT, erasure=Erasure.DELETE, retention="a day")


@pytest.fixture
def declarations(monkeypatch: pytest.MonkeyPatch) -> dict[str, Holding | Nobody]:
    """A copy of the registry for a test to spoil."""
    copy = dict(registry.models())
    monkeypatch.setattr(registry, "_models", copy)
    return copy


def test_every_model_and_column_is_declared() -> None:
    assert introspection.undeclared() == []


def test_a_forgotten_model_is_found(declarations: dict[str, Holding | Nobody]) -> None:
    del declarations["accounts.Learner"]
    assert "accounts.Learner is in no personal_data.py" in introspection.undeclared()


@pytest.mark.parametrize(
    ("label", "column"),
    [
        ("accounts.Learner", "level_notes"),
        ("accounts.User", "email"),
        ("lessons.Booking", "address"),
        ("lessons.Booking", "guest_key"),
        ("reviews.InstructorStatistics", "reviews_by_service"),
    ],
)
def test_a_forgotten_column_is_found(
    label: str, column: str, declarations: dict[str, Holding | Nobody]
) -> None:
    found = declarations[label]
    assert isinstance(found, Holding)
    personal = {name: text for name, text in found.personal.items() if name != column}
    plain = tuple(name for name in found.plain if name != column)
    subjects = tuple(path for path in found.subjects if path != column)
    declarations[label] = replace(found, personal=personal, plain=plain, subjects=subjects)
    assert [text for text in introspection.undeclared() if f"{label}.{column}" in text]


def test_a_person_reached_by_no_path_is_found(declarations: dict[str, Holding | Nobody]) -> None:
    """A foreign key to a person is a suspect, also in a model that claims to know nobody."""
    declarations["catalog.Favorite"] = Nobody(model="catalog.Favorite", why="wrong")
    problems = introspection.undeclared()
    for name in ("user", "guest_key", "instructor"):
        assert any(f"catalog.Favorite.{name}" in text for text in problems)


@pytest.mark.parametrize("path", ["nobody", "instructor", "instructor__slug__user"])
def test_a_path_that_leads_nowhere_is_found(
    path: str, declarations: dict[str, Holding | Nobody]
) -> None:
    found = declarations["catalog.Credential"]
    declarations["catalog.Credential"] = replace(found, subjects=(path,))
    assert f"catalog.Credential: subject {path} leads to nobody" in introspection.undeclared()


def test_what_is_declared_and_gone_is_found(declarations: dict[str, Holding | Nobody]) -> None:
    declarations["shop.Cart"] = Nobody(model="shop.Cart", why="never built")
    declarations["catalog.Policy"] = replace(declarations["catalog.Policy"], plain=("colour",))
    problems = introspection.undeclared()
    assert "shop.Cart is declared and does not exist" in problems
    assert "catalog.Policy.colour is declared and does not exist" in problems


@pytest.fixture
def odd_model() -> Iterator[type[models.Model]]:
    with isolate_apps("catalog"):

        class Odd(models.Model):
            anything = models.JSONField()
            client_ip = models.GenericIPAddressField()
            second_email = models.CharField(max_length=10)
            size = models.IntegerField()

            class Meta:
                app_label = "catalog"

        yield Odd


def test_columns_that_can_hold_anything_are_suspects(odd_model: type[models.Model]) -> None:
    found = set(introspection._suspects(odd_model, is_strict=False))
    assert found == {"anything", "client_ip", "second_email"}


def test_a_thing_is_declared_once() -> None:
    with pytest.raises(DeclarationError, match="twice"):
        registry.register([Nobody(model="accounts.User", why="again")])


def test_what_is_retained_names_its_law() -> None:
    with pytest.raises(DeclarationError, match="law"):
        replace(USE, erasure=Erasure.RETAIN)


def test_stores_beside_the_tables_are_declared() -> None:
    names = {store.name for store in registry.stores()}
    assert names >= {
        "cache", "broker queues", "application logs", "database_audit.jsonl", "media files",
        "backups", "database files",
    }  # fmt: skip


@pytest.mark.django_db
def test_every_replacement_is_sound_sql() -> None:
    """Each expression stands in a query over its own table."""
    tables = {model._meta.label: model for model in introspection._tables()}
    with connection.cursor() as cursor:
        for holding in registry.holdings():
            options = tables[holding.model]._meta
            for name, text in holding.personal.items():
                column = options.get_field(name).column
                expression = text.format(pk=options.pk.column, column=f'"{column}"')
                cursor.execute(f'SELECT {expression} FROM "{options.db_table}"')
