"""What is ruled out: "not on sundays", "no zoom", "anywhere but Queens"."""

import re

from search.gazetteer import Gazetteer
from search.parser.modality import ANY_MODALITY, modality_of
from search.parser.places import Mention, mentions_in
from search.parser.reading import Reading
from search.parser.weekdays import CODES, JOIN, WEEKDAY, code_of
from search.parser.windows import EVENING_START, NOON, Window
from search.vocabulary import Vocabulary

_LEAD = re.compile(
    r"\b(?:(?:but |just |and |please |or )?(?:not|no|never|nowhere|except(?: for)?|excluding|"
    r"avoid(?:ing)?|other than|outside(?: of)?|"
    r"without|nothing|(?:is|are)n'?t|can'?t(?: do| make)?|cannot(?: do| make)?|"
    r"(?:don'?t|do not|doesn'?t|won'?t) (?:want|do|like|work)(?: to (?:go to|do))?|"
    r"sin|excepto|salvo|sauf)|"
    r"(?:i|we|he|she) works?|(?:i'?m|we'?re|he'?s|she'?s|is|am|are) (?:busy|working|away|booked|"
    r"unavailable)|"
    r"(?:any|every) ?(?:where|place|day|days|time|borough|thing)(?:,)? (?:but|except|besides|"
    r"other than|excluding)(?: for)?|but)"
    r"(?: (?:on|in|at|near|any|from|for|available|over|via))*\s"
)
_DAY_WORD = rf"(?:{WEEKDAY}|week-?ends?|week-?days?|week-?nights?)"
_DAYS = re.compile(
    r"(?:any |on |the |an? |los |las |el |les? )*"
    rf"(?P<days>{_DAY_WORD}(?:{JOIN}(?:on )?{_DAY_WORD})*)(?!\w)"
)
_PART = re.compile(r"(?:in the |the )?(?P<part>mornings?|afternoons?|evenings?|nights?)\b")
_MODALITY = re.compile(rf"(?:the )?(?:{ANY_MODALITY})(?!\w)(?: (?:lessons?|class(?:es)?|please))?")
_SOFT = re.compile(
    r"(?:an? |for |the )*(?:(?:total |complete )?beginn?ers?|advanced|intermediate|kids?|"
    r"child(?:ren)?|adults?|teens?|toddlers?|seniors?)\b"
)
_NOT_WORKING = re.compile(
    rf"\b(?:(?P<days>{_DAY_WORD}(?:{JOIN}{_DAY_WORD})*)|(?P<part>mornings?|afternoons?|evenings?|"
    r"nights?)) (?:don'?t|do not|doesn'?t|won'?t|are not|is not|never) (?:really )?"
    r"(?:work|possible|good|an option)(?: for (?:me|us))?"
)
_RELATIVE_DAY = re.compile(r"(?:today|tomorrow|tonight|this week(?:end)?|next week(?:end)?)\b")


def read_exclusions(reading: Reading, gazetteer: Gazetteer, vocabulary: Vocabulary) -> None:
    """Find places, modalities and weekdays that are ruled out.

    Spec: S8.1
    """
    for match in reading.matches(_NOT_WORKING):
        if match["days"]:
            reading.find("not_weekdays", _codes(match["days"]), match.start(), match.end())
        else:
            reading.find("window", _other_part(match["part"]), match.start(), match.end())
    for lead in reading.matches(_LEAD):
        if lead.group().startswith("but ") and lead.group().strip() == "but":
            continue
        _read_target(reading, lead, gazetteer, vocabulary)


def _read_target(
    reading: Reading, lead: re.Match[str], gazetteer: Gazetteer, vocabulary: Vocabulary
) -> None:
    start, after = lead.start(), lead.end()
    if days := _DAYS.match(reading.open, after):
        part = _PART.match(reading.open, days.end() + 1)
        end = part.end() if part else days.end()
        reading.find("not_weekdays", _codes(days["days"]), start, end)
    elif modality := _modality_after(lead, reading):
        reading.find("not_modality", modality_of(modality), start, modality.end())
    elif part := _PART.match(reading.open, after):
        reading.find("window", _other_part(part["part"]), start, part.end())
    elif ignored := _SOFT.match(reading.open, after) or _RELATIVE_DAY.match(reading.open, after):
        reading.take(start, ignored.end())
    else:
        _read_places(reading, lead, gazetteer, vocabulary)


def _modality_after(lead: re.Match[str], reading: Reading) -> re.Match[str] | None:
    """The lead may have taken a word of it: "not in a studio"."""
    starts = [lead.end(), *(space.end() + lead.start() for space in re.finditer(" ", lead.group()))]
    return next((found for at in starts if (found := _MODALITY.match(reading.open, at))), None)


def _codes(said: str) -> list[str]:
    codes: list[str] = []
    for word in re.findall(r"[a-z-]+", said):
        if re.fullmatch(r"week-?ends?", word):
            codes += CODES[5:]
        elif re.fullmatch(r"week-?(?:days?|nights?)", word):
            codes += CODES[:5]
        elif re.fullmatch(WEEKDAY, word):
            codes.append(code_of(word))
    return list(dict.fromkeys(codes))


def _other_part(part: str) -> Window:
    """“Not in the morning” leaves noon and later; an excluded afternoon leaves no single "
    "window.
    """
    if part.startswith("morning"):
        return Window(after=NOON)
    return Window() if part.startswith("afternoon") else Window(before=EVENING_START)


def _read_places(
    reading: Reading, lead: re.Match[str], gazetteer: Gazetteer, vocabulary: Vocabulary
) -> None:
    chosen: list[Mention] = []
    end = lead.end()
    for mention in mentions_in(reading, gazetteer, vocabulary):
        if mention.start < lead.end():
            continue
        between = reading.open[end : mention.start]
        joint = r"(?:the )?" if not chosen else r"(?:,? ?(?:or|and|nor)|,|/)\s?(?:in |the )*"
        if not re.fullmatch(joint, between):
            break
        chosen.append(mention)
        end = mention.end
    if chosen:
        names = [mention.place.name for mention in chosen]
        reading.find("not_location", names, lead.start(), end)
