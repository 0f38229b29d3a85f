"""What the models hold, held against what is declared about them. Spec: S6.5."""

import re
from collections.abc import Iterator
from typing import Any, Final

from django.apps import apps
from django.contrib.contenttypes.fields import GenericForeignKey
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import Field, Model

from privacy import registry
from privacy.registry import Holding, Nobody

PERSON: Final = "accounts.User"
ROW_ITSELF: Final = "pk"
LOOKS_PERSONAL: Final = re.compile(
    r"(?:^|_)(?:ip|name|guest|birth|birthday|owner|token|secret|person)(?:_|$)"
    r"|user|mail|phone|address|password"
)
HOLDS_ANYTHING: Final = (models.JSONField, models.BinaryField, models.GenericIPAddressField)
HOLDS_TEXT: Final = (models.CharField, models.TextField, models.FileField, *HOLDS_ANYTHING)


def undeclared() -> list[str]:
    """Return one sentence per model or column that nothing is declared about, or wrongly."""
    known = registry.models()
    tables = {_options(model).label: model for model in _tables()}
    problems = [f"{label} is declared and does not exist" for label in known.keys() - tables.keys()]
    for label, model in tables.items():
        declaration = known.get(label)
        if declaration is None:
            problems.append(f"{label} is in no personal_data.py")
        else:
            problems += _problems_of(model, declaration)
    return sorted(problems)


def _tables() -> Iterator[type[Model]]:
    for model in apps.get_models(include_auto_created=True):
        if _options(model).managed and not _options(model).proxy:
            yield model


def _problems_of(model: type[Model], declaration: Holding | Nobody) -> Iterator[str]:
    label = declaration.model
    personal = set(declaration.personal) if isinstance(declaration, Holding) else set()
    paths = declaration.subjects if isinstance(declaration, Holding) else ()
    said = personal | set(declaration.plain)
    names = {field.name for field in (*_fields(model), *_options(model).private_fields)}
    for name in sorted(said - names):
        yield f"{label}.{name} is declared and does not exist"
    for name in sorted(personal & set(declaration.plain)):
        yield f"{label}.{name} is declared both personal and plain"
    for path in paths:
        if not _leads_to_somebody(model, path):
            yield f"{label}: subject {path} leads to nobody"
    said |= {path.partition("__")[0] for path in paths}
    for name in _suspects(model, is_strict=isinstance(declaration, Holding)):
        if name not in said and not _is_left_out(declaration):
            yield f"{label}.{name} may say something about a person and is not declared"


def _is_left_out(declaration: Holding | Nobody) -> bool:
    return isinstance(declaration, Holding) and declaration.is_left_out_of_copies


def _suspects(model: type[Model], *, is_strict: bool) -> Iterator[str]:
    """Yield columns that may say something about a person.

    Where a model holds something about people, any column of text is one; a row that leads to
    its person by itself needs no path to it.
    """
    for field in _options(model).private_fields:
        if isinstance(field, GenericForeignKey):
            yield field.name
    for field in _fields(model):
        if field.is_relation:
            target = _options(field.related_model).label
            if target == PERSON or isinstance(registry.declared(target), Holding):
                yield field.name
        elif not getattr(field, "generated", False) and _is_suspect(field, is_strict=is_strict):
            yield field.name


def _is_suspect(field: Any, *, is_strict: bool) -> bool:
    base = _base(field)
    if isinstance(base, HOLDS_ANYTHING) or LOOKS_PERSONAL.search(field.name):
        return True
    return is_strict and isinstance(base, HOLDS_TEXT) and not base.choices


def _leads_to_somebody(model: type[Model], path: str) -> bool:
    if path == ROW_ITSELF:
        return _options(model).label == PERSON
    *steps, last = path.split("__")
    try:
        for step in steps:
            model = _options(model).get_field(step).related_model
        field = _options(model).get_field(last)
    except (FieldDoesNotExist, AttributeError):
        return False
    return not field.is_relation or _options(field.related_model).label == PERSON


def _base(field: Any) -> Any:
    return field.base_field if isinstance(field, ArrayField) else field


def _fields(model: type[Model]) -> "list[Field[Any, Any]]":
    return list(_options(model).concrete_fields)


def _options(model: Any) -> Any:
    return model._meta  # noqa: SLF001 - Django's public name for it
