"""Query text: cleaned for use, folded for comparison, split into words."""

import re
import unicodedata

MAX_LENGTH = 200

_PUNCTUATION = str.maketrans({"’": "'", "‘": "'", "´": "'", "`": "'", "–": "-", "—": "-", "−": "-"})


def clean_text(text: str) -> str:
    """Return the text as used: NFKC, no control characters, single spaces, at most 200 long.

    Spec: S8.1
    """
    halves = re.sub(r"(\d)\s?½", r"\1.5", text[: MAX_LENGTH * 8]).replace("½", "0.5")
    normal = unicodedata.normalize("NFKC", halves)
    kept = "".join(" " if char.isspace() else char for char in normal if _is_kept(char))
    return " ".join(kept.split())[:MAX_LENGTH].strip()


def _is_kept(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Co", "Cn"}


def fold(text: str) -> str:
    """Lower case without accents, one character for one, so that positions stay true."""
    return "".join(_fold_character(char) for char in text.translate(_PUNCTUATION))


def _fold_character(char: str) -> str:
    if char.isascii():
        return char.lower()
    base = unicodedata.normalize("NFD", char)[0].lower()
    return base if len(base) == 1 else char


WORD = re.compile(r"[^\W_][\w'+#]*")


def words_of(text: str) -> list[str]:
    """Split folded text into words; "c++" and "c#" keep their signs."""
    return [match.group().strip("'") for match in WORD.finditer(text)]
