"""Days relative to today, weekends, weeks and weekdays, one-off or recurring."""

import re
from datetime import date, timedelta
from typing import cast

from search.parser.calendar_dates import read_calendar_dates
from search.parser.negation import NEGATION, UNTIL, start_of_limit
from search.parser.numbers import NUMBER, to_number
from search.parser.reading import Finding, Reading
from search.parser.weekdays import CODES, JOIN, WEEKDAY, code_of, is_plural, weekday_tokens
from search.parser.windows import Window

EVENING = 17 * 60
WORKDAYS = list(CODES[:5])
WEEKEND = list(CODES[5:])
_FURTHEST_DAYS = 366

_TOMORROW = r"(?:tomm?orr?ow|tomorow|2morr?ow|tmrw|tmrow|tmw|tomoz|manana(?! (?:por|en)))"
_WEEK_FROM_DAY = re.compile(rf"\b(?:on )?(?:a|one) week from (?:this )?(?P<day>{WEEKDAY})")
_IN_DAYS = re.compile(rf"\bin (?P<count>an?|{NUMBER}) (?P<unit>days?|weeks?)\b(?! of)")
_TONIGHT = re.compile(r"\b(?:for )?(?:tonight|tonite|2nite|later tonight|esta noche)\b")
_PART_TODAY = re.compile(
    r"\b(?:later )?(?:this )(?=(?:morning|afternoon|evening)\b|late afternoon)"
)
_WEEK = re.compile(
    r"\b(?:(?:any ?(?:time|day) |sometime |later |during |for )*(?P<which>this|next)|"
    r"rest of the) week\b"
)
_WEEKEND = re.compile(
    r"\b(?:on |over |for |during |at )?(?P<which>this coming |this |the coming |coming |next |"
    r"every |the |on )?"
    r"(?P<word>week-?ends?|fin de semana)\b(?: only)?"
)
_WEEKLY = re.compile(
    r"\b(?:(?:once|twice|thrice|two times|three times|\d ?x|\d times) (?:a|per|each|every) week|"
    r"weekly|every week|each week)\b"
)
_WEEKDAYS = re.compile(
    r"\b(?:on |during |every |any |all )*(?:the )?(?P<word>week-?days?|week-?nights?|"
    r"work-?days)\b(?: only)?"
)
_DAY_RANGE = re.compile(
    rf"\b(?:from |on |every |de |du )?(?P<first>{WEEKDAY})\s?(?:-|to|thru|through|au?\b|"
    rf"until)\s?(?P<last>{WEEKDAY})"
)
_RECURRING_LEAD = re.compile(
    r"(?:\b(?:every|each)(?: other| single)?|\ball|\bon all|\blos|"
    r"\bcada) $"
)
_LEAD = re.compile(
    r"(?:\b(?:only |either )?(?:on |for |starting |from |by |before |until |any |"
    r"available )*(?:on |only )?"
    r"(?P<which>this coming |this |next |coming |the next |every other |every single |every |"
    r"each |all |los |cada |el )?)$"
)
_PLURAL_PART = re.compile(
    r",? ?(?:late |early )?(?:in the )?(?:mornings|afternoons|evenings|nights|lunches|lunchtimes)\b"
)
_DEADLINE = re.compile(r"\b(?:by|before|until) (?:this |next )?$")
# "not until tonight" is a time of today and no first day.
_NOT_BEFORE = re.compile(
    rf"{NEGATION}(?P<limit>{UNTIL})(?: after)? "
    r"(?!ton|2nite|later|today|this (?:late|morn|after|eve))"
)
_OPEN_DAYS = 14  # no constraint is open-ended: "not before friday" is it and the 13 days after it


