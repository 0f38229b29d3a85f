"""Sentences as New Yorkers type them: rules that once read them the wrong way round."""

from typing import Any

import pytest

from tests.search.catalogue import constraints, read

pytestmark = pytest.mark.S8

WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("yoga 7:30 am on the 20th", ("2026-01-20", "07:30", "08:30")),
        ("piano 4pm on jan 20", ("2026-01-20", "16:00", "17:00")),
        ("piano at 6 on 1/20", ("2026-01-20", "18:00", "19:00")),
    ],
)
def test_a_time_on_a_date_is_a_start(query: str, expected: tuple[str, str, str]) -> None:
    """Spec: S8.1: "5pm on" means "from then on" only where nothing follows."""
    day, after, before = expected
    assert constraints(query) == {
        "date_expr": [day], "time_after": after, "time_before": before,
    }  # fmt: skip
    assert constraints("piano 5pm on") == {"time_after": "17:00"}


@pytest.mark.parametrize(
    ("query", "excluded"),
    [
        ("piano, not on a sunday", {"weekdays": ["sun"]}),
        ("piano any time, anything but sunday", {"weekdays": ["sun"]}),
        ("every day but friday, cello", {"weekdays": ["fri"]}),
        ("i work weekends, drums", {"weekdays": ["sat", "sun"]}),
        ("i'm busy on tuesdays, cello", {"weekdays": ["tue"]}),
        ("cello nowhere in the bronx", {"location": "Bronx"}),
        ("guitar but not in a studio", {"modality": "at_instructor"}),
        ("piano that isn't available on friday", {"weekdays": ["fri"]}),
        ("no los domingos, piano", {"weekdays": ["sun"]}),
        ("piano excepto los lunes", {"weekdays": ["mon"]}),
    ],
)
def test_what_is_ruled_out_is_never_asked_for(query: str, excluded: dict[str, Any]) -> None:
    """Spec: S8.1"""
    assert constraints(query) == {"exclude": excluded}


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("piano over $100", {"min_price": 100}),
        ("casino over $50", {"min_price": 50}),
        ("piano more than $50 an hour", {"min_price": 50}),
        ("guitar from $50", {"min_price": 50}),
        ("guitar not under $50", {"min_price": 50}),
        ("nothing under $60 piano", {"min_price": 60}),
        ("piano, no less than 50", {"min_price": 50}),
        ("piano, no menos de 40 dólares", {"min_price": 40}),
        ("guitar no more than $60", {"max_price": 60}),
        ("guitar not over 60", {"max_price": 60}),
        ("guitar, don't want to pay more than $60", {"max_price": 60}),
        ("guitar that doesn't cost more than $60", {"max_price": 60}),
        ("guitar, not charging over $60", {"max_price": 60}),
        ("guitar, I don't have more than $60", {"max_price": 60}),
        ("nothing under $40, nothing over $60", {"min_price": 40, "max_price": 60}),
        ("guitar, don't want to spend any more than $60", {"max_price": 60}),
        ("guitar, can't do more than $60", {"max_price": 60}),
        ("guitar, not looking to spend more than $60", {"max_price": 60}),
        ("guitar, not much more than $60", {"max_price": 60}),
        ("guitar without going over $60", {"max_price": 60}),
        ("guitar without paying more than $60", {"max_price": 60}),
        ("guitar, no lessons over $50", {"max_price": 50}),
        ("guitar, no teachers over $50", {"max_price": 50}),
        ("guitar, no instructors under $50", {"min_price": 50}),
        ("no guitar lessons over $50", {"max_price": 50}),
        ("guitar, don't mind paying more than $60", {"min_price": 60}),
        ("guitar no earlier than 4pm", {"time_after": "16:00"}),
        ("guitar not earlier than 5", {"time_after": "17:00"}),
        ("guitar nothing before 9am", {"time_after": "09:00"}),
        ("guitar, no classes before 10", {"time_after": "10:00"}),
        ("guitar not available until 5", {"time_after": "17:00"}),
        ("guitar not later than 5", {"time_before": "17:00"}),
        ("guitar nothing after 8pm", {"time_before": "20:00"}),
        ("guitar, I don't want anything before 5pm", {"time_after": "17:00"}),
        ("guitar, don't start before 5pm", {"time_after": "17:00"}),
        ("guitar dont start before 5pm", {"time_after": "17:00"}),
        ("guitar, won't work before 5", {"time_after": "17:00"}),
        ("guitar that isn't earlier than 5", {"time_after": "17:00"}),
        ("guitar, not home until 6pm", {"time_after": "18:00"}),
        ("guitar, don't get home until 6pm", {"time_after": "18:00"}),
        ("guitar, can't make it by 5pm", {"time_after": "17:00"}),
        ("no guitar lessons before 5pm", {"time_after": "17:00"}),
        ("guitar, doesn't work after 8pm", {"time_before": "20:00"}),
        ("guitar, i don't work after 5pm", {"time_after": "17:00"}),
        ("guitar, i don't mind lessons after 8pm", {"time_after": "20:00"}),
        ("guitar not before 5pm or after 8pm", {"time_after": "17:00", "time_before": "20:00"}),
        ("guitar not after 8 or before 5", {"time_after": "17:00", "time_before": "20:00"}),
    ],
)
def test_a_limit_is_on_the_side_that_was_said(query: str, limit: dict[str, Any]) -> None:
    """Spec: S8.1: "not" turns a limit, and the end of "piano" is no "no"."""
    assert constraints(query) == limit


