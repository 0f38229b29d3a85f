"""The example table of the specification, row by row (now = Wed Mar 4 2026 10:00 New York)."""

from typing import Any

import pytest

from tests.search.catalogue import WEDNESDAY_IN_MARCH, constraints, read

pytestmark = pytest.mark.S8

EXAMPLES: list[tuple[str, dict[str, Any], str]] = [
    (
        "piano under $80 in brooklyn tomorrow after 5",
        {
            "max_price": 80,
            "location": "Brooklyn",
            "date_expr": ["2026-03-05"],
            "time_after": "17:00",
        },
        "piano",
    ),
    (
        "spanish tutor UWS this weekend",
        {"location": "Upper West Side", "date_expr": ["2026-03-07", "2026-03-08"]},
        "spanish",
    ),
    (
        "kids swim lessons saturday morning",
        {"age_group": "kid", "date_expr": ["2026-03-07"], "time_before": "12:00"},
        "kids swim",
    ),
    ("SHSAT prep for 8th grader online", {"modality": "online"}, "shsat prep 8th grader"),
    ("guitr lessons near me", {}, "guitr"),
    (
        "boxing now",
        {"date_expr": ["2026-03-04"], "time_after": "10:00", "time_before": "14:00"},
        "boxing",
    ),
    (
        "yoga at my home 60-90 dollars evenings",
        {"min_price": 60, "max_price": 90, "modality": "at_student", "time_after": "17:00"},
        "yoga",
    ),
    (
        "beginner violin for my 6 year old in Park Slope",
        {"level": "beginner", "age": 6, "location": "Park Slope"},
        "violin",
    ),
    (
        "math tutor tues or thurs 4pm",
        {
            "date_expr": ["2026-03-05", "2026-03-10"],
            "time_after": "16:00",
            "time_before": "17:00",
        },
        "math",
    ),
    (
        "chess 3/8 at 2",
        {"date_expr": ["2026-03-08"], "time_after": "14:00", "time_before": "15:00"},
        "chess",
    ),
    ("español principiante", {"level": "beginner"}, "espanol"),
    ("friday", {"date_expr": ["2026-03-06"]}, ""),
    ("next friday", {"date_expr": ["2026-03-13"]}, ""),
    ("learn to drive", {}, "drive"),
    ("'; DROP TABLE", {}, "drop table"),
]


@pytest.mark.parametrize(("query", "expected", "core"), EXAMPLES)
def test_examples_of_the_specification(query: str, expected: dict[str, Any], core: str) -> None:
    """Spec: S8.1"""
    parsed = read(query, WEDNESDAY_IN_MARCH)
    assert parsed.constraints == expected
    assert parsed.residual_core == core


def test_near_me_is_no_location_but_is_noted() -> None:
    """Spec: S8.1"""
    parsed = read("guitr lessons near me", WEDNESDAY_IN_MARCH)
    assert parsed.is_near_me
    assert "location" not in parsed.constraints


def test_the_query_of_the_first_page() -> None:
    parsed = read("piano in park slope saturday morning under $90")
    assert parsed.constraints == {
        "location": "Park Slope",
        "date_expr": ["2026-01-17"],
        "time_before": "12:00",
        "max_price": 90,
    }
    assert [chip.label for chip in parsed.chips] == [
        "Park Slope", "Sat, Jan 17", "Before 12:00 PM", "Up to $90/hour",
    ]  # fmt: skip
    assert parsed.residual == parsed.residual_core == "piano"


