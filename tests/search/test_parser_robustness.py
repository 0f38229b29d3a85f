"""Whatever is typed, the parser answers, and its spans make sense."""

import string
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search.gazetteer import Gazetteer
from search.parser import ParsedQuery, parse
from search.text import MAX_LENGTH, clean_text, fold
from search.vocabulary import Vocabulary
from tests.search.catalogue import WEDNESDAY_IN_JANUARY, gazetteer, read

pytestmark = pytest.mark.S8

PIECES = (
    "piano",
    "SAT",
    "sat",
    "sun",
    "may",
    "march",
    "not",
    "no",
    "except",
    "or",
    "and",
    "in",
    "near",
    "queens",
    "brooklyn",
    "chelsea",
    "murray hill",
    "les",
    "under",
    "$",
    "80",
    "5",
    "7pm",
    "-",
    "to",
    "between",
    "after",
    "before",
    "at",
    "tomorrow",
    "tonight",
    "next",
    "week",
    "weekend",
    "mondays",
    "every",
    "1/2",
    "3/8",
    "12/31",
    "feb",
    "30",
    "31",
    "th",
    "year",
    "old",
    "kids",
    "hour",
    "half",
    "minutes",
    "an",
    "online",
    "my",
    "place",
    "studio",
    "beginner",
    "cheap",
    "per",
    "lesson",
    "now",
    "in 2 hours",
    "noon",
    "midnight",
    "quarter",
    "past",
    "one",
    "hundred",
    "99999",
    "0",
    ":",
    "/",
    ",",
)
SOUP = st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join)
GLUED = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def _check(parsed: ParsedQuery) -> None:
    assert len(parsed.text) <= MAX_LENGTH
    spans = sorted({(chip.start, chip.end) for chip in parsed.chips})
    assert all(0 <= start < end <= len(parsed.text) for start, end in spans)
    assert all(one[1] <= two[0] for one, two in pairwise(spans))
    tokens = [chip.token for chip in parsed.chips]
    assert len(tokens) == len(set(tokens))
    low, high = parsed.constraints.get("min_price"), parsed.constraints.get("max_price")
    assert low is None or high is None or low <= high
    after, before = parsed.constraints.get("time_after"), parsed.constraints.get("time_before")
    assert after is None or before is None or after < before


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=300), SOUP, GLUED))
def test_any_text_is_read_without_error_and_the_same_way_twice(text: str) -> None:
    """Spec: S8.1"""
    parsed = read(text)
    _check(parsed)
    assert read(text) == parsed


@settings(max_examples=100, deadline=None)
@given(SOUP)
def test_reading_the_cleaned_text_again_changes_nothing(text: str) -> None:
    """Spec: S8.1"""
    parsed = read(text)
    assert read(parsed.text) == parsed


@settings(max_examples=100, deadline=None)
@given(SOUP, st.datetimes(timezones=st.sampled_from([WEDNESDAY_IN_JANUARY.tzinfo])))
def test_any_moment_will_do(text: str, now: object) -> None:
    """Spec: S8.1"""
    moment = WEDNESDAY_IN_JANUARY.replace(year=2000 + now.year % 100, month=now.month, day=now.day)  # type: ignore[attr-defined]
    _check(read(text, moment))


@given(st.text(max_size=300))
def test_folding_keeps_every_position(text: str) -> None:
    cleaned = clean_text(text)
    assert len(fold(cleaned)) == len(cleaned)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00\x00\x00",
        "\x00piano\x00",
        "\ud800",
        "🎹🎸",
        "🎹 lessons",
        "בפסנתר שיעור",
        "\u202epiano\u202c",
        "'; DROP TABLE lessons; --",
        "<script>alert(1)</script>",
        "%s %d {0}",
        "\\",
        "((((",
        "a" * 10_240,
        "1 " * 5_000,
        "$" * 500,
        "between " * 50,
        "not " * 60,
        "never " * 60,
        "- " * 100,
        "1-" * 100,
        "and 1 " * 60,
        "monday or " * 40,
        "in the " * 60,
        string.punctuation * 5,
        "½" * 50,
        "İstanbul dersleri",
        "ﬁgure drawing",
        "ｐｉａｎｏ",
        "٣٤ years old",
        "²",
        "①pm",
        "at ⑤pm",
        "ⅷ pm",
    ],
)
def test_bad_input_never_errors(text: str) -> None:
    """Spec: S8.1"""
    _check(read(text))


def test_control_characters_vanish_and_only_200_characters_count() -> None:
    """Spec: S8.1"""
    assert read("pi\x00ano\x07 in\tqueens").constraints == {"location": "Queens"}
    assert read("x" * 10_240).text == "x" * 200
    assert read("x " * 150 + "queens").constraints == {}


def test_full_width_forms_are_read() -> None:
    """Spec: S8.1"""
    assert read("ｐｉａｎｏ ＄８０").constraints == {"max_price": 80}


def test_an_empty_city_and_catalogue_still_parse() -> None:
    parsed = parse(
        "piano under $80 in brooklyn tomorrow",
        now=WEDNESDAY_IN_JANUARY,
        gazetteer=Gazetteer(),
        vocabulary=Vocabulary(),
    )
    assert parsed.constraints == {"max_price": 80, "date_expr": ["2026-01-15"]}


def test_all_names_of_the_city_are_found_beside_a_hint() -> None:
    """Spec: S8.1"""
    places = gazetteer()
    wrong = {
        key: read(f"zither in {key}").constraints.get("location")
        for key, place in places.by_key.items()
        if read(f"zither in {key}").constraints.get("location") != place.name
    }
    assert wrong == {}
