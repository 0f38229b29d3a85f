"""Who learns: age in years, age group by an explicit word, level."""

import re

from search.parser.numbers import NUMBER, tidy, to_number
from search.parser.reading import Reading

OLDEST = 110

_WHO = (
    r"(?:my|our|the|his|her|a|an)?\s?(?:\w+\s)?(?:son|daughter|kid|child|boy|girl|nephew|niece|"
    r"brother|"
    r"sister|grandson|granddaughter|grandkid|toddler|student|mom|mother|dad|father|husband|wife|"
    r"twins|"
    r"grandma|grandpa|teen|teenager|he|she|who|they)"
)
_NOT_YEARS = (
    r"(?![\d:/.%$]|\s?(?:[ap]\.?m\b|o'?clock)|[ -]?(?:minutes?|mins?|hours?|hrs?|weeks?|days?|"
    r"months?|dollars?|"
    r"bucks|miles|blocks?|lessons?|class(?:es)?|times|people|students|kids|ok|okay|fine|max|"
    r"grade)\b)"
)
_FOR = r"(?:\b(?:for )?(?:my |our |an? |the |his |her )?)?"
_AGES: tuple[re.Pattern[str], ...] = (
    re.compile(
        rf"{_FOR}(?<![\w$])(?P<age>{NUMBER})-?(?:\s?(?:-|to|and|or|&)\s?{NUMBER})?[ -]?"
        r"(?:years?|yrs?|yr\.?|y)[ -]?(?:/ ?)?(?:olds?|o)\b(?P<who> (?:boy|girl))?"
    ),
    re.compile(rf"{_FOR}(?<![\w$])(?P<age>\d{{1,2}})[ -]?(?:yo|y/o|y\.o\.?)(?!\w)"),
    re.compile(
        rf"\b(?:of )?age[sd]?:? (?P<age>{NUMBER})(?:\s?(?:-|to|and|&)\s?{NUMBER})?{_NOT_YEARS}"
    ),
    re.compile(
        rf"\b(?:i'?m|i am|he'?s|she'?s|{_WHO} is|who'?s|{_WHO} are|turn(?:s|ed|ing)|is turning)"
        rf"(?: (?:just|almost|only|about|now|turning))? (?P<age>{NUMBER})(?: "
        rf"years?)?{_NOT_YEARS}(?!\w)"
    ),
    re.compile(
        rf"\b(?:son|daughter|kid|child|boy|girl|nephew|niece|grandson|granddaughter|"
        rf"mom|mother|dad|father|husband|wife|grandma|grandmother|grandpa|grandfather),? "
        rf"\(?(?P<age>\d{{1,2}})\)?{_NOT_YEARS}(?!\w)"
    ),
    re.compile(r"\b(?:de )?(?P<age>\d{1,2})(?:\s?(?:-|a|y|o)\s?\d{1,2})? anos\b"),
)
_BABY = r"(?:bab(?:y|ies)|infant|toddler|son|daughter|boy|girl|kid|child|twins)"
_MONTHS: tuple[re.Pattern[str], ...] = (
    re.compile(rf"{_FOR}(?<![\w$])(?P<age>{NUMBER})[ -]?(?:months?|mos?)[ -]olds?\b"),
    re.compile(
        r"\bmy (?P<age>\d{1,2})[ -]?(?:months?|mos?)\b(?=$|[,.!?]| (?:in|near|on|at|under|after)\b)"
    ),
    re.compile(rf"\b{_BABY},? (?:is )?(?P<age>\d{{1,2}})[ -]?(?:months?|mos?)\b"),
    re.compile(rf"(?<![\w$])(?P<age>\d{{1,2}})[ -]?(?:months?|mos?)(?= {_BABY}\b)"),
    re.compile(r"\b(?:de )?(?P<age>\d{1,2}) mes(?:es)?(?= de edad| ?$)"),
)
_HALVES = re.compile(
    rf"{_FOR}(?<![\w$])(?P<age>{NUMBER}) (?:and a half|1/2)[ -]?(?:years?|yrs?|yr\.?)[ -]?olds?\b"
)

