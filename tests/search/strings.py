"""Made-up searches that are hard to tell apart: the same seed gives the same ones."""

from collections.abc import Callable
from random import Random
from typing import Final

from instainstru.city.dice import dice as thrown

WORDS: Final = (
    "piano", "Straße", "STRASSE", "İstanbul", "ISTANBUL", "ıstanbul", "ﬁddle", "fiddle", "ΣΊΣΥΦΟΣ",
    "σίσυφος", "ὈΔΥΣΣΕΎΣ", "ᾳ", "ᾼ", "ǰ", "ŉ", "Ω", "Ω", "Å", "Å", "ǅ", "ß", "ẞ", "ﷺ", "㎏", "½",
    "Ⅷ", "ｐｉａｎｏ", "한국어", "\u1112\u1161\u11ab", "ｶﾞ", "ガ", "café", "cafe\u0301", "c++", "c#",
    ".net", "👩‍🎤", "🎹", "שלום", "مرحبا", "नमस्ते",
    "\u0345", "\u0300", "x\u0345\u0300", "…", "‥", "…?", "ﹰ",
)  # fmt: skip
SPACES: Final = (
    " ", "  ", "\t", "\n", "\r\n", "\u00a0", "\u0085", "\u2003", "\u3000", "\u1680", "\u2028",
    "\u202f", "\u205f",
)  # fmt: skip
INVISIBLE: Final = ("", "\u00ad", "\u200b", "\u200c", "\u200d", "\u200e", "\u2060", "\ufeff")
ENDS: Final = ("", ".", "?!", " !", ",;", "…", "？", "！", "。", "，", "\u0345", "\u0308", "\u00b4")
SURROGATES: Final = range(0xD800, 0xE000)
LONGEST: Final = 230


def generated_strings(number: int, *, seed: int) -> list[str]:
    """Return so many searches: words of many scripts, any characters, and both near the cut."""
    dice = thrown("strings", str(seed))
    ways: list[Callable[[Random], str]] = [_sentence, _characters, _at_the_cut, _variant]
    return [dice.choice(ways)(dice) for _ in range(number)]


def _sentence(dice: Random) -> str:
    words = [
        dice.choice(WORDS) + dice.choice(INVISIBLE) + dice.choice(SPACES)
        for _ in range(dice.randint(1, 5))
    ]
    return dice.choice(SPACES) + "".join(words) + dice.choice(ENDS)


def _characters(dice: Random) -> str:
    points = [dice.randrange(1, 0x2FFFF if dice.random() < 0.3 else 0x2FFF) for _ in range(12)]
    return "".join(chr(each) for each in points if each not in SURROGATES)


def _at_the_cut(dice: Random) -> str:
    before = "x" * dice.randint(190, 200)
    return (before + _sentence(dice) + _characters(dice))[:LONGEST]


def _variant(dice: Random) -> str:
    """Return one of few searches in one of many spellings."""
    text = dice.choice(("piano lessons", "straße", "guitar for a child", "c++"))
    change = dice.choice((str.upper, str.title, str.swapcase, str))
    spaced = change(text).replace(" ", dice.choice(SPACES) + dice.choice(INVISIBLE))
    return dice.choice(INVISIBLE) + spaced + dice.choice(ENDS)
