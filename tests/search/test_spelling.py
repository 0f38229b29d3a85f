"""Corrections of words that the catalogue does not know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.english import NEAR_WORDS
from search.spelling import apply_corrections, correct, distance_within
from search.text import words_of
from search.vocabulary import build_vocabulary
from tests.search.catalogue import vocabulary

pytestmark = pytest.mark.S8


def _corrected(query: str) -> str:
    tokens = words_of(query)
    return " ".join(apply_corrections(tokens, correct(tokens, vocabulary())))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("guitr", "guitar"), ("piono lessons", "piano lessons"), ("vilin", "violin"),
        ("saxaphone", "saxophone"), ("ukelele", "ukulele"), ("calclus", "calculus"),
        ("chemestry", "chemistry"), ("japaneese", "japanese"), ("swiming", "swimming"),
        ("yogga", "yoga"), ("badmiton", "badminton"), ("mandrin", "mandarin"),
        ("photo shop", "photoshop"), ("back gammon", "backgammon"),
        ("sowing machine", "sewing machine"),
    ],
)  # fmt: skip
def test_misspelt_words_are_corrected(wrong: str, right: str) -> None:
    """Spec: S8.2"""
    assert _corrected(wrong) == right


@pytest.mark.parametrize(
    "query",
    [
        "sat", "ssat", "shsat", "lsat", "gmat", "mcat", "viola", "violin", "piano", "electrician",
        "patient with shy kids", "jazz background", "learn to drive", "nyc hotels", "c++", "hsk 4",
        "ukr", "clases para ninos", "dumpling", "9th grader",
    ],
)  # fmt: skip
def test_known_and_short_words_are_left_alone(query: str) -> None:
    """Spec: S8.2"""
    assert correct(words_of(query), vocabulary()) == []


def test_frequent_english_words_beside_catalogue_words_are_left_alone() -> None:
    """Spec: S8.2: whoever writes "lottery" does not mean pottery."""
    some = [
        "lottery",
        "ballot",
        "dennis",
        "pirates",
        "camping",
        "voting",
        *sorted(NEAR_WORDS)[::60],
    ]
    assert [word for word in some if correct([word], vocabulary())] == []


def test_a_frequent_word_is_changed_where_that_makes_a_catalogue_phrase() -> None:
    """Spec: S8.2"""
    words = build_vocabulary(["Ballet Barre", "Ballet"])
    assert "ballot" in NEAR_WORDS
    assert [one.right for one in correct(["ballot", "barre"], words)] == ["ballet"]
    assert correct(["ballot", "paper"], words) == []


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("regents algebra 2", "regents algebra ii"),
        ("hsk 2", "hsk 2"),
        ("grade 2 piano", "grade 2 piano"),
    ],
)
def test_numbers_are_roman_where_the_catalogue_counts_so(said: str, meant: str) -> None:
    """Spec: S8.2"""
    assert _corrected(said) == meant


def test_every_catalogue_word_is_left_alone() -> None:
    """Spec: S8.2"""
    words = vocabulary()
    own = words.frequency.keys() - words.synonyms.keys()
    changed = [word for word in own if correct([word], words)]
    assert changed == []


def test_an_unclear_word_is_asked_and_not_changed() -> None:
    """Spec: S8.2"""
    (found,) = correct(["poetery"], vocabulary())
    assert not found.is_sure
    assert {found.right, *found.alternatives} == {"poetry", "pottery"}
    assert apply_corrections(["poetery"], [found]) == ["poetery"]


def test_four_and_five_letters_allow_one_edit_with_the_same_first_letter() -> None:
    """Spec: S8.2"""
    words = build_vocabulary(["Tango"])
    assert [one.right for one in correct(["tanga"], words)] == ["tango"]
    assert correct(["mango"], words) == []
    assert correct(["tanxx"], words) == []


def test_words_known_elsewhere_are_left_alone() -> None:
    """Spec: S8.2"""
    words = build_vocabulary(["Guitar"])
    assert correct(["guitare"], words, frozenset({"guitare"})) == []


@pytest.mark.parametrize(
    ("one", "two", "limit", "distance"),
    [("guitr", "guitar", 2, 1), ("gutiar", "guitar", 2, 1), ("abc", "abc", 1, 0),
     ("abc", "xyz", 2, None), ("a", "abcd", 2, None)],
)  # fmt: skip
def test_distance(one: str, two: str, limit: int, distance: int | None) -> None:
    """Spec: S8.2"""
    assert distance_within(one, two, limit) == distance


@given(st.text("abcd", max_size=8), st.text("abcd", max_size=8))
def test_distance_is_symmetric(one: str, two: str) -> None:
    """Spec: S8.2"""
    assert distance_within(one, two, 3) == distance_within(two, one, 3)


@given(st.lists(st.text(max_size=12), max_size=6))
def test_any_tokens_are_answered(tokens: list[str]) -> None:
    """Spec: S8.2"""
    found = correct(tokens, vocabulary())
    assert all(0 <= one.first < one.last <= len(tokens) for one in found)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("natacion", "swimming"),
        ("matematicas", "math"),
        ("ajedrez", "chess"),
        ("defensa personal", "self defense"),
    ],
)
def test_what_people_call_a_service_is_read_as_its_own_words(said: str, meant: str) -> None:
    """Spec: S8.2: a synonym beats a correction ("natacion" is no "notation")."""
    tokens = said.split()
    found = correct(tokens, vocabulary())
    assert apply_corrections(tokens, found) == [meant]
    assert all(one.is_sure for one in found)


def test_english_phrases_speak_for_themselves() -> None:
    """Spec: S8.2: "rollerblading" and "pottery wheel" need no other words; fillers mean nothing."""
    assert correct(["pottery", "wheel"], vocabulary()) == []
    plain = build_vocabulary(["Running Coaching"], (), (), [("Running Coaching", "course a pied")])
    assert plain.synonyms == {}