_GROUPS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "toddler",
        re.compile(
            r"\b(?:for )?(?:my |our |a )?(?:toddlers?|bab(?:y|ies)|infants?|bebes?)(?:'s)?\b"
            r"(?! grand| shower)"
        ),
    ),
    (
        "kid",
        re.compile(
            r"\b(?:for )?(?:my |our |a )?(?:kid(?:do)?s?'?s?|child(?:ren)?(?:'s)?|nin[oa]s?|"
            r"enfants?)\b"
            r"(?! books?\b| lit\b| literature| menu| at heart|'s pose|'s books?)"
        ),
    ),
    (
        "teen",
        re.compile(r"\b(?:for )?(?:my |our |a )?(?:teen(?:ager)?s?'?|teenaged?|adolescentes?)\b"),
    ),
    (
        "senior",
        re.compile(
            r"(?<!school )(?<!college )(?<!hs )\b(?:for )?(?:my |our |"
            r"a )?(?:seniors?(?! (?:year|prom|thesis|"
            r"pictures|in high))|retire[de]s?|retired|grand(?:pa|ma|father|mother|parents?)|"
            r"elderly|older adults?|(?:adultos|personas) mayores|tercera edad)\b"
        ),
    ),
    (
        "adult",
        re.compile(
            r"(?<!young )\b(?:for )?(?:my |our |an? )?(?:adult[oe]?s?|"
            r"grown[ -]?ups?)\b(?! (?:son|child|daughter))"
        ),
    ),
)
_LEVELS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "beginner",
        re.compile(
            r"\b(?:(?:for )?(?:an? )?(?:absolute|total|complete|true|very|"
            r"raw)? ?(?:beginn?er'?s?|beginn?ing|"
            r"newb(?:ie)?s?|noobs?|novices?|starter|first[ -]timers?)(?:[ -](?:level|friendly|"
            r"class))?|"
            r"(?:starting )?from (?:scratch|zero)|(?:with )?(?:no|zero|"
            r"without)(?: \w+)? experience|"
            r"(?:i'?ve |i have |have |has |who |he'?s |she'?s )*never (?:\w+ )?"
            r"(?:learn(?:ed|t)?|played|tried|done|danced|sung|swum|swam|taken|studied|touched|"
            r"painted|drawn|cooked|"
            r"had a lesson|been|used|held|picked up)(?: (?:before|it|one|any))*|(?:the )?basics|"
            r"just (?:starting|started|beginning)(?: out)?|starting out|first[ -]time(?! home)|"
            r"(?:brand |totally |completely )?new to(?! nyc| new york| the city)|entry[ -]level|"
            r"intro(?:ductory|duction)?(?: to)?|principiantes?|desde cero|debutante?s?|anfanger|"
            r"know nothing)\b"
        ),
    ),
    (
        "intermediate",
        re.compile(
            r"\b(?:for )?(?:an? )?(?:(?:lower|upper|low|high)[ -])?(?:intermediate|"
            r"intermedi[oa]s?)(?:[ -]level)?\b"
        ),
    ),
    (
        "advanced",
        re.compile(
            r"\b(?:for )?(?:an? )?(?:(?:very )?advanced(?! placement)|avanzad[oa]s?|"
            r"(?:expert|experienced)(?= (?:level|player|student|learner|dancer|swimmer|"
            r"runner)))(?:[ -]level)?\b"
        ),
    ),
)


def read_age(reading: Reading) -> None:
    """Find the learner's age in years.

    Spec: S8.1
    """
    for pattern in _MONTHS:
        for match in reading.matches(pattern):
            years = round(to_number(match["age"]) / 12, 1)
            reading.find("age", tidy(years), match.start(), match.end())
            return
    for match in reading.matches(_HALVES):
        years = to_number(match["age"]) + 0.5
        reading.find("age", tidy(years), match.start(), match.end())
        return
    for pattern in _AGES:
        for match in reading.matches(pattern):
            years = to_number(match["age"])
            if 1 <= years <= OLDEST:
                reading.find("age", tidy(years), match.start(), match.end())
                _take_further(reading)
                return


def _take_further(reading: Reading) -> None:
    """“My 4-year-old and 6-year-old” names two learners; the first one counts."""
    for pattern in _AGES[:2]:
        for match in reading.matches(pattern):
            reading.take(match.start(), match.end())


def read_age_group(reading: Reading) -> None:
    """Find the explicit word for the learner; the word stays for retrieval ("kids swim").

    Spec: S8.1
    """
    has_age = bool(reading.values("age"))
    spans: list[tuple[int, str, re.Match[str]]] = []
    for name, pattern in _GROUPS:
        spans += [(match.start(), name, match) for match in reading.matches(pattern, shield=False)]
    for _, name, match in sorted(spans, key=lambda span: span[0]):
        if has_age or reading.values("age_group"):
            reading.soft.append(match.span())
            continue
        reading.find_softly("age_group", name, match.start(), match.end())


def read_level(reading: Reading) -> None:
    """Find the level; a word of it inside a catalogue phrase counts and stays for retrieval.

    Spec: S8.1
    """
    for name, pattern in _LEVELS:
        for match in reading.matches(pattern, shield=False):
            if reading.values("level"):
                break
            if reading.is_shielded(match.start(), match.end()):
                reading.find_softly("level", name, match.start(), match.end())
            else:
                reading.find("level", name, match.start(), match.end())
