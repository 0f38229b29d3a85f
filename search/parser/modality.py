"""Where a lesson happens: online, in person, at the student's or the instructor's place."""

import re

from search.parser.reading import Reading

_SELF = r"(?:my|our|his|her|their|the kid'?s|mom'?s|dad'?s|mi)"
_HOME = r"(?:place|home|house|apartment|apt|flat|office|casa|building|living room|dorm|door)"
_TEACHER = (
    r"(?:their|your|the (?:teacher|instructor|tutor|coach|trainer)'?s?|(?:teacher|instructor|"
    r"tutor|coach|"
    r"trainer)'?s|his own|her own|their own|your own)"
)
ONLINE = (
    r"(?:online|on-line|(?:over |via |on |by |through |using )?(?:zoom|skype|facetime|google meet)|"
    r"remote(?:ly)?(?! control| work)|virtual(?:ly)?(?! reality)|(?:over|via|by|through|on) video"
    r"|video (?:calls?|chats?|lessons?|sessions?|class(?:es)?|tutor(?:ing)?)|"
    r"over the internet|from (?:my|the) computer|en linea|en ligne|por zoom|distance learning)"
)
IN_PERSON = (
    r"(?:in[ -]?person|face[ -](?:to|2)[ -]face|f2f|irl|offline|on[ -]site|"
    r"presencial(?:es)?|en persona)"
)
AT_STUDENT = (
    rf"(?:(?:at|in|to) {_SELF} (?:own )?{_HOME}|{_SELF} (?:place|home|house|apartment|apt)\b|"
    rf"(?:at|in)[ -]home|in-house|home (?:visits?|lessons?|tutor(?:ing)?|tuition)|house ?calls?|"
    r"(?:who |that |can |someone |to )*(?:comes?|coming|travels?|traveling|drives?|"
    r"goes) (?:out )?to (?:us|me|you|"
    rf"{_SELF} (?:own )?{_HOME}|{_SELF}|(?:the )?students?)|a domicilio|en {_SELF} casa|en casa|"
    rf"at ours)"
)
AT_INSTRUCTOR = (
    rf"(?:(?:at|in|to) {_TEACHER} (?:own )?(?:place|home|house|studio|apartment|space)|{_TEACHER} "
    r"(?:own )?studio|(?:at|in) (?:an? |the )?(?:\w+ )?studio(?! apartment| city| photography|"
    r" lighting)|"
    r"in[ -]studio|i(?:'ll| will| can)? (?:come|go|travel) to (?:you|them|the (?:teacher|"
    r"instructor|tutor|coach)))"
)
MODALITIES: tuple[tuple[str, str], ...] = (
    ("at_instructor", AT_INSTRUCTOR),
    ("at_student", AT_STUDENT),
    ("in_person", IN_PERSON),
    ("online", ONLINE),
)
ANY_MODALITY = "|".join(rf"(?P<{name}>{pattern})" for name, pattern in MODALITIES)

_EITHER = re.compile(
    rf"\b(?:either )?(?:(?:{ONLINE}|{IN_PERSON}) (?:or|and|/) (?:{ONLINE}|{IN_PERSON})"
    rf"|or {ONLINE}|{ONLINE} or)\b"
)
_RULES = tuple((name, re.compile(rf"\b{pattern}(?!\w)")) for name, pattern in MODALITIES)
_TOPIC = re.compile(
    r"\b(?:online (?:safety|privacy|security|business|marketing|dating|store|shop|presence|course)|"
    r"virtual assistant|remote (?:work|job)|home (?:studio|recording))"
)
# The more telling one wins where two were said.
_ORDER = ("at_student", "at_instructor", "in_person", "online")


def modality_of(match: re.Match[str]) -> str:
    """Return the modality whose group of `ANY_MODALITY` matched."""
    return next(name for name, _ in MODALITIES if match.groupdict().get(name))


def read_modality(reading: Reading) -> None:
    """Find where the lesson should happen; "online or in person" is no constraint.

    Spec: S8.1
    """
    topics = [match.span() for match in _TOPIC.finditer(reading.folded)]
    reading.shielded.extend(topics)
    for match in reading.matches(_EITHER):
        reading.take(match.start(), match.end())
    found: dict[str, tuple[int, int]] = {}
    for name, pattern in _RULES:
        for match in reading.matches(pattern):
            found.setdefault(name, match.span())
            reading.take(*match.span())
    for name in _ORDER:
        if name in found:
            reading.find("modality", name, *found[name])
            return
