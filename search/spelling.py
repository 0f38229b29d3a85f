"""Spelling of words that the catalogue does not know.

Spec: S8.2
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from search.english import COMMON_WORDS
from search.vocabulary import Vocabulary

NEVER_UP_TO = 3
ONE_EDIT_UP_TO = 5
SAME_FIRST_BONUS = 0.4
SAME_LAST_BONUS = 0.25
FREQUENCY_WEIGHT = 0.15
SURE_MARGIN = 0.15


@dataclass(frozen=True, slots=True)
class Correction:
    """Words `first`..`last` (exclusive) of the input read as `right`; unsure ones are only asked."""

    first: int
    last: int
    wrong: str
    right: str
    is_sure: bool
    alternatives: tuple[str, ...] = ()


def distance_within(one: str, two: str, limit: int) -> int | None:
    """Return the edit distance with neighbours swapped as one edit, or None above the limit."""
    if abs(len(one) - len(two)) > limit:
        return None
    before: list[int] = []
    row = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        before, last, row = row, before, [i] + [0] * len(two)
        for j, b in enumerate(two, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                row[j] = min(row[j], last[j - 2] + 1)
        if min(row) > limit:
            return None
    return row[-1] if row[-1] <= limit else None


def one_letter_less(word: str) -> set[str]:
    """Return the word and all forms with one letter left out."""
    return {word} | {word[:i] + word[i + 1 :] for i in range(len(word))}


def correct(
    tokens: Sequence[str], vocabulary: Vocabulary, known: frozenset[str] = frozenset()
) -> list[Correction]:
    """Correct words outside the catalogue, common English and `known`; join split words.

    `tokens` are folded words. Short words, catalogue words and numbers are never changed.

    Spec: S8.2
    """
    found: list[Correction] = []
    position = 0
    while position < len(tokens):
        joined = _join(tokens, position, vocabulary)
        correction = joined or _correct_word(tokens[position], position, vocabulary, known)
        if correction:
            found.append(correction)
        position = correction.last if correction else position + 1
    return found


def _join(tokens: Sequence[str], position: int, vocabulary: Vocabulary) -> Correction | None:
    if position + 1 >= len(tokens):
        return None
    first, second = tokens[position : position + 2]
    both = first + second
    if both not in vocabulary or min(len(first), len(second)) < 2:
        return None
    if f"{first} {second}" in vocabulary.phrases or (first in vocabulary and second in vocabulary):
        if vocabulary.frequency[both] <= 1:
            return None
    return Correction(position, position + 2, f"{first} {second}", both, is_sure=True)


def _correct_word(
    word: str, position: int, vocabulary: Vocabulary, known: frozenset[str]
) -> Correction | None:
    if _is_left_alone(word, vocabulary, known):
        return None
    ranked = sorted(_candidates(word, vocabulary.frequency))
    if not ranked:
        return None
    best_score, best = ranked[0]
    rivals = tuple(right for score, right in ranked[1:3] if score - best_score < SURE_MARGIN)
    return Correction(position, position + 1, word, best, is_sure=not rivals, alternatives=rivals)


def _is_left_alone(word: str, vocabulary: Vocabulary, known: frozenset[str]) -> bool:
    if len(word) <= NEVER_UP_TO or not word.replace("'", "").isalpha():
        return True
    return any(form in vocabulary or form in COMMON_WORDS or form in known for form in _forms(word))


def _forms(word: str) -> tuple[str, ...]:
    """The word and what it is a plain ending of: "tunings" is no misspelling of "tuning"."""
    endings = ("'s", "s", "es", "ing", "ed", "er", "ers", "ly")
    stems = [word[: -len(ending)] for ending in endings if word.endswith(ending)]
    silent = [f"{stem}e" for stem in stems]
    return (word, *(stem for stem in (*stems, *silent) if len(stem) > NEVER_UP_TO))


def _candidates(word: str, frequency: Mapping[str, int]) -> list[tuple[float, str]]:
    limit = 1 if len(word) <= ONE_EDIT_UP_TO else 2
    return [
        (score, known)
        for known, count in frequency.items()
        if len(known) > NEVER_UP_TO
        and (limit == 2 or known[0] == word[0])
        and (score := _score(word, known, count, limit)) is not None
    ]


def _score(word: str, known: str, count: int, limit: int) -> float | None:
    distance = distance_within(word, known, limit)
    if distance is None:
        return None
    first = SAME_FIRST_BONUS if word[0] == known[0] else 0.0
    last = SAME_LAST_BONUS if word[-1] == known[-1] else 0.0
    return distance - first - last - FREQUENCY_WEIGHT * math.log(count)
