"""Times of day: clock times, ranges, parts of the day, "now" and "in 2 hours"."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from search.parser.numbers import HOUR_WORD, NUMBER, to_number
from search.parser.reading import Reading
from search.parser.weekdays import WEEKDAY

NOON = 12 * 60
EVENING_START = 17 * 60
LAST_MINUTE = 23 * 60 + 59
START_WITHIN_HOURS = 3


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes of the local day that a lesson must lie in; `is_start` marks "at 3 pm"."""

    after: int | None = None
    before: int | None = None
    is_start: bool = False
    is_part: bool = False
    is_joined: bool = False


def _clock(n: str) -> str:
    return (
        rf"(?:(?P<noon{n}>(?:12 )?noon\b|midday\b)|(?P<midnight{n}>midnight\b)|"
        rf"(?:(?P<past{n}>half past |quarter past |quarter to ))?"
        rf"(?<![\d.:$/])(?P<hour{n}>\d{{1,2}}|(?:{HOUR_WORD})\b)"
        rf"(?:(?::|\.(?=\d\d\s?[ap])|(?=\d\d\s?[ap]\.?m))(?P<minute{n}>[0-5]\d)|[ -](?P<said{n}>fifteen|thirty|forty[ -]?five)\b)?"
        rf"(?P<oclock{n}>\s?o'?\s?clock)?"
        rf"(?:ish)?(?:\s?(?P<half{n}>[ap])(?:\.?\s?m\b\.?|(?<=\d[ap])\b))?(?![\d/%]|:\d))(?:ish)?"
    )


_NOT_COUNT = (
    r"(?!\s?-?(?:years?|yrs?|yo|y/o|months?|weeks?|days?|minutes?|mins?|hours?|hrs?|lessons?|class(?:es)?|"
    r"sessions?|students?|people|kids|children|dollars?|bucks|blocks?|miles?|times|grade|th|st|nd|rd|k|"
    r"adults|of us|friends|weekends?|months)\b)"
)
_ANY_LEAD = r"(?:\b(?:any ?time|sometime|starting|start|starts|free|available|only) )?"
_RANGE = re.compile(
    rf"(?:\b(?P<lead>between|from|around|at|any ?time between|anytime from)\s)?{_clock('1')}"
    rf"\s?(?:-|to|until|till?|and|&|y)\s?{_clock('2')}{_NOT_COUNT}"
)
_AFTER = re.compile(
    rf"{_ANY_LEAD}\b(?P<lead>after|past|since|no(?:t)? (?:earlier|sooner) than|not before|later than|"
    rf"despues de(?: las)?|a partir de(?: las)?|from)\s{_clock('')}{_NOT_COUNT}"
    r"(?P<on>\s?(?:onwards?|forward|on(?=\s*(?:$|[,.;])))\b)?"
)
_AFTER_SUFFIX = re.compile(
    rf"\b{_clock('')}(?:\s?\+|\s(?:on(?:wards?)?\b(?! (?:{WEEKDAY}))|or (?:later|after)|and (?:later|after)))(?!\w)"
)
_BEFORE = re.compile(
    rf"{_ANY_LEAD}\b(?P<lead>before|until|till?|by|no(?:t)? later than|not after|earlier than|antes de(?: las)?|"
    rf"(?:done|finish(?:ed)?|ends?|out|over) (?:by|before))\s{_clock('')}{_NOT_COUNT}"
)
_BEFORE_SUFFIX = re.compile(rf"\b{_clock('')}\s(?:or (?:earlier|before)|at the latest|latest)\b")
_AT = re.compile(
    rf"{_ANY_LEAD}(?:\b(?P<lead>at|@|around|about|circa|a las)\s?|@\s?){_clock('')}{_NOT_COUNT}"
)
_BARE = re.compile(rf"(?<![\w-]){_clock('')}{_NOT_COUNT}")
_CONTEXT_DAY = re.compile(
    rf"(?:\b(?:{WEEKDAY}|tomorrow|today|tonight|tmrw|mornings?|afternoons?|evenings?|nights?|weekdays?|weekends?|"
    r"weeknights?|weekend|school|\d{1,2}/\d{1,2}|\d(?:st|nd|rd|th)|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)\w* \d{1,2}),?\s)$"
)
_PM_NEAR = re.compile(r"\b(?:tonight|nights?|evenings?|afternoons?)\b")
_PM_AFTER = re.compile(r"\s?(?:in the |at |on |this )?(?:tonight|nights?|evenings?|afternoons?)\b")
_AM_AFTER = re.compile(r"\s?(?:in the |de la )?(?:mornings?|manana)\b")
_AM_NEAR = re.compile(
    r"\b(?:mornings?|manana)\b[ ,]*(?:at |@ ?|before |after |from |around |between )?$"
)
_PM_BEFORE = re.compile(
    r"\b(?:tonight|nights?|evenings?|afternoons?)\b[ ,]*(?:at |@ ?|before |after |from |around |between )?$"
)
_SOON = re.compile(
    r"\b(?:(?:right |available |free )now|(?<!know )(?<!until )(?<!by )(?<!from )now(?! on\b| and then))\b"
)
_IN_HOURS = re.compile(
    rf"\bin (?:about )?(?P<count>an?|half an|{NUMBER}) (?P<unit>hours?|hrs?|minutes?|mins?)\b(?! of)"
)

