"""Parts of the day: morning, evening, lunch, after work."""

import re

from search.parser.reading import Reading
from search.parser.windows import EVENING_START, NOON, Window

EARLY_END = 9 * 60
SCHOOL_END = 15 * 60
LUNCH_END = 14 * 60

_IN_THE = r"\b(?:(?:in the|(?:por|de|en) las?|le|les|l') ?|at )?"
_EARLY = re.compile(
    r"\b(?:(?:in the )?early (?:in the )?mornings?|before (?:work|school|the office)|"
    r"antes del trabajo)\b"
)
_AFTER_WORK = re.compile(r"\b(?:after|following) (?:work|the office)\b|\bdespues del trabajo\b")
_AFTER_SCHOOL = re.compile(r"\b(?:after|following)[ -]?school\b|\bdespues de la escuela\b")
_LUNCH = re.compile(
    r"\b(?:(?:at|during|over|on|for) )?(?:my |the )?lunch(?:[ -]?(?:time|hour|break)|es)?\b"
    r"(?! ?box| ideas| prep| recipes)|\bmid-?day\b"
)
_AFTERNOON = re.compile(
    rf"{_IN_THE}(?:late |early |mid )?(?:afternoons?|tardes?|apres[ -]midis?)\b"
)
_EVENING = re.compile(
    rf"{_IN_THE}(?:late |early )?(?<!date )(?:evenings?|nights?|noches?|soirs?)\b"
    r"(?! (?:photo\w*|sky|shots|market|club|terrors|gown|owls?))"
)
_MORNING = re.compile(
    rf"{_IN_THE}(?:late |mid[ -]?)?(?:mornings?|mananas|matins?)\b(?! person)|"
    r"\b(?:por|en|de) la manana\b"
)
_NOON = re.compile(r"\bbefore noon\b|\b(?:12 )?noon\b")
_PARTS: tuple[tuple[re.Pattern[str], int | None, int | None], ...] = (
    (_EARLY, None, EARLY_END),
    (_AFTER_WORK, EVENING_START, None),
    (_AFTER_SCHOOL, SCHOOL_END, None),
    (_LUNCH, NOON, LUNCH_END),
    (_AFTERNOON, NOON, EVENING_START),
    (_EVENING, EVENING_START, None),
    (_MORNING, None, NOON),
    (_NOON, None, NOON),
)
_JOINED = re.compile(r"\b(?:or|and) (?:in the )?$|[/&]\s?$")


def read_parts_of_day(reading: Reading) -> None:
    """Find morning, afternoon, evening, lunch, after work and the like.

    Spec: S8.1
    """
    for pattern, after, before in _PARTS:
        for match in reading.matches(pattern):
            joined = bool(_JOINED.search(reading.folded[: match.start()]))
            window = Window(after, before, is_part=True, is_joined=joined)
            reading.find("window", window, match.start(), match.end())
