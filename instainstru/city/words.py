"""What people of the demo city are called and how they speak of what they teach; read from data."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from catalog.files import CATEGORY_ICONS
from catalog.text import slug_of

DATA_DIR = Path(__file__).resolve().parent / "data"


@dataclass(frozen=True)
class Background:
    """Names and languages that go together."""

    key: str
    weight: int
    languages: tuple[str, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]


@dataclass(frozen=True)
class People:
    """Everything the city knows about persons in general."""

    backgrounds: tuple[Background, ...]
    taught: Mapping[str, tuple[str, str]]
    ages: Mapping[str, tuple[int, int]]
    streets: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Voice:
    """How instructors of one subcategory describe themselves, what they charge and where."""

    category: str
    subcategory: str
    past: tuple[str, ...]
    method: tuple[str, ...]
    goal: tuple[str, ...]
    bring: str
    traits: tuple[str, ...]
    first: tuple[str, ...]
    hourly_dollars: int
    lengths: tuple[tuple[int, ...], ...]
    ages: tuple[tuple[int, int], ...]
    modes: Mapping[str, float]


@lru_cache(maxsize=1)
def people() -> People:
    """Return names, languages, ages and streets."""
    data = _load("people")
    return People(
        backgrounds=tuple(
            Background(
                key=row["key"],
                weight=row["weight"],
                languages=tuple(row["languages"]),
                first=tuple(row["first"]),
                last=tuple(row["last"]),
            )
            for row in data["background"]
        ),
        taught={name: (pair[0], pair[1]) for name, pair in data["taught"].items()},
        ages={name: (pair[0], pair[1]) for name, pair in data["ages"].items()},
        streets={borough: tuple(names) for borough, names in data["streets"].items()},
    )


@lru_cache(maxsize=1)
def voices() -> Mapping[tuple[str, str], Voice]:
    """Return the voice of every (category, subcategory) of the catalogue."""
    found: dict[tuple[str, str], Voice] = {}
    for category in CATEGORY_ICONS:
        data = _load(slug_of(category))
        for row in data["subcategory"]:
            found[category, row["name"]] = _voice(category, data, row)
    return found


def voice_of(category: str, subcategory: str) -> Voice:
    """Return the voice of a subcategory; a new one speaks like the first of its category."""
    known = voices()
    exact = known.get((category, subcategory))
    return exact or next(voice for voice in known.values() if voice.category == category)


def _voice(category: str, shared: Mapping[str, Any], row: Mapping[str, Any]) -> Voice:
    both = {**shared, **row}
    return Voice(
        category=category,
        subcategory=row["name"],
        past=tuple(row["past"]),
        method=tuple(row["method"]),
        goal=tuple(row["goal"]),
        bring=row["bring"],
        traits=tuple(shared["traits"]),
        first=tuple(shared["first"]),
        hourly_dollars=both["hourly"],
        lengths=_tuples(both["lengths"]),
        ages=tuple((pair[0], pair[1]) for pair in both["ages"]),
        modes=both["modes"],
    )


def _tuples(rows: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row) for row in rows)


def _load(name: str) -> dict[str, Any]:
    with (DATA_DIR / f"{name}.toml").open("rb") as file:
        return tomllib.load(file)
