"""Money: limits in dollars and the wish for cheap or premium."""

import re

from search.parser.negation import NEGATION, PERSON, start_of_limit
from search.parser.numbers import NUMBER, tidy, to_number
from search.parser.reading import Reading

SMALLEST_BARE = 15  # below that, "under 12" is an age and "before 8" an hour

_UNIT = (
    r"(?P<unit{n}>\s?(?:/|\bper|\ban?\b|\beach|\bevery|\bthe|\bpor|\bla)\s?(?:hours?|hr|h|horas?|"
    r"lessons?|class(?:es)?|clases?|"
    r"sessions?|time)\b|\s?\b(?:each|hourly)\b|/?hr\b)"
)
_CURRENCY = r"(?:dollars?|bucks|buck|usd|dolares|dlls)\b"


_NOT_MONEY = (
    r"(?!\d|[:.,]\d|\s?[ap]\.?m\b|\s?%|(?:st|nd|rd|th)\b|[ -]?(?:years?|yrs?|yo|y/o|months?|mo|"
    r"weeks?|"
    r"days?|minutes?|mins?|hours?|hrs?|miles?|km|blocks?|people|students|kids|lbs?|pounds?|"
    r"lessons?|class(?:es)?|k|s)\b)"
)


def _amount(n: str) -> str:
    return (
        rf"(?P<sign{n}>\$|usd )?\s?(?<![\w.:])(?P<value{n}>{NUMBER})"
        rf"(?P<money{n}>\s?\$|\s?{_CURRENCY})?(?:ish\b)?(?:{_UNIT.format(n=n)}|{_NOT_MONEY})"
    )


_LESS = r"under|below|beneath|less th[ae]n|lower than|cheaper than|menos de|moins de"
_MORE = r"(?:more|higher|over|greater) th[ae]n|over|above|mas de|plus de"
_UP_TO = (
    rf"{_LESS}|up to|upto|within|at most|not exceeding|"
    r"max(?:imum)?(?: price| rate| budget)?(?: of| is|:)?|capped at|<=?|hasta|maximo"
)
_BUDGET = (
    r"(?:my |on a )?budget(?: (?:is|of|around|about|under|max|up to))?:?|"
    r"(?:can |to |could )?(?:only )?(?:afford|spend|pay(?:ing)?)(?: (?:up to|around|about|max|"
    r"under))?|"
    r"(?:price|rate|cost)s?(?: (?:is|of|around|under|max|up to|below))?:?"
)
_ABOUT = r"around|about|roughly|approx(?:imately)?|circa|~|for|at|is|only|just"
_FROM = rf"{_MORE}|at least|start(?:ing|s)? (?:at|from)|from|desde|min(?:imum)?(?: of)?|>=?"
# "not under" is a minimum and "nothing over" a maximum: the limit is the other one of its word.
_NEGATED = re.compile(rf"{NEGATION}(?P<limit>(?P<less>{_LESS})|(?:{_MORE}))\s?{_amount('')}")
_PAYING = re.compile(r"\b(?:pay|spend|afford|cost|charg)")
_UNDER = re.compile(r"under|below")
_RANGE = re.compile(
    rf"(?:\b(?P<lead>{_BUDGET}|between|from|around|about|entre|de)\s+)?{_amount('1')}"
    rf"(?:\s?(?:-|to|and|y)\s?|\sa\s){_amount('2')}"
)
_MAX = re.compile(
    rf"(?:(?<!\w)(?P<about>{_ABOUT})\s?)?(?:(?<!\w)(?P<up_to>{_UP_TO})\s?)?"
    rf"(?:(?<!\w)(?P<budget>{_BUDGET})\s)?{_amount('')}"
    r"(?P<after>\s?(?:max(?:imum)?|tops|or (?:less|under|below|cheaper)|and (?:under|below)|"
    r"at most|"
    r"limit|budget|o menos)\b)?"
)
_MIN = re.compile(
    rf"(?:(?<!\w)(?P<from>{_FROM})\s?)?{_amount('')}"
    r"(?P<after>\s?(?:\+|or (?:more|above|up)\b|and (?:up|above|over)\b|plus\b|min(?:imum)?\b))?"
)
# "$30 per half hour", "$80 for 45 minutes": the length itself was read before.
_FOR_LENGTH = re.compile(r"\s?(?:/|\b(?:per|each|every|for|the|an?)\b) ?(?:an? )?")
# "a 30 min lesson for $40": the same the other way round.
_LENGTH_FOR = re.compile(
    r"(?: (?:\w+ )?(?:lessons?|class(?:es)?|sessions?))? (?:for|at)"
    rf"(?: (?:{_UP_TO}|{_ABOUT}|no more than))? (?:(?:\$|usd) ?)?"
)
_LESSON_UNIT = re.compile(r"lesson|class|clase|session|time|each")

