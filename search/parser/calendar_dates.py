"""Dates named by the calendar: "jan 22", "1/22", "the 24th", "2026-01-22"."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

from search.parser.numbers import NUMBERED
from search.parser.reading import Reading
from search.parser.weekdays import WEEKDAY

_MONTHS = (
    "jan(?:uary)?|enero", "feb(?:ruary)?|febrero", "mar(?:ch)?|marzo", "apr(?:il)?|abril",
    "may|mayo", "june?|junio", "july?|julio", "aug(?:ust)?|agosto", "sept?(?:ember)?|septiembre",
    "oct(?:ober)?|octubre", "nov(?:ember)?|noviembre", "dec(?:ember)?|diciembre",
)  # fmt: skip
_MONTH = r"(?:" + "|".join(f"(?:{month})" for month in _MONTHS) + r")\b\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?(?![\w:/%$]|\.\d|\s?[ap]\.?m\b)"
_YEAR = r"(?:,? (?P<year>20\d\d)\b)?"
_WEEKDAY_LEAD = rf"(?:\b(?:on )?(?:(?:this|next) )?{WEEKDAY},? (?:the )?|\b(?:on|for) (?:the )?)?"
_NOT_SIZE = r"(?! ?(?:time|size|sized|meter|violin|cello|guitar|viola|bass|rhythm|inch|cup)\b)"
_LONGEST_RANGE = 14

_PATTERNS = (
    re.compile(rf"{_WEEKDAY_LEAD}\b(?P<year>20\d\d)-(?P<month>\d\d)-(?P<day>\d\d)\b"),
    re.compile(
        rf"{_WEEKDAY_LEAD}\b(?P<name>{_MONTH}) (?:the )?(?P<day>{_DAY}){_YEAR}"
        rf"(?P<more>(?:\s?(?:,|and|or|&|-|to|through) ?{_DAY})*)(?: \(?{WEEKDAY}\)?)?"
    ),
    re.compile(rf"{_WEEKDAY_LEAD}\b(?P<day>{_DAY}) (?:of |de )?(?P<name>{_MONTH}){_YEAR}"),
    re.compile(
        rf"{_WEEKDAY_LEAD}(?<![\w/$.-])(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})(?:/(?P<year>20\d\d|\d\d))?"
        rf"(?P<more>-{_DAY})?(?![\w/]){_NOT_SIZE}"
    ),
    re.compile(
        rf"(?P<lead>\b(?:(?:on )?(?:next )?{WEEKDAY},? (?:the )?|on the |"
        rf"(?:for )?the ))(?P<day>\d{{1,2}}(?:st|nd|rd|th))\b"
        r"(?![ -](?:grade|grader|century|street|st\b|ave|avenue|floor|note|time|edition|"
        r"position|birthday))"
    ),
)
_SLASHED = rf"\d{{1,2}}/\d{{1,2}}(?![\w/]){_NOT_SIZE}"
# "feb 3 to feb 5", "1/20 - 1/23": every day of it; "and" spans days only after "between".
_SPAN = re.compile(
    rf"\b(?P<lead>between |from |any ?time (?:between |from ))?"
    rf"(?P<first>(?:{_MONTH} {_DAY}|(?<![\w/$.-]){_SLASHED}))"
    rf"(?P<joint>\s?(?:-|to|through|thru|until|and)\s?)"
    rf"(?P<last>(?:{_MONTH} {_DAY}|{_SLASHED}))"
)
_FRACTIONS = {(1, 2), (1, 4), (3, 4), (1, 3), (2, 3), (1, 8), (2, 4), (4, 4), (6, 8)}
# "5/6-7 people", "5/6 year olds" count learners or their years.
_COUNTED = re.compile(r"[ -]?(?:people|persons?|students?|kids|children|adults|years?|yrs?)\b")
_ONLY_NUMBER = re.compile(r"\d+")


def read_calendar_dates(reading: Reading, today: date) -> None:
    """Find explicit dates; without a year the next occurrence counts.

    Spec: S8.1
    """
    for match in reading.matches(_SPAN):
        days = _days_of_span(match, today)
        if days and not _is_count(match, match.start("first"), reading):
            reading.find("dates", days, match.start(), match.end())
    for pattern in _PATTERNS:
        for match in reading.matches(pattern):
            days = list(_dates(match, today, reading))
            is_slashed = match.groupdict().get("month") and "/" in match.group()
            if days and not (is_slashed and _is_count(match, match.start("month"), reading)):
                reading.find("dates", days, match.start(), match.end())


def _days_of_span(match: re.Match[str], today: date) -> list[date]:
    """Return all days of a stated span of two weeks at most; nothing for any other."""
    if "and" in match["joint"] and "between" not in (match["lead"] or ""):
        return []
    first, last = _said_day(match["first"], today), _said_day(match["last"], today)
    if first is None or last is None or not 0 < (last - first).days <= _LONGEST_RANGE:
        return []
    return [first + timedelta(n) for n in range((last - first).days + 1)]


def _said_day(text: str, today: date) -> date | None:
    if "/" in text:
        month, day = (int(part) for part in text.split("/"))
        return _resolve(None, month, day, today)
    name, said = text.rsplit(" ", 1)
    return _resolve(None, _month({"name": name}), int(_number(said)), today)


def _dates(match: re.Match[str], today: date, reading: Reading) -> Iterator[date]:
    groups = match.groupdict()
    day = int(_number(match["day"]))
    month = _month(groups)
    if groups.get("month") and not groups.get("name") and _is_fraction(match, month, day, reading):
        return
    first = _resolve(groups.get("year"), month, day, today)
    if first is None:
        return
    yield first
    yield from _further(groups.get("more") or "", first)


def _further(more: str, first: date) -> Iterator[date]:
    previous = first
    for joint, said in re.findall(r"(,|and|or|&|-|to|through) ?(\d{1,2})", more):
        following = _day_of(first.year, first.month, int(said))
        if following is None or following <= previous:
            return
        if joint in {"-", "to", "through"} and (following - previous).days <= _LONGEST_RANGE:
            yield from (previous + timedelta(n) for n in range(1, (following - previous).days))
        yield following
        previous = following


def _is_count(match: re.Match[str], start: int, reading: Reading) -> bool:
    """“Ages 5/6-8” and “5/6-7 people” are no days; “on 5/6 kids yoga” is one."""
    before, after = reading.folded[:start], reading.folded[match.end() :]
    if NUMBERED.search(before):
        return True
    return bool(_COUNTED.match(after)) and not _is_led_as_day(before)


def _is_led_as_day(before: str) -> bool:
    return bool(re.search(rf"(?:\bon|{WEEKDAY}),? $", before))


def _is_fraction(match: re.Match[str], month: int | None, day: int, reading: Reading) -> bool:
    """“1/2” and “3/4” are sizes unless something says that they are dates."""
    if (month, day) not in _FRACTIONS or match.groupdict().get("year"):
        return False
    before, after = reading.folded[: match.start("month")], reading.folded[match.end() :]
    return not (_is_led_as_day(before) or re.match(r"\s(?:at\b|@|after\b|before\b|\d)", after))


def _number(text: str) -> str:
    found = _ONLY_NUMBER.match(text)
    return found.group() if found else "0"


def _month(groups: dict[str, str | None]) -> int | None:
    name = groups.get("name")
    if name:
        return next(
            number
            for number, month in enumerate(_MONTHS, 1)
            if re.fullmatch(month, name.rstrip("."))
        )
    return int(groups["month"] or 0) if groups.get("month") else None


def _resolve(year: str | None, month: int | None, day: int, today: date) -> date | None:
    if month is None:
        return _next_day_of_month(day, today)
    if year:
        return _day_of(int(year) + (2000 if len(year) == len("26") else 0), month, day)
    for candidate in range(today.year, today.year + 9):
        found = _day_of(candidate, month, day)
        if found and found >= today:
            return found
    return None


def _next_day_of_month(day: int, today: date) -> date | None:
    for ahead in range(13):
        months = today.year * 12 + today.month - 1 + ahead
        found = _day_of(months // 12, months % 12 + 1, day)
        if found and found >= today:
            return found
    return None


def _day_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