def test_the_lesson_named_in_a_negated_limit_is_still_looked_for() -> None:
    """Spec: S8.1, S8.2"""
    assert "guitar" in read("no guitar lessons before 5pm").residual
    assert "guitar" in read("no guitar lessons over $50").residual


@pytest.mark.parametrize(
    "query", ["piano not under 18", "piano, no one under 18", "piano, no teachers over 50"]
)
def test_a_bare_negated_age_is_no_price(query: str) -> None:
    """Spec: S8.1: with money or a word of paying it is one."""
    assert constraints(query) == {}
    assert constraints("piano, not charging under 50") == {"min_price": 50}


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("piano not before friday", "2026-01-16", "2026-01-29"),
        ("piano not until friday", "2026-01-16", "2026-01-29"),
        ("piano nothing before friday", "2026-01-16", "2026-01-29"),
        ("piano can't before friday", "2026-01-16", "2026-01-29"),
        ("piano no lessons before friday", "2026-01-16", "2026-01-29"),
        ("piano not available before friday", "2026-01-16", "2026-01-29"),
        ("piano not free until friday", "2026-01-16", "2026-01-29"),
        ("piano not free until next friday", "2026-01-23", "2026-02-05"),
        ("piano no earlier than jan 20", "2026-01-20", "2026-02-02"),
        ("piano not until the 20th", "2026-01-20", "2026-02-02"),
        ("piano not until next week", "2026-01-19", "2026-02-01"),
        ("piano not until after the 20th", "2026-01-20", "2026-02-02"),
        ("weekly piano not before friday", "2026-01-16", "2026-01-29"),
    ],
)
def test_not_before_a_day_is_that_day_and_what_follows(query: str, first: str, last: str) -> None:
    """Spec: S8.1: no constraint is open-ended, so two weeks stand for the time after it."""
    days = constraints(query)["date_expr"]
    assert (days[0], days[-1], len(days)) == (first, last, 14)
    assert read(query).residual == "piano"


def test_not_before_a_day_adds_no_days_to_recurring_ones() -> None:
    """Spec: S8.1: the days of both together would be nearly any day."""
    assert constraints("piano mondays, not before the 20th") == {"date_expr": ["mon"]}


def test_not_until_tonight_is_a_time_of_today() -> None:
    """Spec: S8.1"""
    tonight = {"date_expr": ["2026-01-14"], "time_after": "17:00"}
    assert constraints("piano not until tonight") == tonight
    assert constraints("piano not until this evening") == tonight


def test_a_span_of_sizes_is_no_span_of_days() -> None:
    """Spec: S8.1"""
    assert constraints("1/2-1/4 violin") == {}


