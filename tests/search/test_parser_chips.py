"""Chips: what they say, where they stand, and life without one of them."""

import pytest

from tests.search.catalogue import read

pytestmark = pytest.mark.S8

EVERYTHING = (
    "piano under $80 park slope tomorrow after 5 for my 6 year old beginner 45 minutes online"
)


def _labels(query: str) -> list[str]:
    return [chip.label for chip in read(query).chips]


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("$90", ["Up to $90/hour"]),
        ("$40 per lesson", ["Up to $40/lesson"]),
        ("$30 per half hour", ["Up to $30/half hour", "30 minutes"]),
        ("$80 for 45 minutes", ["Up to $80/45 minutes", "45 minutes"]),
        ("30 min lesson for $40", ["30 minutes", "Up to $40/half hour"]),
        ("45 minutes for $50", ["45 minutes", "Up to $50/45 minutes"]),
        ("45 minute class for no more than $50", ["45 minutes", "Up to $50/45 minutes"]),
        ("30 min lesson for $40 an hour", ["30 minutes", "Up to $40/hour"]),
        ("50 to 70 dollars a class", ["From $50/lesson", "Up to $70/lesson"]),
        ("tonight", ["Wed, Jan 14", "After 5:00 PM"]),
        ("next week", ["Mon, Jan 19 – Sun, Jan 25"]),
        ("weekends", ["Weekends"]),
        ("tuesdays and thursdays", ["Tuesdays and Thursdays"]),
        ("at 3pm", ["At 3:00 PM"]),
        ("6-8pm", ["6:00 PM – 8:00 PM"]),
        ("tribeca or chelsea", ["Tribeca or Chelsea"]),
        ("not online", ["Not online"]),
        ("not on sundays", ["Not Sundays"]),
        ("not in queens", ["Not Queens"]),
        ("my 9yo", ["Age 9"]),
        ("kids", ["Kids"]),
        ("at my place", ["At my place"]),
        ("cheap", ["Lower prices first"]),
        ("2 hours", ["2 hours"]),
        ("advanced", ["Advanced"]),
    ],
)
def test_chip_labels(query: str, labels: list[str]) -> None:
    """Spec: S8.1"""
    assert _labels(query) == labels


def test_every_constraint_has_a_chip_that_removes_it() -> None:
    """Spec: S8.1, S8.5"""
    parsed = read(EVERYTHING)
    for chip in parsed.chips:
        rest = read(EVERYTHING, removed=parsed.without(chip))
        assert chip.token not in {other.token for other in rest.chips}
        assert len(rest.chips) == len(parsed.chips) - 1
    assert read(EVERYTHING, removed=[chip.token for chip in parsed.chips]).constraints == {}


def test_a_removed_constraint_is_still_consumed_from_the_words() -> None:
    """Spec: S8.5"""
    parsed = read("piano under $80 in brooklyn", removed=["location"])
    assert parsed.constraints == {"max_price": 80}
    assert parsed.residual == "piano"


def test_without_keeps_earlier_removals() -> None:
    """Spec: S8.5"""
    parsed = read("piano under $80 in brooklyn tomorrow", removed=["location"])
    chip = next(chip for chip in parsed.chips if chip.token == "max_price")
    assert parsed.without(chip) == ("location", "max_price")


def test_an_unknown_token_changes_nothing() -> None:
    """Spec: S8.5"""
    assert read("piano $80", removed=["nonsense"]).constraints == {"max_price": 80}


def test_a_chip_points_at_its_words() -> None:
    """Spec: S8.1"""
    parsed = read("Piano  in Park Slope, at 5 pm")
    spans = {chip.token: parsed.text[chip.start : chip.end] for chip in parsed.chips}
    assert spans == {"location": "in Park Slope", "time": "at 5 pm"}


def test_removing_the_length_shortens_a_start_to_an_hour() -> None:
    """Spec: S8.1"""
    parsed = read("90 minutes at 3pm", removed=["duration_minutes"])
    assert parsed.constraints == {"time_after": "15:00", "time_before": "16:00"}


@pytest.mark.parametrize(
    ("query", "basis"),
    [("$40 per lesson", "lesson"), ("$40 a class", "lesson"), ("$40 each", "lesson"),
     ("$40 an hour", "hour"), ("under 40", "hour")],
)  # fmt: skip
def test_price_basis(query: str, basis: str) -> None:
    """Spec: S8.1"""
    assert read(f"piano {query}").price_basis == basis


def test_ignored_words_are_listed_and_leave_the_core() -> None:
    """Spec: S8.1"""
    parsed = read("cool piano teacher")
    assert parsed.ignored == ("cool",)
    assert parsed.residual_core == "piano"


def test_the_learners_word_stays_in_the_residual() -> None:
    parsed = read("oboe for kids")
    assert parsed.residual == "oboe for kids"
    assert parsed.residual_core == "oboe"
    assert read("adult ballet").residual_core == "adult ballet"


@pytest.mark.parametrize(
    ("query", "core"), [("learn to act", "acting"), ("act prep", "act"), ("act tutor", "act")]
)
def test_who_wants_to_act_means_no_exam(query: str, core: str) -> None:
    assert core in read(query).residual_core.split()


@pytest.mark.parametrize(
    ("query", "topic"),
    [
        ("cancel my lesson", "cancel"),
        ("how do I cancel?", "cancel"),
        ("refund", "refund"),
        ("become an instructor", "become_instructor"),
        ("sign up as a tutor", "become_instructor"),
        ("I want to teach guitar", "become_instructor"),
        ("I'd like to teach yoga", "become_instructor"),
        ("looking to start teaching", "become_instructor"),
        ("reschedule", "reschedule"),
        ("change password", "password"),
        ("forgot my password", "account"),
        ("contact customer support", "support"),
        ("password reset", "account"),
        ("piano lessons", None),
        ("teach me guitar", None),
        ("want someone to teach guitar", None),
        ("I want to teach my son piano", None),
        ("learn how to teach english", None),
        ("noise cancelling headphones", None),
        ("become a better guitarist", None),
    ],
)
def test_help_words(query: str, topic: str | None) -> None:
    """Spec: S8.9"""
    assert read(query).help_intent == topic
