"""The one ordered pass over a query."""

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from instainstru.clock import NEW_YORK
from search.gazetteer import Gazetteer
from search.parser.assembly import Assembly
from search.parser.dates import read_dates
from search.parser.durations import read_duration
from search.parser.exclusions import read_exclusions
from search.parser.helping import help_topic
from search.parser.learners import read_age, read_age_group, read_level
from search.parser.modality import read_modality
from search.parser.parts_of_day import read_parts_of_day
from search.parser.places import read_near_me, read_places
from search.parser.prices import read_price
from search.parser.query import ParsedQuery
from search.parser.reading import Reading, shield_phrases
from search.parser.residual import core_of, ignored_of, residual_of
from search.parser.soon import read_soon
from search.parser.times import read_clock
from search.text import clean_text
from search.vocabulary import Vocabulary


def parse(
    text: str,
    *,
    now: datetime,
    gazetteer: Gazetteer,
    vocabulary: Vocabulary,
    zone: ZoneInfo = NEW_YORK,
    removed: Iterable[str] = (),
    borough: str | None = None,
    place: str | None = None,
) -> ParsedQuery:
    """Read a query into constraints, chips and the words left for retrieval.

    `now` is aware; dates and times are those of `zone`. `removed` holds chip tokens whose words
    are still consumed but not applied. `borough` is the searcher's own and settles ambiguous
    places; `place` is the searcher's explicit choice for one. No text raises an error.

    Spec: S8.1, S8.5
    """
    reading = Reading(clean_text(text))
    shield_phrases(reading, vocabulary.phrases, vocabulary.longest_phrase, gazetteer)
    _read(reading, now, zone, gazetteer, vocabulary, borough)
    dropped = frozenset(removed)
    assembly = Assembly(reading, gazetteer, dropped, place)
    assembly.build()
    residual = residual_of(reading)
    landmarks = reading.values("landmark")
    return ParsedQuery(
        text=reading.text,
        constraints=assembly.constraints,
        dates=assembly.dates,
        weekdays=assembly.weekdays,
        price_basis=assembly.basis,
        price_minutes=assembly.price_minutes,
        chips=tuple(assembly.chips),
        residual=residual,
        residual_core=core_of(reading, residual, vocabulary),
        ignored=ignored_of(residual, vocabulary),
        help_intent=help_topic(reading.folded),
        is_near_me=bool(reading.values("near_me")),
        landmark=str(landmarks[0]) if landmarks else None,
        removed=dropped,
    )


def _read(
    reading: Reading,
    now: datetime,
    zone: ZoneInfo,
    gazetteer: Gazetteer,
    vocabulary: Vocabulary,
    borough: str | None,
) -> None:
    """Run the rules; their order decides who owns a number or a word."""
    read_near_me(reading)
    read_soon(reading, now, zone)
    read_duration(reading)
    read_price(reading)
    read_age(reading)
    read_exclusions(reading, gazetteer, vocabulary)
    read_modality(reading)
    read_level(reading)
    read_clock(reading)
    read_parts_of_day(reading)
    read_dates(reading, now.astimezone(zone).date())
    read_places(reading, gazetteer, vocabulary, borough)
    read_age_group(reading)