_LOW = re.compile(
    r"(?<!not )(?<!not too )(?<!n't )"
    r"\b(?:(?:something |fairly |really |very |most )?(?:cheap(?:er|est|ish)?|"
    r"affordable|inexpensive|"
    r"economical|low[ -](?:cost|price[ds]?|budget)|budget[ -]friendly|reasonabl[ey](?:[ -]priced)?|"
    r"bargain|barat[oa]s?|economic[oa]s?|pas cher)(?: (?:rates?|prices?))?|"
    r"on a (?:tight |small |low |student )?budget|(?:not|isn't|nothing) (?:too |very |so )?"
    r"(?:expensive|pricey)|(?:good|low|best|fair) (?:prices?|rates?))\b"
)
_HIGH = re.compile(
    r"\b(?:premium|high[ -]end|luxury|deluxe|upscale|top[ -]tier|top dollar|"
    r"money(?:'s| is)? no object|price(?:'s| is)? no object|best money can buy)\b"
)


def read_price(reading: Reading) -> None:
    """Find price limits as said, what they are for, and the price preference.

    Spec: S8.1
    """
    _read_range(reading)
    if not reading.values("max_price"):
        _read_negated(reading)
        _read_minimum(reading)
        _read_maximum(reading)
    for pattern, value in ((_LOW, "low"), (_HIGH, "high")):
        for match in reading.matches(pattern):
            reading.find("price_pref", value, match.start(), match.end())
            break


def _read_range(reading: Reading) -> None:
    for match in reading.matches(_RANGE):
        groups = match.groupdict()
        is_spoken_sum = groups["lead"] not in {"between", "entre"} and " and " in match.group()
        if is_spoken_sum and not groups["sign2"]:
            continue  # "a hundred and ten dollars"
        is_budget = bool(groups["lead"]) and re.match(_BUDGET, groups["lead"]) is not None
        if not (is_budget or _has_money(groups, "1") or _has_money(groups, "2")):
            continue
        low, high = sorted((to_number(groups["value1"]), to_number(groups["value2"])))
        indent = len(match.group()) - len(match.group().lstrip())
        start, middle, end = match.start() + indent, match.start("value2"), match.end()
        reading.find("min_price", tidy(low), start, middle)
        reading.find("max_price", tidy(high), middle, end)
        _read_basis(reading, groups["unit2"] or groups["unit1"], match.start("value1"), end)
        return


def _read_negated(reading: Reading) -> None:
    for match in reading.matches(_NEGATED):
        groups, number = match.groupdict(), to_number(match["value"])
        start = start_of_limit(match)
        if not _has_money(groups, ""):
            if number < SMALLEST_BARE:
                continue
            if _is_age(match):
                reading.take(start, match.end())
                continue
        key = "min_price" if groups["less"] else "max_price"
        reading.find(key, tidy(number), start, match.end())
        _read_basis(reading, groups["unit"], match.start("value"), match.end())


def _is_age(match: re.Match[str]) -> bool:
    """“Not under 18” and “no teachers over 50” name ages, unless they speak of paying."""
    if _PAYING.search(match.group()):
        return False
    limits_people = re.search(rf"\b{PERSON} $", match.string[match.start() : match.start("limit")])
    return bool(_UNDER.match(match["limit"]) or limits_people)


def _read_minimum(reading: Reading) -> None:
    for match in reading.matches(_MIN):
        groups = match.groupdict()
        if not (groups["from"] or groups["after"]):
            continue
        named = bool(re.match(r"min", groups["from"] or groups["after"].strip() or ""))
        number = to_number(groups["value"])
        if _has_money(groups, "") or (named and number >= SMALLEST_BARE):
            indent = len(match.group()) - len(match.group().lstrip())
            reading.find("min_price", tidy(number), match.start() + indent, match.end())
            _read_basis(reading, groups["unit"], match.start("value"), match.end())
            return


def _read_maximum(reading: Reading) -> None:
    for match in reading.matches(_MAX):
        groups = match.groupdict()
        said = groups["up_to"] or groups["after"] or groups["budget"]
        number = to_number(groups["value"])
        if not (_has_money(groups, "") or (said and number >= SMALLEST_BARE)):
            continue
        indent = len(match.group()) - len(match.group().lstrip())
        reading.find("max_price", tidy(number), match.start() + indent, match.end())
        _read_basis(reading, groups["unit"], match.start("value"), match.end())
        return


def _has_money(groups: dict[str, str], n: str) -> bool:
    return bool(groups["sign" + n] or groups["money" + n] or groups["unit" + n])


def _read_basis(reading: Reading, unit: str | None, start: int, end: int) -> None:
    """Note that a limit is for a lesson, or for the length that stands directly beside it."""
    if unit:
        if _LESSON_UNIT.search(unit):
            reading.note("price_basis", "lesson")
        return
    joint = _FOR_LENGTH.match(reading.folded, end)
    for length in reading.findings:
        if length.key != "duration_minutes":
            continue
        if joint and end <= length.start <= joint.end():
            reading.note("price_minutes", length.value)
            reading.take(end, max(end, length.start))
            return
        if _LENGTH_FOR.fullmatch(reading.folded[length.end : start]):
            reading.note("price_minutes", length.value)
            return