def read_dates(reading: Reading, today: date) -> None:
    """Find one-off dates ("dates") and recurring weekdays ("weekdays").

    Spec: S8.1
    """
    _read_relative(reading, today)
    read_calendar_dates(reading, today)
    weekly = _read_weekly(reading)
    _read_workdays(reading)
    week = _find_week(reading)
    _read_day_range(reading, today, week)
    _read_weekday_lists(reading, today, weekly=weekly, week=week)
    _read_weekend(reading, today)
    _read_week(reading, today, week)
    _read_first_days(reading)


def _read_relative(reading: Reading, today: date) -> None:
    rules = (
        (rf"\b(?:on |for )?(?:the )?day after {_TOMORROW}\b", 2),
        (r"\b(?:a|one) week from today\b", 7),
        (rf"\b(?:a|one) week from {_TOMORROW}\b", 8),
        (rf"\b(?:on |for |by )?{_TOMORROW}\b", 1),
        (r"\b(?:for |later )?(?:today|2day|hoy|same[ -]day)\b", 0),
    )
    for match in reading.matches(_TONIGHT):
        reading.find("dates", [today], match.start(), match.end())
        reading.findings.append(
            Finding("window", Window(after=EVENING, is_part=True), match.start(), match.end())
        )
    for match in _PART_TODAY.finditer(reading.folded):
        reading.find("dates", [today], match.start(), match.end())
    for pattern, days in rules:
        for match in reading.matches(re.compile(pattern)):
            reading.find("dates", [today + timedelta(days)], match.start(), match.end())
    for match in reading.matches(_WEEK_FROM_DAY):
        day = _weekday_on(code_of(match["day"]), today, "") + timedelta(7)
        reading.find("dates", [day], match.start(), match.end())
    for match in reading.matches(_IN_DAYS):
        count = 1.0 if match["count"] in {"a", "an"} else to_number(match["count"])
        days = round(count * (7 if match["unit"].startswith("w") else 1))
        if days <= _FURTHEST_DAYS:
            reading.find("dates", [today + timedelta(days)], match.start(), match.end())


def _read_weekly(reading: Reading) -> bool:
    found = False
    for match in reading.matches(_WEEKLY):
        reading.take(match.start(), match.end())
        found = True
    return found


def _read_workdays(reading: Reading) -> None:
    for match in reading.matches(_WEEKDAYS):
        if not re.search(r"days?$|nights?$", match["word"]):
            continue
        if "night" in match["word"]:
            reading.findings.append(
                Finding("window", Window(after=EVENING, is_part=True), match.start(), match.end())
            )
        reading.find("weekdays", WORKDAYS, match.start(), match.end())


def _find_week(reading: Reading) -> re.Match[str] | None:
    return next(reading.matches(_WEEK), None)


def _read_day_range(reading: Reading, today: date, week: re.Match[str] | None) -> None:
    for match in reading.matches(_DAY_RANGE):
        first, last = CODES.index(code_of(match["first"])), CODES.index(code_of(match["last"]))
        if first == last:
            continue
        codes = [CODES[(first + n) % 7] for n in range((last - first) % 7 + 1)]
        start = match.start() + (re.match(r"\s*", match.group()) or match).end() * 0
        if week:
            days = [_weekday_on(code, today, _which(week)) for code in codes]
            reading.find("dates", days, start, match.end())
        else:
            reading.find("weekdays", codes, start, match.end())


def _which(week: re.Match[str]) -> str:
    return week["which"] or "this"


def _read_weekday_lists(
    reading: Reading, today: date, *, weekly: bool, week: re.Match[str] | None
) -> None:
    for group in _lists(weekday_tokens(reading.open, reading.folded, reading.text), reading):
        codes = list(dict.fromkeys(code_of(token.group()) for token in group))
        lead = _LEAD.search(reading.open[: group[0].start()])
        start, end = (lead.start() if lead else group[0].start()), group[-1].end()
        before, after = reading.open[: group[0].start()], reading.folded[end:]
        said_day = len(before.removesuffix("this ").removesuffix("next "))
        is_first_day = _not_before(before, said_day) is not None
        recurring = not is_first_day and (
            weekly
            or any(is_plural(token.group()) for token in group)
            or bool(_RECURRING_LEAD.search(before))
            or bool(_PLURAL_PART.match(after))
            or _plural_part_before(reading, start)
        )
        if recurring:
            reading.find("weekdays", codes, start, end)
            continue
        which = (lead["which"] if lead and lead["which"] else _which(week) if week else "").strip()
        days = [_weekday_on(code, today, which) for code in codes]
        if len(days) == 1 and not is_first_day and _DEADLINE.search(before):
            days = _until(days[0], today, inclusive="before" not in before[-12:])
        reading.find("dates", days, start, end)


