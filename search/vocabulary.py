"""The words of the catalogue: what must not be eaten by a rule nor changed by spelling."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from search.english import COMMON_WORDS, FILLER_WORDS
from search.text import fold, words_of


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Folded words with how often they occur, and phrases of two words and more.

    `synonyms` are what people call a service in words that neither the catalogue nor common English
    has, with its own words: "natacion" is "swimming". `shapes` lists words by length with the set
    of their letters as bits, so that spelling compares only with words that can be near.
    """

    frequency: Mapping[str, int] = field(default_factory=dict)
    phrases: frozenset[str] = frozenset()
    longest_phrase: int = 1
    shapes: Mapping[int, Sequence[tuple[str, int]]] = field(default_factory=dict)
    synonyms: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, word: object) -> bool:
        return word in self.frequency


def build_vocabulary(
    names: Iterable[str],
    keywords: Iterable[str] = (),
    descriptions: Iterable[str] = (),
    colloquial: Iterable[tuple[str, str]] = (),
) -> Vocabulary:
    """Build the vocabulary from service names, keywords and descriptions.

    `colloquial` are names of services with a phrase that people use for them.
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
    called = _called(colloquial)
    synonyms = _synonyms(called, frequency)
    for said in called:
        frequency.update(said.split())
        if " " in said:
            phrases.add(said)
    longest = max((phrase.count(" ") + 1 for phrase in phrases), default=1)
    shapes: dict[int, list[tuple[str, int]]] = {}
    for word in frequency:
        shapes.setdefault(len(word), []).append((word, letters_of(word)))
    return Vocabulary(dict(frequency), frozenset(phrases), longest, shapes, synonyms)


def _called(colloquial: Iterable[tuple[str, str]]) -> dict[str, list[list[str]]]:
    """Return phrases without filler, each with the words of the services that it means."""
    called: dict[str, list[list[str]]] = {}
    for name, phrase in colloquial:
        words = words_of(fold(phrase))
        said = [word for word in words if word not in FILLER_WORDS]
        # What is left of "course a pied" without its filler could be anything.
        if said == words or len(said) > 1:
            called.setdefault(" ".join(said), []).append(words_of(fold(name)))
    return called


def _synonyms(called: Mapping[str, list[list[str]]], known: Mapping[str, int]) -> dict[str, str]:
    """Return what all services of a phrase are called; English phrases speak for themselves."""
    plain = {*known, *COMMON_WORDS}
    synonyms = {}
    for said, names in called.items():
        if all(word.isalpha() and word in plain for word in said.split()):
            continue
        shared = [word for word in names[0] if all(word in name for name in names)]
        meant = " ".join(word for word in shared if word not in FILLER_WORDS)
        if meant:
            synonyms[said] = meant
    return synonyms


def letters_of(word: str) -> int:
    """Return the letters of a word as bits; each edit changes at most two of them."""
    bits = 0
    for char in word:
        bits |= 1 << (ord(char) % 32)
    return bits
