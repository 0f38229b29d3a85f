"""The words of the catalogue: what must not be eaten by a rule nor changed by spelling."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from search.text import fold, words_of


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Folded words with how often they occur, and phrases of two words and more."""

    frequency: Mapping[str, int] = field(default_factory=dict)
    phrases: frozenset[str] = frozenset()
    longest_phrase: int = 1

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
    return Vocabulary(dict(frequency), frozenset(phrases), longest)
