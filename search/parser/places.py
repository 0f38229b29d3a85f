"""Boroughs and neighborhoods, what is ambiguous about them, "near me" and landmarks."""

import re
from dataclasses import dataclass, replace

from search.english import COMMON_WORDS, FILLER_WORDS
from search.gazetteer import BOROUGHS, DOUBTFUL_NAMES, WEAK_NAMES, Gazetteer, Place
from search.parser.reading import Reading
from search.text import fold, words_of
from search.vocabulary import Vocabulary

_WORD = re.compile(r"[^\W_](?:'?[^\W_])*")
_HINT = re.compile(
    r"\b(?:(?:located |based |live |living |lives |somewhere |anywhere |i'?m |close |"
    r"near )?(?:in|near|around|by|at|within|to|from|en|"
    r"nearby|through|throughout)|@|neighborhood|serving)(?: (?:the|downtown|lower|upper|north|"
    r"south|east|west))?:? $"
)
_LEAD = re.compile(
    r"(?:\b(?:(?:located|based|live|living|lives|somewhere|anywhere|close) )?(?:in|near|around|"
    r"at|on|within|to|from|en|"
    r"by|nearby)(?: the)? |\bthe )$"
)
_BOROUGH_LEAD = re.compile(
    _LEAD.pattern.removesuffix("$")
    + r"?(?:\b(?:north|south|east|west|upper|lower|central|all of|the) )?$"
)
_TAIL = re.compile(r",? (?:area|neighbou?rhood|borough|ny|nyc|new york)\b(?: city)?")
_BETWEEN = re.compile(r"[\s,/&|-]*(?:\b(?:or|and|y|o|near|in|ny)\b)?[\s,/&]*(?:the )?")
_NOT_A_BOROUGH = re.compile(
    r"(?:[ -]style\b| gambit|'s gambit| tech\b| science\b| zoo\b| museum\b| college\b| bridge\b|"
    r" public library| cocktail|"
    r" school\b| conservatory\b| botanic| nine[ -]nine| ferry\b)"
)
_NOT_BEFORE_BOROUGH = re.compile(r"\b(?:drag |beauty |king and |kings and )$")
_NEAR_ME = re.compile(
    r"\b(?:(?:near|close to|around|by|nearby to) (?:me|us|my (?:place|home|house|apartment|"
    r"location|office|work|school|job|area))|"
    r"near ?by|nearest|closest|in my (?:area|neighbou?rhood)|walking distance|cerca de mi|near m)\b"
)
_LANDMARK = re.compile(
    r"\b(?:central park|prospect park(?! south)|riverside park|chelsea piers|"
    r"brooklyn (?:bridge(?: park)?|museum|college|tech|"
    r"botanic garden|conservatory)|queens college|bronx (?:science|zoo)|grand central|penn station|"
    r"fort tryon park|mccarren park|flushing meadows(?: corona park)?|corona park|"
    r"washington square(?: park)?|bryant park|(?<!north of )madison square(?: garden| park)|"
    r"barclays center|astoria park|marcus garvey park|tompkins square park|forest park|"
    r"van cortlandt park|"
    r"hudson river park|east river park|high line|rockefeller center|empire state building|"
    r"staten island ferry|"
    r"central library|lincoln tunnel|(?<!under the )manhattan bridge|williamsburg bridge|"
    r"manhattan school)\b"
)
_FUZZY_ALONE = 7
_ABBREVIATIONS = frozenset({"les", "ev", "wv", "gv", "si", "jh"})  # believed in capitals
_SERVICE_AND_PLACE = {"spanish harlem": "harlem"}


@dataclass(frozen=True, slots=True)
class Mention:
    """A place named in the query."""

    place: Place
    key: str
    start: int
    end: int
    is_hinted: bool
    is_settled: bool = False


def read_near_me(reading: Reading) -> None:
    """Note "near me" (sort by distance) and landmarks; neither is a location.

    Spec: S8.1
    """
    for match in reading.matches(_NEAR_ME):
        reading.find("near_me", True, match.start(), match.end())
    for match in _LANDMARK.finditer(reading.folded):
        reading.note("landmark", match.group())
        reading.shielded.append((match.start() - 1, match.end() + 1))


def needs_home(text: str, gazetteer: Gazetteer) -> bool:
    """Tell whether it matters where the searcher lives: "near me", a landmark, "murray hill".

    Spec: S8.1
    """
    folded = fold(text)
    return bool(
        _NEAR_ME.search(folded)
        or _LANDMARK.search(folded)
        or any(
            len(gazetteer.choices(name)) > 1 and re.search(rf"\b{name}\b", folded)
            for name in DOUBTFUL_NAMES
        )
    )


