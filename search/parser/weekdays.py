"""Names of weekdays in all the ways they are written, and when "sat" and "sun" are none."""

import re

CODES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPELLINGS = (
    r"mon(?:day)?|munday|lunes|lundi",
    r"tue(?:s(?:day)?)?|teusday|tuseday|martes|mardi",
    r"weds?|wed(?:ne|en|n)sday|wensday|wednsday|miercoles|mercredi",
    r"thu(?:rs?(?:day)?)?|thrusday|thursady|jueves|jeudi",
    r"fri(?:day)?|firday|viernes|vendredi",
    r"sat(?:urday)?|saterday|saturady|sabado|samedi",
    r"sun(?:day)?|domingo|dimanche",
)
WEEKDAY = (
    r"(?:"
    + "|".join(f"(?:{spelling})" for spelling in _SPELLINGS)
    + r")(?:'?s)?(?!\w|'\w)\.?(?!\d)"
)
JOIN = r"(?:\s?(?:,|/|&|\+|\bor|\band|\by|\bo)\s?(?:(?:and|or|on|maybe|either) )?|\s)"
_BY_CODE = tuple(
    (code, re.compile(rf"(?:{spelling})(?:'?s)?"))
    for code, spelling in zip(CODES, _SPELLINGS, strict=True)
)
_PLURAL = re.compile(r".*(?:days|day's)|sabados|domingos|samedis|dimanches")
_TOKEN = re.compile(rf"(?<![\w'])(?:{WEEKDAY})")

_EXAM = (
    r"\s*(?:prep|tutor|tutors|tutoring|math|reading|writing|verbal|exam|test|tests|practice|score|"
    r"english|essay|course|class|lesson|lessons|coach|teacher|vocab|grammar|subject|help|study|"
    r"or act|and act|/act|act)\b"
)
_TIME_AHEAD = re.compile(
    r"[,.]?\s*(?:\d{1,2}(?::\d\d)?\s?(?:[ap]\.?m|-|to\b|/)|at \d|@|mornings?\b|afternoons?\b|"
    r"evenings?\b|nights?\b|"
    r"noon\b|after \w|before \w|from \d|between \d|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|"
    r"nov|dec)\w* \d|"
    r"the \d|only\b|this week\b|next week\b|around \d|late\b|early\b)"
)
_LEAD = re.compile(r"(?:\b(?:on|this|next|every|each|coming|any|only|either)\s)$")
_DAY_BEFORE = re.compile(
    r"(?:\b(?:mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)(?:day)?s?\s?(?:/|,|&|\+|-|\bor\b|\band\b|"
    r"\bto\b|\bthru\b)?\s?)$"
)
_DAY_AFTER = re.compile(
    r"\s?(?:/|,|&|\+|-|or\b|and\b|to\b|thru\b)?\s?(?:mon|tues?|weds?|thu(?:rs?)?|fri|sun|"
    r"sat)(?:day)?s?\b"
)


def code_of(word: str) -> str:
    """Return the three-letter code of a word that `WEEKDAY` matched."""
    bare = word.rstrip(". ")
    return next(code for code, pattern in _BY_CODE if pattern.fullmatch(bare))


def is_plural(word: str) -> bool:
    """True for "saturdays": the lesson recurs."""
    return bool(_PLURAL.fullmatch(word.rstrip(". ")))


def weekday_tokens(open_text: str, folded: str, text: str) -> list[re.Match[str]]:
    """Return weekday words in free text; "sat" and "sun" only where the context makes them days.

    Spec: S8.1
    """
    return [match for match in _TOKEN.finditer(open_text) if _is_day(match, folded, text)]


def _is_day(match: re.Match[str], folded: str, text: str) -> bool:
    word = match.group().rstrip(".'s")
    if word == "mon":
        return not re.match(r" (?:fils|enfant|mari|ami)\b", folded[match.end() :])
    if word == "wed":
        return not re.search(r"\b(?:to|get|getting|newly) $", folded[: match.start()])
    return word not in {"sat", "sun"} or _is_day_by_context(match, folded, text)


def _is_day_by_context(match: re.Match[str], folded: str, text: str) -> bool:
    before, after = folded[: match.start()], folded[match.end() :]
    if re.match(_EXAM, after) and match.group().startswith("sat"):
        return False
    if _TIME_AHEAD.match(after) or _DAY_BEFORE.search(before) or _is_real_day_ahead(after):
        return True
    shouted = text[match.start() : match.end()].isupper() and match.group().startswith("sat")
    at_end = not after.strip(" .,!?")
    if _LEAD.search(before):
        return at_end or not shouted
    return at_end and not shouted and _has_subject(before)


def _is_real_day_ahead(after: str) -> bool:
    return bool(_DAY_AFTER.match(after))


def _has_subject(before: str) -> bool:
    """“guitar lessons sat” ends with a day; “the sat”, “math sat” and a lone “sat” do not."""
    words = before.split()
    if not words or words[-1] in {
        "the",
        "a",
        "my",
        "digital",
        "new",
        "for",
        "math",
        "prep",
        "in",
        "psat",
        "act",
    }:
        return False
    return bool(words)