CONVENTIONS: list[tuple[str, dict[str, Any]]] = [
    ("under 80", {"max_price": 80}),
    ("$80 max", {"max_price": 80}),
    ("80 or less", {"max_price": 80}),
    ("budget 60", {"max_price": 60}),
    ("$45", {"max_price": 45}),
    ("50-70 dollars", {"min_price": 50, "max_price": 70}),
    ("between 40 and 60 dollars", {"min_price": 40, "max_price": 60}),
    ("no more than sixty bucks", {"max_price": 60}),
    ("over $50", {"min_price": 50}),
    ("cheap", {"price_pref": "low"}),
    ("affordable", {"price_pref": "low"}),
    ("premium", {"price_pref": "high"}),
    ("tribeca or FiDi", {"location": ["Tribeca", "Financial District"]}),
    ("LIC", {"location": "Long Island City"}),
    ("bed stuy", {"location": "Bedford-Stuyvesant"}),
    ("BK", {"location": "Brooklyn"}),
    ("remote", {"modality": "online"}),
    ("comes to us", {"modality": "at_student"}),
    ("at the teacher's studio", {"modality": "at_instructor"}),
    ("face to face", {"modality": "in_person"}),
    ("tonight", {"date_expr": ["2026-01-14"], "time_after": "17:00"}),
    ("tomorrow", {"date_expr": ["2026-01-15"]}),
    ("wednesday", {"date_expr": ["2026-01-14"]}),
    ("monday", {"date_expr": ["2026-01-19"]}),
    ("next tuesday", {"date_expr": ["2026-01-20"]}),
    ("this weekend", {"date_expr": ["2026-01-17", "2026-01-18"]}),
    ("this week", {"date_expr": [f"2026-01-{day}" for day in range(14, 19)]}),
    ("next week", {"date_expr": [f"2026-01-{day}" for day in range(19, 26)]}),
    ("saturdays", {"date_expr": ["sat"]}),
    ("thursday nights", {"date_expr": ["thu"], "time_after": "17:00"}),
    ("every friday", {"date_expr": ["fri"]}),
    ("weekends", {"date_expr": ["sat", "sun"]}),
    ("weekdays", {"date_expr": ["mon", "tue", "wed", "thu", "fri"]}),
    ("weeknights", {"date_expr": ["mon", "tue", "wed", "thu", "fri"], "time_after": "17:00"}),
    ("mon-thu", {"date_expr": ["mon", "tue", "wed", "thu"]}),
    ("tues/thurs twice a week", {"date_expr": ["tue", "thu"]}),
    ("mon or wed mornings", {"date_expr": ["mon", "wed"], "time_before": "12:00"}),
    ("after 5", {"time_after": "17:00"}),
    ("before 8am", {"time_before": "08:00"}),
    ("6-8pm", {"time_after": "18:00", "time_before": "20:00"}),
    ("at 3pm", {"time_after": "15:00", "time_before": "16:00"}),
    ("90 minutes at 3pm", {"duration_minutes": 90, "time_after": "15:00", "time_before": "16:30"}),
    ("at 10", {"time_after": "10:00", "time_before": "11:00"}),
    ("morning", {"time_before": "12:00"}),
    ("before noon", {"time_before": "12:00"}),
    ("noon", {"time_before": "12:00"}),
    ("afternoon", {"time_after": "12:00", "time_before": "17:00"}),
    ("after work", {"time_after": "17:00"}),
    ("after school", {"time_after": "15:00"}),
    ("lunch", {"time_after": "12:00", "time_before": "14:00"}),
    ("before work", {"time_before": "09:00"}),
    ("early morning", {"time_before": "09:00"}),
    ("age 6", {"age": 6}),
    ("toddler", {"age_group": "toddler"}),
    ("retired", {"age_group": "senior"}),
    ("kids ages 7", {"age": 7}),
    ("for my son", {}),
    ("7th grader", {}),
    ("from scratch", {"level": "beginner"}),
    ("no experience", {"level": "beginner"}),
    ("basics", {"level": "beginner"}),
    ("half hour", {"duration_minutes": 30}),
    ("1.5 hours", {"duration_minutes": 90}),
    ("2 hour lesson", {"duration_minutes": 120}),
    ("not on sundays", {"exclude": {"weekdays": ["sun"]}}),
    ("any day except wednesday", {"exclude": {"weekdays": ["wed"]}}),
    ("not in Queens", {"exclude": {"location": "Queens"}}),
    ("not online", {"modality": "in_person", "exclude": {"modality": "online"}}),
]


@pytest.mark.parametrize(("query", "expected"), CONVENTIONS)
def test_conventions_of_the_constraint_keys(query: str, expected: dict[str, Any]) -> None:
    """Spec: S8.1"""
    assert constraints(query) == expected