def _plural_part_before(reading: Reading, start: int) -> bool:
    """“mornings on tuesday” recurs as well."""
    return bool(
        re.search(r"\b(?:mornings|afternoons|evenings|nights) (?:on )?$", reading.folded[:start])
    )


def _until(last: date, today: date, *, inclusive: bool) -> list[date]:
    days = [today + timedelta(n) for n in range((last - today).days + int(inclusive))]
    return days or [last]


def _lists(tokens: list[re.Match[str]], reading: Reading) -> list[list[re.Match[str]]]:
    """Group weekday words that stand beside each other ("tues or thurs", "mon wed fri")."""
    groups: list[list[re.Match[str]]] = []
    for token in tokens:
        between = reading.folded[groups[-1][-1].end() : token.start()] if groups else ""
        if groups and re.fullmatch(JOIN, between):
            groups[-1].append(token)
        else:
            groups.append([token])
    return groups


def _weekday_on(code: str, today: date, which: str) -> date:
    """Return the day of this name: today counts, "next" is that day of the next Monday week."""
    number = CODES.index(code)
    if which == "next":
        return today + timedelta(7 - today.weekday() + number)
    return today + timedelta((number - today.weekday()) % 7)


def _read_weekend(reading: Reading, today: date) -> None:
    for match in reading.matches(_WEEKEND):
        which = (match["which"] or "").strip()
        recurring = (
            match["word"].endswith("s")
            or which == "every"
            or bool(_PLURAL_PART.match(reading.folded[match.end() :]))
            or (
                not which
                and bool(
                    re.match(r" (?:lessons|class(?:es)?|only)\b", reading.folded[match.end() :])
                )
            )
        )
        if recurring:
            reading.find("weekdays", WEEKEND, match.start(), match.end())
            continue
        days = [_weekday_on(code, today, which) for code in WEEKEND]
        if which != "next":
            days = [day for day in (days if days[0] < days[1] else [days[1]]) if day >= today]
        reading.find("dates", days, match.start(), match.end())


def _read_week(reading: Reading, today: date, week: re.Match[str] | None) -> None:
    if week is None:
        return
    if reading.values("dates"):
        reading.take(week.start(), week.end())
        return
    last = 6 - today.weekday()
    days = range(last + 1) if _which(week) == "this" else range(last + 1, last + 8)
    reading.find("dates", [today + timedelta(n) for n in days], week.start(), week.end())


def _read_first_days(reading: Reading) -> None:
    """Let “not before Friday” mean Friday and what follows; beside recurring days it adds none."""
    for found in [one for one in reading.findings if one.key == "dates"]:
        said = reading.open[: found.start] + reading.folded[found.start :]
        lead = _not_before(said, found.start)
        if lead is None or lead.end() >= found.end:
            continue
        reading.findings.remove(found)
        start = min(start_of_limit(lead), found.start)
        reading.take(start, found.end)
        if not reading.values("weekdays"):
            first = min(cast("list[date]", found.value))
            days = [first + timedelta(n) for n in range(_OPEN_DAYS)]
            reading.findings.append(Finding("dates", days, start, found.end))


def _not_before(text: str, position: int) -> re.Match[str] | None:
    """Return the first “not before” that ends at this position or behind it."""
    return next((lead for lead in _NOT_BEFORE.finditer(text) if lead.end() >= position), None)
