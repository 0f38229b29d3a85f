"""Names of places."""

import pytest

from search.gazetteer import PlaceRow, build_gazetteer, key_of
from tests.search.catalogue import gazetteer

pytestmark = pytest.mark.S8


def test_every_neighborhood_and_borough_is_known_by_its_own_name() -> None:
    """Spec: S8.1"""
    city = gazetteer()
    assert len(city.by_name) == 242 + 5
    assert all(city.by_key[key_of(name)].name == name for name in city.by_name)


@pytest.mark.parametrize(
    ("one", "two"),
    [("Bed-Stuy", "bed stuy"), ("St. George", "st george"), ("Hell's Kitchen", "hells kitchen"),
     ("Murray Hill (Queens)", "murray hill queens"), ("NoLIta", "nolita")],
)  # fmt: skip
def test_keys_ignore_case_and_punctuation(one: str, two: str) -> None:
    """Spec: S8.1"""
    assert key_of(one) == key_of(two)


def test_a_borough_keeps_its_name_against_an_alias() -> None:
    rows = [PlaceRow("Queens", "Elsewhere", ("Brooklyn", "", "Little Brooklyn"))]
    city = build_gazetteer(rows)
    assert city.by_key["brooklyn"].is_borough
    assert city.by_key["little brooklyn"].name == "Elsewhere"


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("brookyln", "Brooklyn"),
        ("asotria", "Astoria"),
        ("park slop", "Park Slope"),
        ("flushin", "Flushing"),
    ],
)
def test_one_slip_is_forgiven(said: str, name: str) -> None:
    """Spec: S8.1"""
    found = gazetteer().find_similar(said.split())
    assert found is not None
    assert found[0].name == name


@pytest.mark.parametrize("said", ["soho", "harlm", "brkyln", "xrooklyn", "piano"])
def test_short_or_distant_words_are_no_places(said: str) -> None:
    """Spec: S8.1"""
    assert gazetteer().find_similar([said]) is None
