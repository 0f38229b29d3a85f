"""Words that are a date, a place or a subject depending on their company."""

from typing import Any

import pytest

from search.parser import Chip
from tests.search.catalogue import constraints, read

pytestmark = pytest.mark.S8

SATURDAY = {"date_expr": ["2026-01-17"]}


@pytest.mark.parametrize(
    "query",
    [
        "SAT prep",
        "sat",
        "SAT",
        "math SAT",
        "on sat reading help",
        "digital sat math",
        "my daughter takes the sat in may",
        "sun salutation yoga",
        "march music theory",
        "may I learn the harp",
        "sun and moon watercolor",
        "piano 60",
        "yoga 6-8",
        "grade 3-8 state test",
        "3/4 violin",
        "24/7 tutor",
        "ages 5/6-8 piano",
        "ages 5/6 piano",
        "ages: 5/6-5/8 piano",
        "grade 11/12-13 math",
        "level 5/6 spanish",
        "spanish 5/6-7 people",
        "piano 5/6 students",
        "feb 30",
        "5th avenue piano",
        "online safety",
        "home bartending",
        "video editing",
        "night photography",
        "baby grand piano",
        "children's book illustration",
        "high school senior essay",
        "advanced placement biology",
        "les paul guitar",
        "piano les",
        "dance the charleston",
        "broadway jazz",
        "steinway piano",
        "queens gambit chess",
        "central park birds",
        "brooklyn bridge sketching",
        "flatbush ave",
        "brooklyn tech exam",
        "jamaica cooking",
        "after effects",
        "ABC for learners",
    ],
)
def test_words_that_only_look_like_constraints(query: str) -> None:
    """Spec: S8.1"""
    assert constraints(query) == {}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("piano on sat", SATURDAY),
        ("guitar lessons sat", SATURDAY),
        ("SAT prep sat morning", {**SATURDAY, "time_before": "12:00"}),
        ("yoga sat/sun", {"date_expr": ["2026-01-17", "2026-01-18"]}),
        ("chess this sun", {"date_expr": ["2026-01-18"]}),
        ("drums march 8", {"date_expr": ["2026-03-08"]}),
        ("harp may 5th", {"date_expr": ["2026-05-05"]}),
        ("harp 5/6-7", {"date_expr": ["2026-05-06", "2026-05-07"]}),
        ("harp on 5/6 students recital", {"date_expr": ["2026-05-06"]}),
        ("oboe 5 jan", {"date_expr": ["2027-01-05"]}),
        (
            "cello 1/2 at 3pm",
            {"date_expr": ["2027-01-02"], "time_after": "15:00", "time_before": "16:00"},
        ),
        ("piano LES", {"location": "Lower East Side"}),
        ("les", {"location": "Lower East Side"}),
        ("drums near les", {"location": "Lower East Side"}),
        ("swing in charleston", {"location": "Charleston"}),
        ("corona beer tasting in chelsea", {"location": "Chelsea"}),
        ("queens punjabi", {"location": "Queens"}),
        ("spanish harlem", {"location": "Harlem"}),
        ("flamenco in spanish harlem", {"location": "East Harlem"}),
        ("jackson heights hindi", {"location": "Jackson Heights"}),
    ],
)
def test_the_same_words_with_the_right_company(query: str, expected: dict[str, Any]) -> None:
    """Spec: S8.1"""
    assert constraints(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("williamsburg brooklyn", "Williamsburg"),
        ("Astoria, Queens", "Astoria"),
        ("murray hill queens", "Murray Hill (Queens)"),
        ("clinton brooklyn", "Clinton Hill"),
        ("chinatown brooklyn", "Brooklyn"),
        ("queens or soho", ["Queens", "SoHo"]),
        ("hells kitchen", "Hell's Kitchen"),
        ("hell’s kitchen", "Hell's Kitchen"),
        ("St. George", "St. George"),
        ("k-town", "Koreatown"),
        ("bushwik", "Bushwick"),
        ("near brookyln", "Brooklyn"),
        ("UPPER WEST SIDE", "Upper West Side"),
        ("park slope, gowanus / red hook", ["Park Slope", "Gowanus", "Red Hook"]),
        ("far rockaway", "Far Rockaway"),
    ],
)
def test_places_by_any_name(query: str, expected: object) -> None:
    """Spec: S8.1"""
    assert constraints(f"piano {query}")["location"] == expected


def _location(parsed_chips: tuple[Chip, ...]) -> Chip:
    return next(chip for chip in parsed_chips if chip.token == "location")


def test_an_ambiguous_place_offers_the_choice() -> None:
    """Spec: S8.1"""
    chip = _location(read("piano murray hill").chips)
    assert chip.label == "Murray Hill"
    assert chip.choices == ("Murray Hill", "Murray Hill (Queens)")


def test_the_borough_of_the_searcher_settles_an_ambiguous_place() -> None:
    """Spec: S8.1"""
    parsed = read("piano murray hill", borough="Queens")
    assert parsed.constraints["location"] == "Murray Hill (Queens)"
    assert _location(parsed.chips).choices == ()


def test_a_chosen_place_replaces_the_guess() -> None:
    """Spec: S8.1"""
    parsed = read("piano murray hill", place="Murray Hill (Queens)")
    assert parsed.constraints["location"] == "Murray Hill (Queens)"
    assert _location(parsed.chips).choices == ("Murray Hill", "Murray Hill (Queens)")


def test_a_place_that_was_not_offered_cannot_be_chosen() -> None:
    """Spec: S8.5"""
    assert read("piano murray hill", place="Harlem").constraints["location"] == "Murray Hill"


def test_a_landmark_is_no_location() -> None:
    """Spec: S8.1"""
    parsed = read("roller blading central park")
    assert parsed.constraints == {}
    assert parsed.landmark == "central park"
