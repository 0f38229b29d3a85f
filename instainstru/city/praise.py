"""What a student writes after a lesson, put together from sentences that fit the category."""

import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from instainstru.city.words import DATA_DIR

LOW = 3
SHORT, LONG = 0.45, 0.8


@dataclass(frozen=True)
class Sentences:
    """The sentences of reviews and replies."""

    general: Mapping[str, Sequence[str]]
    details: Mapping[str, Sequence[str]]
    child: Mapping[str, Sequence[str]]


@lru_cache(maxsize=1)
def sentences() -> Sentences:
    """Return every sentence, read once."""
    with (DATA_DIR / "reviews.toml").open("rb") as file:
        data = tomllib.load(file)
    categories = data.pop("category")
    return Sentences(
        general=data,
        details={row["name"]: row["details"] for row in categories},
        child={row["name"]: row["child"] for row in categories},
    )


@dataclass(frozen=True)
class Subject:
    """Who taught what, and whether a child learned it."""

    name: str
    service: str
    category: str
    is_child: bool


def review_text(chance: Random, stars: int, subject: Subject, said: Counter[str]) -> str:
    """Return one to four sentences; empty for some of the happy ones (Spec: S11.3).

    ``said`` counts what others have said about the instructor; the least said comes first.
    """
    if stars > LOW and chance.random() < 0.22:
        return ""
    parts = (
        _complaint(chance, stars, said) if stars <= LOW else _praise(chance, stars, subject, said)
    )
    said.update(parts)
    return " ".join(parts).format(name=subject.name, service=_in_sentence(subject.service))


def _in_sentence(service: str) -> str:
    """Names of services are proper names in a sentence as well; "Kids" in them is not wanted."""
    return service.removesuffix(" for Kids")


def _details(subject: Subject) -> list[str]:
    known = sentences()
    own = known.child if subject.is_child else known.details
    return [*own.get(subject.category, ()), *(known.details[subject.category][:2])]


def _rarest(chance: Random, items: Sequence[str], count: int, said: Counter[str]) -> list[str]:
    """Return the sentences that were said least often, in random order among equals."""
    mixed = chance.sample(list(items), len(items))
    return sorted(mixed, key=lambda item: said[item])[:count]


def _praise(chance: Random, stars: int, subject: Subject, said: Counter[str]) -> list[str]:
    general = sentences().general
    opening = general["opening_child"] if subject.is_child else general["opening"]
    length = chance.random()
    details = list(dict.fromkeys(_details(subject)))
    parts = _rarest(chance, details, 1 if length < LONG else 2, said)
    if length > SHORT:
        parts = [*_rarest(chance, opening, 1, said), *parts]
    if stars == LOW + 1 and chance.random() < 0.5:
        return [*parts, *_rarest(chance, general["fair"], 1, said)]
    if chance.random() < 0.55:
        parts += _rarest(chance, general["closing"], 1, said)
    return parts


def _complaint(chance: Random, stars: int, said: Counter[str]) -> list[str]:
    general = sentences().general
    words = general["fair"] if stars == LOW else general["poor"]
    return _rarest(chance, words, chance.choice((1, 2)), said)


def reply_text(chance: Random, stars: int) -> str:
    """Return an instructor's public answer."""
    general = sentences().general
    return chance.choice(general["reply_sorry" if stars <= LOW else "reply_kind"])


def hidden_reason(chance: Random) -> str:
    """Return why a moderator hid a review."""
    return chance.choice(sentences().general["hidden_reason"])
