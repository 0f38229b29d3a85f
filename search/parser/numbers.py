"""Numbers as people write and say them."""

import re

_ONES = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14,
    "fifteen": 15, "sixteen": 16, "seventeen": 17, "eighteen": 18, "nineteen": 19,
}  # fmt: skip
_TENS = {
    "twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50, "sixty": 60,
    "seventy": 70, "eighty": 80, "ninety": 90,
}  # fmt: skip


def _either(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_BELOW_HUNDRED = rf"(?:(?:{_either(_TENS)})(?:[ -](?:{_either(_ONES)}))?|(?:{_either(_ONES)}))"
_SPOKEN = (
    rf"(?:(?:a|one|two|three|four|five) hundred(?:(?: and)? {_BELOW_HUNDRED})?|{_BELOW_HUNDRED})"
)
NUMBER = rf"(?:\d{{1,3}}(?:,\d{{3}})+(?!\d)|\d{{1,5}}(?:\.\d{{1,2}})?(?!\d)|{_SPOKEN}\b)"
HOUR_WORD = "|".join(sorted(list(_ONES)[:12], key=len, reverse=True))

# What a number right behind these counts is no time and no date: "grade 11/12", "ages 6-8".
NUMBERED = re.compile(r"\b(?:grades?|ages?|aged|chapters?|levels?|years?|size|part):? $")


def to_number(text: str) -> float:
    """Return the value of text that matched `NUMBER`."""
    if text[0].isdigit():
        return float(text.replace(",", ""))
    total = 0
    for word in re.split(r"[ -]", text):
        if word == "hundred":
            total = max(total, 1) * 100
        else:
            total += _ONES.get(word, 0) + _TENS.get(word, 0)
    return float(total)


def tidy(value: float) -> int | float:
    """Return a whole number as an int."""
    return int(value) if value == int(value) else value
