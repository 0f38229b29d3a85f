"""The drawing of New York and the values that its component shows."""

import hashlib
import re
from pathlib import Path

import brotli
import pytest
from django.conf import settings

from catalog import city_map
from catalog.city_map import coverage_map, is_drawn, lit_map, matches_map, shapes
from catalog.files import DATA_DIR, read_neighborhoods

FOLDER = Path(settings.BASE_DIR) / "static" / "vendor" / "map"
DRAWING = FOLDER / "new-york.svg"


def test_every_neighborhood_has_exactly_one_shape() -> None:
    """00 section 8: all 242, under our own names, and nothing else but the parks."""
    slugs = [row.slug for row in read_neighborhoods(DATA_DIR / "neighborhoods.csv")]
    drawn = re.findall(r'<path id="([^"]+)"', DRAWING.read_text())
    assert sorted(drawn) == sorted([*slugs, "parks"])
    assert set(shapes()) == set(slugs)


def test_shapes_lie_inside_the_drawing_and_are_large_enough_to_see() -> None:
    _, _, wide, high = map(float, lit_map([]).view_box.split())
    for slug, box in shapes().items():
        assert 0 <= box.left < box.right <= wide, slug
        assert 0 <= box.top < box.bottom <= high, slug
        assert (box.right - box.left) * (box.bottom - box.top) > 40, slug


def test_file_is_the_one_whose_origin_is_written_down() -> None:
    assert hashlib.sha256(DRAWING.read_bytes()).hexdigest() in (FOLDER / "VERSION.md").read_text()


def test_file_stays_small() -> None:
    content = DRAWING.read_bytes()
    assert len(content) <= 40_000
    assert len(brotli.compress(content)) <= 12_000


def test_neighborhoods_lie_where_new_yorkers_expect_them() -> None:
    where = {slug: box.middle for slug, box in shapes().items()}
    assert where["inwood"][1] < where["harlem"][1] < where["soho"][1] < where["park-slope"][1]
    assert where["tottenville"][0] < where["st-george"][0] < where["bay-ridge"][0]
    assert where["upper-west-side"][0] < where["astoria"][0] < where["bayside"][0]


def test_lit_map_shows_the_whole_city_and_only_known_places() -> None:
    """S9.1."""
    shown = lit_map(["SoHo", "Atlantis", "Astoria"])
    assert [area.slug for area in shown.areas] == ["astoria", "soho"]
    assert shown.label == "Map of New York, 2 neighborhoods lit"
    assert shown.view_box.startswith("0 0 ")
    assert lit_map(["SoHo"]).label.endswith("1 neighborhood lit")
    assert lit_map([]).label.endswith("no neighborhood lit")


def test_coverage_frames_what_is_served_and_marks_the_base() -> None:
    """S10.1."""
    served = ["Gowanus", "Park Slope", "Astoria"]
    shown = coverage_map("Park Slope", served)
    assert [area.label for area in shown.areas] == ["Park Slope, based here", "Astoria", "Gowanus"]
    assert [area.level for area in shown.areas] == [4, 2, 2]
    assert shown.label == "Map: based in Park Slope, comes to 2 more neighborhoods"
    assert shown.mark is not None
    assert shown.mark.name == "Park Slope"
    left, top, wide, high = map(float, shown.view_box.split())
    for name in ("gowanus", "park-slope", "astoria"):
        box = shapes()[name]
        assert left <= box.left < box.right <= left + wide
        assert top <= box.top < box.bottom <= top + high
    assert wide < float(lit_map([]).view_box.split()[2]) / 2


def test_coverage_without_travel_says_only_where_the_base_is() -> None:
    shown = coverage_map("Tottenville", [])
    assert shown.label == "Map: based in Tottenville"
    assert [words for _, words in shown.key] == ["Based here"]


def test_a_place_that_is_not_drawn_shows_the_city() -> None:
    shown = coverage_map("Atlantis", [])
    assert (shown.areas, shown.mark) == ((), None)
    assert shown.view_box == lit_map([]).view_box
    assert not is_drawn("Atlantis")


def test_every_single_view_is_square_and_inside_the_drawing() -> None:
    _, _, all_wide, all_high = map(float, lit_map([]).view_box.split())
    for row in read_neighborhoods(DATA_DIR / "neighborhoods.csv"):
        left, top, wide, high = map(float, coverage_map(row.name, []).view_box.split())
        assert abs(wide - high) <= 1
        assert left >= 0, row.name
        assert top >= 0, row.name
        assert left + wide <= all_wide
        assert top + high <= all_high


@pytest.mark.parametrize(
    ("count", "level", "label"),
    [
        (1, 1, "SoHo, 1 instructor"), (2, 2, "SoHo, 2 instructors"), (3, 2, "SoHo, 3 instructors"),
        (4, 3, "SoHo, 4 instructors"), (7, 3, "SoHo, 7 instructors"),
        (8, 4, "SoHo, 8 instructors"), (80, 4, "SoHo, 80 instructors"),
    ],
)  # fmt: skip
def test_shade_follows_the_number_of_matches(count: int, level: int, label: str) -> None:
    """S8.4."""
    (area,) = matches_map({"SoHo": count}, "/search/?place={}".format).areas
    assert (area.level, area.label, area.url) == (level, label, "/search/?place=SoHo")


def test_matches_come_most_first_without_empty_or_unknown_places() -> None:
    shown = matches_map({"Inwood": 1, "SoHo": 9, "Astoria": 1, "NoHo": 0, "Atlantis": 3}, str)
    assert [area.name for area in shown.areas] == ["SoHo", "Astoria", "Inwood"]
    assert [words for _, words in shown.key] == ["1 instructor", "8 or more instructors"]
    assert shown.label == "Map: 3 neighborhoods with instructors"


def test_path_data_is_read_as_rings_of_relative_steps() -> None:
    points = list(city_map._points("M10 20l5 0 0-5zM1 1l2 2 0 3z"))
    assert points == [(10, 20), (15, 20), (15, 15), (1, 1), (3, 3), (3, 6)]
