"""What is kept about people: one declaration per model and per store beside the database.

Each app declares in its `personal_data.py` what it knows. The notice, the export, the erasure and
the copies for tests read it here, so a thing is said once. Spec: S6.5
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar


class Basis(StrEnum):
    """Why the law lets us keep it."""

    CONTRACT = "contract"
    CONSENT = "consent"
    INTEREST = "legitimate interest"
    LAW = "legal obligation"


class Erasure(StrEnum):
    """What becomes of it when the person is erased."""

    DELETE = "delete"
    ANONYMISE = "anonymise"
    RETAIN = "retain"


class DeclarationError(Exception):
    """A declaration contradicts itself or another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Why something is kept, how long, and what its person can get and lose."""

    purpose: str
    basis: Basis
    erasure: Erasure
    retention: str
    law: str = ""
    """The law that asks for it; with `RETAIN` only."""
    not_exported: str = ""
    """Why the person's copy lacks it; empty means that it is in the copy."""

    def __post_init__(self) -> None:
        if (self.erasure is Erasure.RETAIN) is not bool(self.law):
            raise DeclarationError(f"{self.purpose}: what is retained names its law, and only that")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pseudonymised:
    """What became of the retained rows of a person: taken over by the pseudonym, or left."""

    changed: int
    left: int
    """Rows that must name the person a while longer, such as money not paid out yet."""


Pseudonymise = Callable[[int, str], Pseudonymised]
"""Puts a pseudonym in the place of the person with this id. It can run again and goes on then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one model keeps about people."""

    model: str
    """Label, such as `accounts.Learner`."""
    subjects: tuple[str, ...]
    """Paths from a row to its people: to a user, an address or an owner's key; `pk` is the row
    itself. Empty: the row leads to nobody, but what they wrote may say something about them."""
    use: Use
    personal: Mapping[str, str] = field(default_factory=dict)
    """Columns that say something about a person -> what a copy for tests gets (`replacements`)."""
    plain: tuple[str, ...] = ()
    """Columns that look personal and are not."""
    is_left_out_of_copies: bool = False
    """Whether a copy for tests loses the rows: sessions, tokens, mail."""
    pseudonymise: Pseudonymise | None = None
    """What erasing calls so that retained rows lead to their person no more (S6.8)."""

    def __post_init__(self) -> None:
        if self.pseudonymise is not None and self.use.erasure is not Erasure.RETAIN:
            raise DeclarationError(f"{self.model}: only what is retained gets a pseudonym")


@dataclass(frozen=True, slots=True, kw_only=True)
class Nobody:
    """A model that says nothing about people."""

    model: str
    why: str
    plain: tuple[str, ...] = ()
    """Columns that look personal and are not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """What is kept outside the tables."""

    name: str
    use: Use


Item = TypeVar("Item")

_models: dict[str, Holding | Nobody] = {}
_stores: dict[str, Store] = {}


def register(declarations: Iterable[Holding | Nobody | Store]) -> None:
    """Add declarations. Raises DeclarationError for a second one about the same thing."""
    for item in declarations:
        if isinstance(item, Store):
            _add(_stores, item.name, item)
        else:
            _add(_models, item.model, item)


def _add(known: dict[str, Item], name: str, item: Item) -> None:
    if known.setdefault(name, item) is not item:
        raise DeclarationError(f"{name} is declared twice")


def declared(model: str) -> Holding | Nobody | None:
    """Return what is declared about a model."""
    return _models.get(model)


def models() -> Mapping[str, Holding | Nobody]:
    """Return every declaration about a model, by label."""
    return _models


def holdings() -> list[Holding]:
    """Return the models that keep something about people."""
    return [item for item in _models.values() if isinstance(item, Holding)]


def pseudonymisers() -> dict[str, Pseudonymise]:
    """Return what erasing calls for retained rows, by the label of their model."""
    return {item.model: item.pseudonymise for item in holdings() if item.pseudonymise is not None}


def stores() -> list[Store]:
    """Return what is kept outside the tables."""
    return list(_stores.values())