def read_places(
    reading: Reading, gazetteer: Gazetteer, vocabulary: Vocabulary, borough: str | None = None
) -> None:
    """Find locations and record them as one finding each; `borough` settles ambiguous names.

    Spec: S8.1
    """
    settled = _settle(mentions_in(reading, gazetteer, vocabulary), reading)
    mentions = _resolve_boroughs(settled, reading, gazetteer)
    mentions = [_prefer_borough(mention, borough, gazetteer) for mention in mentions]
    mentions = [_free_the_service(mention, reading, gazetteer, vocabulary) for mention in mentions]
    for mention in mentions:
        pattern = _BOROUGH_LEAD if mention.place.is_borough else _LEAD
        lead = pattern.search(reading.open[: mention.start])
        tail = _TAIL.match(reading.open, mention.end)
        end = tail.end() if tail else mention.end
        reading.find("location", mention, lead.start() if lead else mention.start, end)


def mentions_in(reading: Reading, gazetteer: Gazetteer, vocabulary: Vocabulary) -> list[Mention]:
    """Return all places named in free text, longest name first, without judging doubtful ones."""
    words = list(_WORD.finditer(reading.open))
    mentions: list[Mention] = []
    index = 0
    while index < len(words):
        mention, used = _longest_at(words, index, reading, gazetteer, vocabulary)
        if mention and _is_believable(mention, reading):
            mentions.append(mention)
        index += used if mention else 1
    return mentions


def _longest_at(
    words: list[re.Match[str]],
    index: int,
    reading: Reading,
    gazetteer: Gazetteer,
    vocabulary: Vocabulary,
) -> tuple[Mention | None, int]:
    for count in range(min(gazetteer.longest, len(words) - index), 0, -1):
        chosen = words[index : index + count]
        start, end = chosen[0].start(), chosen[-1].end()
        if not _is_one_run(reading.open[start:end]) or (
            reading.is_shielded(start, end) and not _is_borough_phrase(reading, start, end)
        ):
            continue
        said = [word.group().replace("'", "") for word in chosen]
        hinted = bool(_HINT.search(reading.folded[:start]))
        place = gazetteer.find(said)
        if place:
            return Mention(place, " ".join(said), start, end, hinted), count
        similar = (
            None
            if any(_is_known(word, vocabulary) for word in said) and count == 1
            else _similar(said, gazetteer, hinted, vocabulary)
        )
        if similar:
            return Mention(similar[0], similar[1], start, end, hinted), count
    return None, 1


def _is_one_run(text: str) -> bool:
    return not re.search(r"[^\w\s'.’-]", text) and not re.search(
        r"\s-|-\s|"
        r"(?<!\bst)(?<!\bmt)\. \w",
        text,
    )


def _is_borough_phrase(reading: Reading, start: int, end: int) -> bool:
    """Catalogue phrases like "queens punjabi" hold a borough, and a borough always restricts."""
    key = reading.folded[start:end]
    names = {
        name for names in BOROUGHS.values() for name in names if name not in {"bk", "si", "bx"}
    }
    return (
        key in names
        and not any(first < start and end < last for first, last in reading.shielded)
        and not _LANDMARK.search(reading.folded)
    )


def _similar(
    said: list[str], gazetteer: Gazetteer, hinted: bool, vocabulary: Vocabulary
) -> tuple[Place, str] | None:
    if all(_is_known(word, vocabulary) for word in said):
        return None
    found = gazetteer.find_similar(said)
    if found is None or found[1] in WEAK_NAMES or _changes_known(said, found[1], vocabulary):
        return None
    likely = hinted or found[0].is_borough or len(" ".join(said)) >= _FUZZY_ALONE
    return found if likely else None


def _changes_known(said: list[str], key: str, vocabulary: Vocabulary) -> bool:
    """True if a word that was meant would change: "kids bay" is no slip for "kips bay"."""
    right = key.split(" ")
    return len(right) == len(said) and any(
        word != meant and _is_known(word, vocabulary)
        for word, meant in zip(said, right, strict=True)
    )


def _is_known(word: str, vocabulary: Vocabulary) -> bool:
    return word in vocabulary or word in COMMON_WORDS