def test_whoever_works_at_night_wants_the_morning() -> None:
    """Spec: S8.1"""
    said = "english for my husband, he works nights so mornings only"
    assert constraints(said) == {"time_before": "12:00"}


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("guitar between feb 3 and feb 5", ["2026-02-03", "2026-02-04", "2026-02-05"]),
        ("guitar 1/20 - 1/22", ["2026-01-20", "2026-01-21", "2026-01-22"]),
        ("piano 3/10-12", ["2026-03-10", "2026-03-11", "2026-03-12"]),
        ("piano 3/10-3/12", ["2026-03-10", "2026-03-11", "2026-03-12"]),
        ("guitar from january 31 to feb 1", ["2026-01-31", "2026-02-01"]),
        ("guitar feb 3 and feb 5", ["2026-02-03", "2026-02-05"]),
        ("guitar a week from friday", ["2026-01-23"]),
        ("guitar 2morrow", ["2026-01-15"]),
    ],
)
def test_days_said_in_other_ways(query: str, days: list[str]) -> None:
    """Spec: S8.1"""
    assert constraints(query) == {"date_expr": days}


def test_a_span_too_long_for_one_lesson_is_its_ends() -> None:
    """Spec: S8.1"""
    assert constraints("guitar 2/1 to 5/1")["date_expr"] == ["2026-02-01", "2026-05-01"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("piano de lunes a viernes", {"date_expr": WORKDAYS}),
        ("piano du lundi au vendredi", {"date_expr": WORKDAYS}),
        ("piano los sábados en la mañana", {"date_expr": ["sat"], "time_before": "12:00"}),
        ("piano mañana en la noche", {"date_expr": ["2026-01-15"], "time_after": "17:00"}),
        ("piano le samedi matin", {"date_expr": ["2026-01-17"], "time_before": "12:00"}),
        (
            "piano los martes de 5 a 7",
            {"date_expr": ["tue"], "time_after": "17:00", "time_before": "19:00"},
        ),
        ("piano entre 4 y 6 de la tarde", {"time_after": "16:00", "time_before": "18:00"}),
        ("piano, no más de 60 dólares la hora", {"max_price": 60}),
        ("piano de 40 a 60 dólares", {"min_price": 40, "max_price": 60}),
        ("piano desde las 5", {"time_after": "17:00"}),
        ("clase de piano de una hora y media", {"duration_minutes": 90}),
        ("piano 2 horas", {"duration_minutes": 120}),
        ("yoga para adultos mayores", {"age_group": "senior"}),
        ("música para bebés", {"age_group": "toddler"}),
        ("piano para niños de 6 a 8 años", {"age": 6}),
    ],
)
def test_spanish_and_french_say_the_same(query: str, expected: dict[str, Any]) -> None:
    """Spec: S8.1"""
    assert constraints(query) == expected


def test_joined_ages_count_from_the_first() -> None:
    """Spec: S8.1"""
    assert constraints("piano for six- and eight-year-olds") == {"age": 6}


def test_a_trainer_says_what_for() -> None:
    """Spec: S8.2: no filler like a teacher; without it "personal trainer" is personal finance."""
    assert read("personal trainer 6am in fort greene").residual_core == "personal trainer"
    assert read("trainer at my gym 7am").residual_core == "trainer gym"


@pytest.mark.parametrize(
    ("query", "years"),
    [
        ("18 month old music class", 1.5),
        ("music for my 18 mo in tribeca", 1.5),
        ("swim for my baby 6 months", 0.5),
        ("swim for 18mo twins", 1.5),
        ("musica para bebe de 6 meses", 0.5),
        ("music class for my 2 and a half year old", 2.5),
    ],
)
def test_ages_of_the_very_young_are_said_in_months_and_halves(query: str, years: float) -> None:
    """Spec: S8.1"""
    assert constraints(query)["age"] == years


@pytest.mark.parametrize("query", ["my 3 months of guitar", "piano, my 2 months plan"])
def test_months_of_lessons_are_no_age(query: str) -> None:
    """Spec: S8.1"""
    assert "age" not in constraints(query)


def test_a_word_that_was_meant_is_no_slip_of_a_place() -> None:
    """Spec: S8.1: "kids bay" is not Kips Bay; a word that nothing knows may still be one."""
    found = constraints("arabic tutor for kids bay ridge")
    assert (found["location"], found["age_group"]) == ("Bay Ridge", "kid")
    assert constraints("arabic in kisp bay")["location"] == "Kips Bay"
