"""The words of the catalogue: what must not be eaten by a rule nor changed by spelling."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from search.text import fold, words_of


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Folded words with how often they occur, and phrases of two words and more.

    `shapes` lists words by length with the set of their letters as bits, so that spelling
    compares only with words that can be near.
    """

    frequency: Mapping[str, int] = field(default_factory=dict)
    phrases: frozenset[str] = frozenset()
    longest_phrase: int = 1
    shapes: Mapping[int, Sequence[tuple[str, int]]] = field(default_factory=dict)

    def __contains__(self, word: object) -> bool:
        return word in self.frequency


def build_vocabulary(
    names: Iterable[str], keywords: Iterable[str] = (), descriptions: Iterable[str] = ()
) -> Vocabulary:
    """Build the vocabulary from service names, keywords and descriptions.

    Descriptions lend words ("catalogue words are never changed") but no phrases.

    Spec: S8.1, S8.2
    """
    frequency: Counter[str] = Counter()
    phrases: set[str] = set()
    for phrase in (*names, *keywords):
        words = words_of(fold(phrase))
        frequency.update(words)
        if len(words) > 1:
            phrases.add(" ".join(words))
    for text in descriptions:
        frequency.update(set(words_of(fold(text))))
    longest = max((phrase.count(" ") + 1 for phrase in phrases), default=1)
    shapes: dict[int, list[tuple[str, int]]] = {}
    for word in frequency:
        shapes.setdefault(len(word), []).append((word, letters_of(word)))
    return Vocabulary(dict(frequency), frozenset(phrases), longest, shapes)


def letters_of(word: str) -> int:
    """Return the letters of a word as bits; each edit changes at most two of them."""
    bits = 0
    for char in word:
        bits |= 1 << (ord(char) % 32)
    return bits
