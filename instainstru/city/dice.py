"""One source of chance: the same words always throw the same numbers."""

import random
from collections.abc import Sequence
from typing import TypeVar

from instainstru.identifiers import CROCKFORD_ALPHABET

SEED = "new-york-1"
_CROCKFORD = (CROCKFORD_ALPHABET * 8).encode()

Item = TypeVar("Item")


def dice(*parts: object) -> random.Random:
    """Return a generator that depends on the parts alone, not on what was thrown before."""
    return random.Random("/".join([SEED, *map(str, parts)]))  # noqa: S311 - repeatable on purpose


def crockford_from(chance: random.Random, length: int) -> str:
    """Return an identifier that looks like a real one but repeats with the seed."""
    return chance.randbytes(length).translate(_CROCKFORD).decode()


def some(chance: random.Random, items: Sequence[Item], count: int) -> list[Item]:
    """Return up to ``count`` different items in random order."""
    return chance.sample(items, min(count, len(items)))
