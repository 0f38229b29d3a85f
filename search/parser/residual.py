"""The words left for retrieval, with and without those that name no subject."""

import re
from itertools import pairwise

from search.english import FILLER_WORDS, IGNORED_WORDS
from search.parser.reading import Reading
from search.text import words_of
from search.vocabulary import Vocabulary

_LOOSE = (
    "in on at for near and or the a an by from with to of around but not any de en para y as is"
)
# What one does, where the bare word names an exam.
_DEEDS = {"act": "acting"}
LOOSE_ENDS = frozenset(_LOOSE.split())


def residual_of(reading: Reading) -> str:
    """Return what is left of the text, without loose prepositions at its ends.

    Words that tell the learner ("kids") stay, for the catalogue names services by them.
    """
    chars = list(reading.folded)
    for start, end in reading.taken:
        chars[start:end] = [" "] * (end - start)
    words = "".join(chars).split()
    while words and words[-1].strip(",.;:!?-/&+") in LOOSE_ENDS | {""}:
        words.pop()
    while words and words[0].strip(",.;:!?-/&+") in {"and", "or", "but", ""}:
        words.pop(0)
    return re.sub(r"\s+([,.;:!?])", r"\1", " ".join(words)).strip(" ,.;:!?-/&")


def core_of(reading: Reading, residual: str, vocabulary: Vocabulary) -> str:
    """Return the residual without filler, opinions and the learner's words.

    A learner's word inside a catalogue phrase ("adult ballet") stays. If nothing is left, the
    residual itself is the core.
    """
    learner: set[str] = set()
    for start, end in reading.soft:
        if not reading.is_shielded(start, end):
            learner.update(words_of(reading.folded[start:end]))
    words = words_of(residual)
    kept = [
        _DEEDS.get(word, word) if before == "to" else word
        for before, word in pairwise(["", *words])
        if word not in FILLER_WORDS and word not in IGNORED_WORDS and word not in learner
    ]
    return " ".join(kept) or " ".join(word for word in words if word in vocabulary)


def ignored_of(residual: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """Return opinion words that no rule uses, in order."""
    words = [
        word for word in words_of(residual) if word in IGNORED_WORDS and word not in vocabulary
    ]
    return tuple(dict.fromkeys(words))