def _is_believable(mention: Mention, reading: Reading) -> bool:
    before, after = reading.folded[: mention.start], reading.folded[mention.end :]
    if mention.place.is_borough:
        return not (_NOT_A_BOROUGH.match(after) or _NOT_BEFORE_BOROUGH.search(before)) and (
            mention.key != "si" or _is_weak_believable(mention, reading)
        )
    if re.match(
        r"[ -]style\b| (?:method|renaissance|shake|cooking|cuisine|food|recipes|ave|"
        r"avenue|st|street|blvd|road)\b",
        after,
    ):
        return False
    return mention.key not in WEAK_NAMES or _is_weak_believable(mention, reading)


def _is_weak_believable(mention: Mention, reading: Reading) -> bool:
    said = reading.text[mention.start : mention.end]
    alone = not reading.folded.replace(reading.folded[mention.start : mention.end], "").strip(
        " .,!?"
    )
    shouted = said.isupper() and len(said) > 1 and not reading.text.isupper()
    named = bool(
        re.match(
            r",? (?:area|neighbou?rhood|brooklyn|queens|bronx|manhattan|staten island)\b",
            reading.folded[mention.end :],
        )
    )
    return mention.is_hinted or alone or named or (shouted and mention.key in _ABBREVIATIONS)


def _settle(mentions: list[Mention], reading: Reading) -> list[Mention]:
    """A place after "in" beats a doubtful word elsewhere ("corona beer tasting in Chelsea")."""
    if any(mention.is_hinted for mention in mentions):
        return [
            mention
            for mention in mentions
            if mention.is_hinted
            or mention.key not in DOUBTFUL_NAMES
            or _is_in_list(mention, mentions, reading)
        ]
    return mentions


def _is_in_list(mention: Mention, mentions: list[Mention], reading: Reading) -> bool:
    return any(
        other.end <= mention.start
        and re.fullmatch(_BETWEEN, reading.folded[other.end : mention.start])
        for other in mentions
    )


def _resolve_boroughs(
    mentions: list[Mention], reading: Reading, gazetteer: Gazetteer
) -> list[Mention]:
    """“Astoria, Queens” is Astoria; “Chinatown Brooklyn” is Brooklyn; “Queens or SoHo” is both."""
    boroughs = [mention for mention in mentions if mention.place.is_borough]
    if not boroughs or len(boroughs) == len(mentions):
        return mentions
    wanted = {mention.place.name for mention in boroughs}
    kept: list[Mention] = []
    for mention in mentions:
        if mention.place.is_borough:
            kept.append(mention)
            continue
        inside = _in_borough(mention, wanted, gazetteer)
        if inside:
            kept.append(replace(mention, place=inside, is_settled=True))
        elif _is_offered(mention, boroughs, reading):
            kept.append(mention)
        else:
            reading.take(mention.start, mention.end)
    covered = {mention.place.borough for mention in kept if not mention.place.is_borough}
    for mention in boroughs:
        beside = any(
            _is_offered(other, [mention], reading) for other in kept if other is not mention
        )
        if mention.place.name in covered and not beside:
            kept.remove(mention)
            reading.take(mention.start, mention.end)
    return kept


def _free_the_service(
    mention: Mention, reading: Reading, gazetteer: Gazetteer, vocabulary: Vocabulary
) -> Mention:
    """“spanish harlem” without another subject asks for Spanish in Harlem."""
    rest = _SERVICE_AND_PLACE.get(mention.key)
    place = gazetteer.find([rest]) if rest else None
    others = reading.open[: mention.start] + reading.open[mention.end :]
    if place is None or rest is None or mention.is_hinted or _names_subject(others, vocabulary):
        return mention
    return replace(mention, place=place, key=rest, start=mention.end - len(rest))


def _names_subject(text: str, vocabulary: Vocabulary) -> bool:
    return any(word in vocabulary and word not in FILLER_WORDS for word in words_of(text))


def _prefer_borough(mention: Mention, borough: str | None, gazetteer: Gazetteer) -> Mention:
    if borough is None or mention.is_settled:
        return mention
    own = next((p for p in gazetteer.choices(mention.key) if p.borough == borough), None)
    return replace(mention, place=own, is_settled=True) if own else mention


def _in_borough(mention: Mention, wanted: set[str], gazetteer: Gazetteer) -> Place | None:
    options = gazetteer.choices(mention.key) or (mention.place,)
    return next((place for place in options if place.borough in wanted), None)


def _is_offered(mention: Mention, boroughs: list[Mention], reading: Reading) -> bool:
    """True if "or", "and" or a slash stands between the neighborhood and a borough."""
    for borough in boroughs:
        first, second = sorted((mention, borough), key=lambda one: one.start)
        between = reading.folded[first.end : second.start]
        if re.search(r"\bor\b|\band\b|/|&", between):
            return True
    return False