_PARTS: tuple[tuple[re.Pattern[str], Window], ...] = tuple(
    (re.compile(pattern), Window(after, before, is_part=True))
    for pattern, after, before in (
        (r"\b(?:(?:in the )?early (?:in the )?mornings?|before (?:work|school|the office)|antes del trabajo)\b", None, 9 * 60),
        (r"\b(?:after|following) (?:work|the office)\b|\bdespues del trabajo\b", 17 * 60, None),
        (r"\b(?:after|following)[ -]?school\b|\bdespues de la escuela\b", 15 * 60, None),
        (r"\b(?:(?:at|during|over|on|for) )?(?:my |the )?lunch(?:[ -]?(?:time|hour|break)|es)?\b(?! ?box| ideas| prep| recipes)", NOON, 14 * 60),
        (r"\b(?:(?:in the|por la|de la) )?(?:late |early |mid )?(?:afternoons?|tardes?)\b", NOON, 17 * 60),
        (r"\b(?:(?:in the|por la|de la) |at )?(?:late |early )?(?<!date )(?:evenings?|nights?|noches?)\b(?! (?:photo\w*|sky|shots|market|club|terrors|gown|owls?))", 17 * 60, None),
        (r"\b(?:(?:in the|por la|de la) )?(?:late |mid[ -]?)?(?:mornings?|mananas)\b|\bpor la manana\b|\bmid-?mornings?\b(?! person)", None, NOON),
        (r"\bbefore noon\b|\b(?:12 )?noon\b", None, NOON),
        (r"\bmid-?day\b", NOON, 14 * 60),
    )
)  # fmt: skip


def read_soon(reading: Reading, now: datetime, zone: ZoneInfo) -> None:
    """Find "now" (starts within 3 hours) and "in 2 hours" (from then), by the real clock.

    Spec: S8.1
    """
    for match in reading.matches(_IN_HOURS):
        begin = (now + _span(match)).astimezone(zone)
        reading.find("soon", (begin, None), match.start(), match.end())
        return
    for match in reading.matches(_SOON):
        local = now.astimezone(zone)
        latest = (now + timedelta(hours=START_WITHIN_HOURS)).astimezone(zone)
        reading.find("soon", (local, latest), match.start(), match.end())
        return


def _span(match: re.Match[str]) -> timedelta:
    said = match["count"]
    count = 0.5 if said == "half an" else 1.0 if said in {"a", "an"} else to_number(said)
    return timedelta(hours=count) if match["unit"].startswith("h") else timedelta(minutes=count)


def read_clock(reading: Reading) -> None:
    """Find clock ranges, limits and starts.

    Spec: S8.1
    """
    for match in reading.matches(_RANGE):
        if _is_time_range(reading, match):
            _find_range(reading, match)
    for pattern, is_after in (
        (_AFTER, True),
        (_AFTER_SUFFIX, True),
        (_BEFORE, False),
        (_BEFORE_SUFFIX, False),
    ):
        for match in reading.matches(pattern):
            minute = _minute(match, "", reading)
            needs_mark = match.groupdict().get("lead") in {"from", "past", "since"}
            told = (
                _is_marked(match, "") or match.groupdict().get("on") or _ends_clause(reading, match)
            )
            if minute is None or (needs_mark and not told):
                continue
            window = Window(after=minute) if is_after else Window(before=minute)
            reading.find("window", window, match.start(), match.end())
    _read_starts(reading)


def _read_starts(reading: Reading) -> None:
    for match in reading.matches(_AT):
        minute = _minute(match, "", reading)
        if minute is not None and not _is_other_at(reading, match):
            reading.find("window", Window(after=minute, is_start=True), match.start(), match.end())
    for match in reading.matches(_BARE):
        if match["noon"] and not match.group().startswith("12"):
            continue
        in_context = _CONTEXT_DAY.search(reading.folded[: match.start()])
        minute = _minute(match, "", reading)
        told = _is_marked(match, "") or (
            in_context and len(match["hour"] or "") <= 2 and _ends_clause(reading, match)
        )
        said_half = _AM_AFTER.match(reading.folded[match.end() :]) or re.match(
            r" (?:in the|at night)", reading.folded[match.end() :]
        )
        if minute is not None and (told or said_half):
            reading.find("window", Window(after=minute, is_start=True), match.start(), match.end())


