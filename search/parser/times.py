"""Clock times: starts, limits and ranges."""

import re

from search.parser.negation import NEGATION, UNTIL, start_of_limit
from search.parser.numbers import HOUR_WORD, NUMBERED, to_number
from search.parser.reading import Reading
from search.parser.weekdays import WEEKDAY
from search.parser.windows import LAST_MINUTE, NOON, Window

HOURS_OF_CLOCK = 12
LAST_HOUR = 23
LAST_AFTERNOON_HOUR = 7  # a bare 1 to 7 is pm, 8 to 11 is am


def _clock(n: str) -> str:
    return (
        rf"(?:(?P<noon{n}>(?:12 )?noon\b|midday\b)|(?P<midnight{n}>midnight\b)|"
        rf"(?:(?P<past{n}>half past |quarter past |quarter to ))?"
        rf"(?<![\d.:$/])(?P<hour{n}>\d{{1,2}}|(?:{HOUR_WORD})\b)"
        rf"(?:(?::|\.(?=\d\d\s?[ap])|(?=\d\d\s?[ap]\.?m))(?P<minute{n}>[0-5]\d)|"
        rf"[ -](?P<said{n}>fifteen|thirty|forty[ -]?five)\b)?"
        rf"(?P<oclock{n}>\s?o'?\s?clock)?"
        rf"(?:ish)?(?:\s?(?P<half{n}>[ap])(?:\.?\s?m\b\.?|(?<=\d[ap])\b))?(?![\d/%]|:\d))(?:ish)?"
    )


_NOT_COUNT = (
    r"(?!\s?-?(?:years?|yrs?|yo|y/o|months?|weeks?|days?|minutes?|mins?|hours?|hrs?|lessons?|"
    r"class(?:es)?|"
    r"sessions?|students?|people|kids|children|dollars?|bucks|blocks?|miles?|times|grade|th|st|"
    r"nd|rd|k|anos?|"
    r"adults|of us|friends|weekends?|months)\b)"
)
_ANY_LEAD = r"(?:\b(?:any ?time|sometime|starting|start|starts|free|available|only) )?"
_RANGE = re.compile(
    rf"(?:\b(?P<lead>between|from|around|at|any ?time between|anytime from|entre|desde|de)"
    rf"\s(?:las )?)?{_clock('1')}"
    rf"\s?(?:-|to|until|till?|and|&|y|\ba\b)\s?(?:las )?{_clock('2')}{_NOT_COUNT}"
)
_PAST = r"later than|after|past|despues de(?: las)?"
# "not before" is a limit below and "nothing later than" one above: the other one of its word.
_NOT_BEFORE = re.compile(rf"{NEGATION}(?P<limit>(?P<lead>{UNTIL})\s{_clock('')}){_NOT_COUNT}")
_NOT_AFTER = re.compile(rf"{NEGATION}(?P<limit>(?P<lead>{_PAST})\s{_clock('')}){_NOT_COUNT}")
# "not before 5 or after 8": the "not" is said once and rules out both.
_OR_BEFORE = re.compile(rf"(?:,? n?or )(?P<lead>{UNTIL})\s{_clock('')}{_NOT_COUNT}")
_OR_AFTER = re.compile(rf"(?:,? n?or )(?P<lead>{_PAST})\s{_clock('')}{_NOT_COUNT}")
_AFTER = re.compile(
    rf"{_ANY_LEAD}\b(?P<lead>after|(?<!half )(?<!quarter )past|since|later than|"
    rf"despues de(?: las)?|(?:a partir de|desde)(?: las)?|from)\s{_clock('')}{_NOT_COUNT}"
    r"(?P<on>\s?(?:onwards?|forward|on(?=\s*(?:$|[,.;])))\b)?"
)
_AFTER_SUFFIX = re.compile(
    rf"\b{_clock('')}(?:\s?\+|\s(?:onwards?\b|on(?=\s*(?:$|[,.;]))|or (?:later|after)|"
    rf"and (?:later|after)))(?!\w)"
)
_BEFORE = re.compile(
    rf"{_ANY_LEAD}\b(?P<lead>before|until|till?|by|earlier than|antes de(?: las)?|"
    rf"(?:done|finish(?:ed)?|ends?|out|over) (?:by|before))\s{_clock('')}{_NOT_COUNT}"
)
_BEFORE_SUFFIX = re.compile(rf"\b{_clock('')}\s(?:or (?:earlier|before)|at the latest|latest)\b")
_AT = re.compile(
    rf"{_ANY_LEAD}(?:\b(?P<lead>at|@|around|about|circa|a las)\s?|@\s?){_clock('')}{_NOT_COUNT}"
)
_BARE = re.compile(rf"(?<![\w-]){_clock('')}{_NOT_COUNT}")
_CONTEXT_DAY = re.compile(
    rf"(?:\b(?:{WEEKDAY}|tomorrow|today|tonight|tmrw|mornings?|afternoons?|evenings?|nights?|"
    rf"weekdays?|weekends?|"
    r"weeknights?|weekend|school|\d{1,2}/\d{1,2}|\d(?:st|nd|rd|th)|(?:jan|feb|mar|apr|may|jun|"
    r"jul|aug|sep|oct|nov|dec)\w* \d{1,2}),?\s)$"
)
_PM_AFTER = re.compile(
    r"\s?(?:in the |at |on |this |de la |por la )?"
    r"(?:tonight|nights?|evenings?|afternoons?|tarde|noche)\b"
)
_AM_AFTER = re.compile(r"\s?(?:in the |de la )?(?:mornings?|manana)\b")
_AM_NEAR = re.compile(
    r"\b(?:mornings?|manana)\b[ ,]*(?:at |@ ?|before |after |from |around |between )?$"
)
_PM_BEFORE = re.compile(
    r"\b(?:tonight|nights?|evenings?|afternoons?)\b[ ,]*(?:at |@ ?|before |after |from |around |"
    r"between )?$"
)


