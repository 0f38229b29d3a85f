"""How names become slugs and phrases; every comparison of words starts here."""

import re
import unicodedata

from django.utils.text import slugify

# Letters that carry no separable accent, spelled the way people type them.
_SPELLED_OUT = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "’": "'"}
)

_NO_WORD = re.compile(r"[^\w+#]+")


def fold_text(value: str) -> str:
    """Return the words in lower case, without accents, with single spaces (Spec: S8.1, S8.11)."""
    decomposed = unicodedata.normalize("NFKD", value.casefold().translate(_SPELLED_OUT))
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return " ".join(plain.split())


def words_of(*texts: str) -> str:
    """Return the folded words, each after a space, so that " word" finds the start of one."""
    return " " + " ".join(_NO_WORD.sub(" ", fold_text(text)) for text in texts)


def slug_of(name: str) -> str:
    """Return the lower-case ASCII slug of a name (Spec: G10)."""
    return slugify(fold_text(name))
