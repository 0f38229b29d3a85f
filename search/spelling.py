"""Spelling of words that the catalogue does not know.

Spec: S8.2
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from search.english import COMMON_WORDS, FILLER_WORDS, IGNORED_WORDS, NEAR_WORDS
from search.vocabulary import Vocabulary, letters_of

NEVER_UP_TO = 3
ONE_EDIT_UP_TO = 5
SAME_FIRST_BONUS = 0.4
SAME_LAST_BONUS = 0.25
FREQUENCY_WEIGHT = 0.15
SURE_MARGIN = 0.15
SURE_TWO_EDITS_FROM = 8  # letters; shorter words two edits away are only asked
COMPANY_BONUS = 0.5
LONGEST_SYNONYM = 4  # words
SHORTEST_PART = 2  # letters of a half that may be joined
_ROMAN = {"1": "i", "2": "ii", "3": "iii", "4": "iv"}

_SHORT_VOWEL = re.compile(r"[^aeiou][aeiou][^aeiouwxy]$")


@dataclass(frozen=True, slots=True)
class Correction:
    """Words `first`..`last` (exclusive) of the input read as `right`; unsure ones are only "
    "asked.
    """

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

    What people call a service becomes its own words before that: a synonym beats a correction.

    `tokens` are folded words. Short words, catalogue words and numbers are never changed.
    English words near a catalogue word are changed only where that makes a catalogue phrase:
    "sowing machine", never "lottery". An unsure correction is a question ("Did you mean"), not to
    be applied.

    Spec: S8.2
    """
    found: list[Correction] = []
    position = 0
    while position < len(tokens):
        correction = (
            _translate(tokens, position, vocabulary)
            or _roman(tokens, position, vocabulary)
            or _join(tokens, position, vocabulary)
            or _correct_word(tokens, position, vocabulary, known)
        )
        if correction:
            found.append(correction)
        position = correction.last if correction else position + 1
    return found


def apply_corrections(tokens: Sequence[str], corrections: Sequence[Correction]) -> list[str]:
    """Return the tokens with all sure corrections put in.

    Spec: S8.2
    """
    corrected = list(tokens)
    for one in sorted(corrections, key=lambda one: one.first, reverse=True):
        if one.is_sure:
            corrected[one.first : one.last] = [one.right]
    return corrected


def _translate(tokens: Sequence[str], position: int, vocabulary: Vocabulary) -> Correction | None:
    """Read what people call a service as the catalogue calls it: "natacion" as "swimming"."""
    for count in range(min(LONGEST_SYNONYM, len(tokens) - position), 0, -1):
        said = " ".join(tokens[position : position + count])
        if said in vocabulary.synonyms:
            return Correction(
                position, position + count, said, vocabulary.synonyms[said], is_sure=True
            )
    return None


def _roman(tokens: Sequence[str], position: int, vocabulary: Vocabulary) -> Correction | None:
    """Read "algebra 2" as "algebra ii" where the catalogue counts that way."""
    said = tokens[position]
    if not position or said not in _ROMAN:
        return None
    right = _ROMAN[said]
    if f"{tokens[position - 1]} {right}" not in vocabulary.phrases:
        return None
    return Correction(position, position + 1, said, right, is_sure=True)


def _join(tokens: Sequence[str], position: int, vocabulary: Vocabulary) -> Correction | None:
    if position + 1 >= len(tokens):
        return None
    first, second = tokens[position : position + 2]
    both = first + second
    if both not in vocabulary or min(len(first), len(second)) < SHORTEST_PART:
        return None
    if f"{first} {second}" in vocabulary.phrases or (first in vocabulary and second in vocabulary):
        return None
    return Correction(position, position + 2, f"{first} {second}", both, is_sure=True)


def _correct_word(
    tokens: Sequence[str], position: int, vocabulary: Vocabulary, known: frozenset[str]
) -> Correction | None:
    word = tokens[position]
    if _is_left_alone(word, vocabulary, known):
        return None
    needs_company = word in NEAR_WORDS
    ranked = sorted(
        (score - bonus, right, distance)
        for score, right, distance in _candidates(word, vocabulary)
        if (bonus := _company_bonus(right, tokens, position, vocabulary)) or not needs_company
    )
    if not ranked:
        return None
    best_score, best, distance = ranked[0]
    rivals = tuple(right for score, right, _ in ranked[1:3] if score - best_score < SURE_MARGIN)
    is_near = distance == 1 or (best[0] == word[0] and len(word) >= SURE_TWO_EDITS_FROM)
    return Correction(position, position + 1, word, best, is_near and not rivals, rivals)


def _company_bonus(
    right: str, tokens: Sequence[str], position: int, vocabulary: Vocabulary
) -> float:
    """A candidate that forms a catalogue phrase with its neighbour is likelier."""
    before = f"{tokens[position - 1]} {right}" if position else ""
    after = f"{right} {tokens[position + 1]}" if position + 1 < len(tokens) else ""
    return COMPANY_BONUS if {before, after} & vocabulary.phrases else 0.0


def _is_left_alone(word: str, vocabulary: Vocabulary, known: frozenset[str]) -> bool:
    if len(word) <= NEVER_UP_TO or not word.replace("'", "").isalpha():
        return True
    if word in FILLER_WORDS or word in IGNORED_WORDS or f"{word}s" in vocabulary:
        return True
    return any(form in vocabulary or form in COMMON_WORDS or form in known for form in _forms(word))


def _forms(word: str) -> tuple[str, ...]:
    """Return the word and what it is a plain ending of: "tunings" is a form of "tuning"."""
    forms = [word]
    for ending in ("'s", "s", "es", "ly", "ing", "ed", "er", "ers"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) <= NEVER_UP_TO:
            continue
        if ending in {"ing", "ed", "er", "ers"}:
            forms.append(f"{stem}e")
            if _doubles(stem):
                continue
        forms.append(stem)
    return tuple(forms)


def _doubles(stem: str) -> bool:
    """True for "swim": its forms double the last letter, so "swiming" is misspelt."""
    return len(stem) <= ONE_EDIT_UP_TO and bool(_SHORT_VOWEL.search(stem))


def _candidates(word: str, vocabulary: Vocabulary) -> list[tuple[float, str, int]]:
    is_short = len(word) <= ONE_EDIT_UP_TO
    limit = 1 if is_short else 2
    letters = letters_of(word)
    found: list[tuple[float, str, int]] = []
    for length in range(max(NEVER_UP_TO + 1, len(word) - limit), len(word) + limit + 1):
        for right, shape in vocabulary.shapes.get(length, ()):
            if (letters ^ shape).bit_count() > 2 * limit or (is_short and right[0] != word[0]):
                continue
            distance = distance_within(word, right, limit)
            if distance:
                score = _score(word, right, distance, vocabulary.frequency[right])
                found.append((score, right, distance))
    return found


def _score(word: str, right: str, distance: int, count: int) -> float:
    first = SAME_FIRST_BONUS if word[0] == right[0] else 0.0
    last = SAME_LAST_BONUS if word[-1] == right[-1] else 0.0
    return distance - first - last - FREQUENCY_WEIGHT * math.log(count)