def read_clock(reading: Reading) -> None:
    """Find clock ranges, limits and starts.

    Spec: S8.1
    """
    for match in reading.matches(_RANGE):
        if _is_time_range(reading, match):
            _find_range(reading, match)
    for pattern, second, is_after in (
        (_NOT_BEFORE, _OR_AFTER, True),
        (_NOT_AFTER, _OR_BEFORE, False),
    ):
        for match in reading.matches(pattern):
            if not _find_limit(reading, match, start_of_limit(match), is_after=is_after):
                continue
            if further := second.match(reading.open, match.end()):
                _find_limit(reading, further, further.start(), is_after=not is_after)
    for pattern, is_after in (
        (_BEFORE, False),
        (_AFTER, True),
        (_AFTER_SUFFIX, True),
        (_BEFORE_SUFFIX, False),
    ):
        for match in reading.matches(pattern):
            _find_limit(reading, match, match.start(), is_after=is_after)
    _read_starts(reading)


def _find_limit(reading: Reading, match: re.Match[str], start: int, *, is_after: bool) -> bool:
    minute = _minute(match, "", reading)
    needs_mark = match.groupdict().get("lead") in {"from", "past", "since"}
    told = _is_marked(match, "") or match.groupdict().get("on") or _ends_clause(reading, match)
    if minute is None or (needs_mark and not told):
        return False
    window = Window(after=minute) if is_after else Window(before=minute)
    reading.find("window", window, start, match.end())
    return True


def _read_starts(reading: Reading) -> None:
    for match in reading.matches(_AT):
        minute = _minute(match, "", reading)
        if minute not in {None, LAST_MINUTE} and not _is_other_at(match):
            reading.find("window", Window(after=minute, is_start=True), match.start(), match.end())
    for match in reading.matches(_BARE):
        if match["noon"] and not match.group().startswith("12"):
            continue
        in_context = _CONTEXT_DAY.search(reading.folded[: match.start()])
        minute = _minute(match, "", reading)
        told = _is_marked(match, "") or (in_context and _ends_clause(reading, match))
        said_half = _AM_AFTER.match(reading.folded[match.end() :]) or re.match(
            r" (?:in the|at night)", reading.folded[match.end() :]
        )
        if minute not in {None, LAST_MINUTE} and (told or said_half):
            reading.find("window", Window(after=minute, is_start=True), match.start(), match.end())


def _ends_clause(reading: Reading, match: re.Match[str]) -> bool:
    return bool(
        re.match(
            r"\s*(?:$|[,.;!?]|in\b|at\b|near\b|on\b|or\b|and\b|under\b|with\b|for\b)",
            reading.folded[match.end() :],
        )
    )


def _is_other_at(match: re.Match[str]) -> bool:
    """“around 20 students” or “about 60” is no time."""
    hour = match["hour"]
    return match["lead"] in {"around", "about", "circa"} and not (
        _is_marked(match, "")
        or (hour is not None and (not hour.isdigit() or int(hour) <= HOURS_OF_CLOCK))
    )