def _ends_clause(reading: Reading, match: re.Match[str]) -> bool:
    return bool(
        re.match(
            r"\s*(?:$|[,.;!?]|in\b|at\b|near\b|on\b|or\b|and\b|under\b|with\b|for\b)",
            reading.folded[match.end() :],
        )
    )


def _is_other_at(reading: Reading, match: re.Match[str]) -> bool:
    """ "around 20 students" or "about 60" is no time."""
    hour = match["hour"]
    return match["lead"] in {"around", "about", "circa"} and not (
        _is_marked(match, "") or (hour is not None and (not hour.isdigit() or int(hour) <= 12))
    )


def _is_marked(match: re.Match[str], n: str) -> bool:
    groups = match.groupdict()
    names = ("half", "minute", "noon", "midnight", "oclock", "past")
    return any(groups[name + n] for name in names) or bool(groups["said" + n])


def _is_time_range(reading: Reading, match: re.Match[str]) -> bool:
    if re.search(r"[-&]|\d", match.group()) and match["lead"] != "between":
        joined_by_and = re.search(r"\d\s?(?:[ap]m)?\s(?:and|y)\s", match.group())
        if joined_by_and and not (_is_marked(match, "1") and _is_marked(match, "2")):
            return False
    if any(match["minute" + n] or match["half" + n] or match["noon" + n] for n in "12"):
        return True
    before, after = reading.folded[: match.start()], reading.folded[match.end() :]
    if re.search(r"(?:grades?|ages?|aged|chapters?|levels?|years?|size|part) $", before):
        return False
    named = match["lead"] in {
        "between",
        "from",
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
    if hour > 23 or (half and not 1 <= hour <= 12) or (hour > 12 and not _is_day_clock(match, n)):
        return None
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    elif 1 <= hour <= 7 and not said.startswith("0"):
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
    """ "8 in the evening", "tonight at 8", "7 in the morning" say the half in words."""
    before, after = reading.folded[: match.start()], reading.folded[match.end() :]
    lead = match.groupdict().get("lead") or ""
    if _AM_AFTER.match(after) or _AM_NEAR.search(f"{before}{lead} "):
        return "a"
    if _PM_AFTER.match(after) or _PM_BEFORE.search(f"{before}{lead} "):
        hour = match.groupdict().get("hour") or match.groupdict().get("hour1")
        return None if hour == "12" else "p"
    return None


def read_parts_of_day(reading: Reading) -> None:
    """Find morning, afternoon, evening, lunch, after work and the like.

    Spec: S8.1
    """
    for pattern, window in _PARTS:
        for match in reading.matches(pattern):
            plural = match.group().rstrip().endswith("s")
            if plural:
                reading.note("plural_part", match.start())
            joined = bool(
                re.search(r"\b(?:or|and) (?:in the )?$|[/&]\s?$", reading.folded[: match.start()])
            )
            reading.find(
                "window",
                Window(window.after, window.before, is_part=True, is_joined=joined),
                match.start(),
                match.end(),
            )


def merge_windows(windows: list[Window], duration_minutes: int) -> Window | None:
    """Merge everything said about the time into one window; a stated clock beats a part of day.

    Spec: S8.1
    """
    starts = [window.after for window in windows if window.is_start and window.after is not None]
    if starts:
        end = min(max(starts) + duration_minutes, LAST_MINUTE)
        return Window(min(starts), end, is_start=len(set(starts)) == 1)
    clocks = _intersect([window for window in windows if not window.is_part])
    parts = _merge_parts([window for window in windows if window.is_part])
    both = _intersect([clocks, parts])
    if both.after is not None and both.before is not None and both.after >= both.before:
        both = clocks
    return None if both.after is None and both.before is None else both


def _intersect(windows: list[Window]) -> Window:
    afters = [window.after for window in windows if window.after is not None]
    befores = [window.before for window in windows if window.before is not None]
    return Window(max(afters, default=None), min(befores, default=None))


def _merge_parts(parts: list[Window]) -> Window:
    if len(parts) < 2:
        return parts[0] if parts else Window()
    if not any(part.is_joined for part in parts):
        narrow = _intersect(parts)
        if narrow.after is None or narrow.before is None or narrow.after < narrow.before:
            return narrow
    after = None if any(p.after is None for p in parts) else min(p.after or 0 for p in parts)
    before = None if any(p.before is None for p in parts) else max(p.before or 0 for p in parts)
    return Window(after, before)