def _is_marked(match: re.Match[str], n: str) -> bool:
    groups = match.groupdict()
    names = ("half", "minute", "noon", "midnight", "oclock", "past")
    return any(groups[name + n] for name in names) or bool(groups["said" + n])


def _is_time_range(reading: Reading, match: re.Match[str]) -> bool:
    if re.search(r"[-&]|\d", match.group()) and match["lead"] not in {"between", "entre"}:
        joined_by_and = re.search(r"\d\s?(?:[ap]m)?\s(?:and|y)\s", match.group())
        if joined_by_and and not (_is_marked(match, "1") and _is_marked(match, "2")):
            return False
    if any(match["minute" + n] or match["half" + n] or match["noon" + n] for n in "12"):
        return True
    before, after = reading.folded[: match.start()], reading.folded[match.end() :]
    if NUMBERED.search(before):
        return False
    named = match["lead"] in {
        "between",
        "from",
        "entre",
        "de",
        "desde",
        "any time between",
        "anytime between",
        "anytime from",
    }
    return bool(
        named or _CONTEXT_DAY.search(before) or _PM_AFTER.match(after) or _AM_AFTER.match(after)
        or re.match(rf"\s(?:on )?(?:{WEEKDAY}|tomorrow|today|tonight)", after)
    )  # fmt: skip


def _find_range(reading: Reading, match: re.Match[str]) -> None:
    first, second = _range_minutes(match, reading)
    if first is None or second is None or not first < second:
        return
    reading.find("window", Window(after=first, before=second), match.start(), match.end())


def _range_minutes(match: re.Match[str], reading: Reading) -> tuple[int | None, int | None]:
    first, second = _minute(match, "1", reading), _minute(match, "2", reading)
    if first is None or second is None:
        return None, None
    half1, half2 = _told_half(match, "1"), _told_half(match, "2")
    if half2 and not half1 and not match["noon1"]:
        hour1 = first % NOON
        first = hour1 + NOON if half2 == "p" else hour1
        if first >= second:
            first = (first + NOON) % (2 * NOON)
    elif first >= second and not half2 and second + NOON < 2 * NOON:
        second += NOON
    elif half1 == "a" and not half2 and first < second - NOON:
        second -= NOON
    return first, second


def _told_half(match: re.Match[str], n: str) -> str | None:
    if match["noon" + n]:
        return "p"
    return match["half" + n]


def _minute(match: re.Match[str], n: str, reading: Reading) -> int | None:
    """Return the minute of the day that a clock group says, or None if it says none."""
    groups = match.groupdict()
    if groups["noon" + n]:
        return NOON
    if groups["midnight" + n]:
        return LAST_MINUTE
    said = groups["hour" + n]
    hour = int(said) if said.isdigit() else round(to_number(said))
    minute = _minutes_past(groups, n)
    half = groups["half" + n] or _half_from_context(match, reading)
    if (
        hour > LAST_HOUR
        or (half and not 1 <= hour <= HOURS_OF_CLOCK)
        or (hour > HOURS_OF_CLOCK and not _is_day_clock(match, n))
    ):
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif 1 <= hour <= LAST_AFTERNOON_HOUR and not said.startswith("0"):
        hour += 12
    total = hour * 60 + minute
    return total if 0 <= total <= LAST_MINUTE else None


def _is_day_clock(match: re.Match[str], n: str) -> bool:
    return bool(match["minute" + n]) or match.groupdict().get("lead") in {"after", "before"}


def _minutes_past(groups: dict[str, str | None], n: str) -> int:
    said = groups["said" + n]
    if said:
        return {"fifteen": 15, "thirty": 30}.get(said, 45)
    past = {"half past ": 30, "quarter past ": 15, "quarter to ": -15}.get(
        groups["past" + n] or "", 0
    )
    return past + int(groups["minute" + n] or 0)


def _half_from_context(match: re.Match[str], reading: Reading) -> str | None:
    """“8 in the evening”, “tonight at 8”, “7 in the morning” say the half in words."""
    before, after = reading.folded[: match.start()], reading.folded[match.end() :]
    lead = match.groupdict().get("lead") or ""
    if _AM_AFTER.match(after) or _AM_NEAR.search(f"{before}{lead} "):
        return "a"
    if _PM_AFTER.match(after) or _PM_BEFORE.search(f"{before}{lead} "):
        hour = match.groupdict().get("hour") or match.groupdict().get("hour1")
        return None if hour == "12" else "p"
    return None
