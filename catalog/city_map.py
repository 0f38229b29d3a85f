"""New York as a drawing: which neighborhoods are lit, served or shaded, and the part in view.

The shapes are ``static/vendor/map/new-york.svg``, one per neighborhood, named by its slug; a page
only refers to them. Everything here is plain values for ``components/map.html``.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from catalog.text import slug_of

DRAWING = "vendor/map/new-york.svg"

# Smallest number of instructors of each shade, and its words in the key.
SHADES = ((1, "1"), (2, "2 – 3"), (4, "4 – 7"), (8, "8 or more"))
SERVED, FULL = 2, len(SHADES)

_PATH = re.compile(r'<path id="([a-z0-9-]+)" d="([^"]+)"')
_NUMBER = re.compile(r"-?\d+")
_PADDING = 0.18  # of the view, on each side
_NARROWEST_VIEW = 220  # units of the drawing, 39 m each
_LINES_ACROSS = 520  # a border is this part of the view, so that it looks the same in every view


class Box(NamedTuple):
    """A rectangle of the drawing, in its units."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> tuple[float, float]:
        """Return the point in the middle."""
        return (self.left + self.right) / 2, (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class MapArea:
    """One neighborhood that stands out; ``level`` 1 to 4 is its shade, ``url`` where it leads."""

    slug: str
    name: str
    label: str
    level: int
    url: str = ""


@dataclass(frozen=True, slots=True)
class BaseMark:
    """Where the name of the instructor's own neighborhood is written."""

    name: str
    x: int
    y: int
    size: int


@dataclass(frozen=True, slots=True)
class CityMap:
    """What the map component shows; ``kind`` is art, coverage or matches."""

    kind: str
    label: str
    areas: tuple[MapArea, ...]
    view_box: str
    line_width: float
    key: tuple[tuple[int, str], ...] = ()
    mark: BaseMark | None = None


def lit_map(names: Collection[str]) -> CityMap:
    """Return the whole city with these neighborhoods lit. Spec: S9.1."""
    areas = tuple(
        MapArea(slug_of(name), name, name, FULL) for name in sorted(names) if is_drawn(name)
    )
    count = len(areas)
    lit = f"{count} neighborhood{'' if count == 1 else 's'}" if count else "no neighborhood"
    return _map("art", f"Map of New York, {lit} lit", areas, _whole())


def coverage_map(base: str, served: Collection[str]) -> CityMap:
    """Return where an instructor is based and where they come to, closely framed. Spec: S10.1."""
    served_areas = [
        MapArea(slug_of(name), name, name, SERVED)
        for name in sorted(served)
        if name != base and is_drawn(name)
    ]
    own = [MapArea(slug_of(base), base, f"{base}, based here", FULL)]
    own = own if is_drawn(base) else []
    where = f"Map: based in {base}"
    if served_areas:
        where += f", comes to {len(served_areas)} more neighborhood{_s(len(served_areas))}"
    key = ((FULL, "Based here"), *([(SERVED, "Comes to you")] if served_areas else []))
    areas = (*own, *served_areas)
    view = _view(areas)
    return _map("coverage", where, areas, view, key=key, mark=_mark(base, view) if own else None)


def matches_map(counts: Mapping[str, int], url_of: Callable[[str], str]) -> CityMap:
    """Return the neighborhoods shaded by how many instructors match, each a link. Spec: S8.4.

    ``counts`` has the number by neighborhood name; ``url_of`` gives the address of a name.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    areas = tuple(
        MapArea(
            slug_of(name), name, f"{name}, {count} instructor{_s(count)}", _shade(count),
            url=url_of(name),
        )
        for name, count in ordered
        if count > 0 and is_drawn(name)
    )  # fmt: skip
    used = {area.level for area in areas}
    key = tuple(
        (level, f"{words} instructor{_s(least)}")
        for level, (least, words) in enumerate(SHADES, start=1)
        if level in used
    )
    label = f"Map: {len(areas)} neighborhood{_s(len(areas))} with instructors"
    return _map("matches", label, areas, _view(areas), key=key)


def is_drawn(name: str) -> bool:
    """Tell whether the drawing has a shape of this neighborhood."""
    return slug_of(name) in shapes()


@cache
def shapes() -> Mapping[str, Box]:
    """Return the rectangle around each neighborhood, by slug, read from the drawing once."""
    found = {slug: _around(data) for slug, data in _PATH.findall(_source())}
    del found["parks"]
    return found


def _source() -> str:
    return (Path(settings.BASE_DIR) / "static" / DRAWING).read_text(encoding="utf-8")


@cache
def _whole() -> Box:
    found = re.search(r'viewBox="0 0 (\d+) (\d+)"', _source())
    if found is None:
        raise ValueError(f"{DRAWING} has no viewBox")
    return Box(0, 0, int(found[1]), int(found[2]))


def _around(data: str) -> Box:
    points = list(_points(data))
    across, down = [x for x, _ in points], [y for _, y in points]
    return Box(min(across), min(down), max(across), max(down))


def _points(data: str) -> Iterator[tuple[int, int]]:
    """Yield the corners of path data: rings of an absolute start and relative steps."""
    for ring in data.split("z")[:-1]:
        numbers = [int(number) for number in _NUMBER.findall(ring)]
        x = y = 0
        for step_x, step_y in zip(numbers[::2], numbers[1::2], strict=True):
            x, y = x + step_x, y + step_y
            yield x, y


def _shade(count: int) -> int:
    return sum(count >= least for least, _ in SHADES)


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _view(areas: Iterable[MapArea]) -> Box:
    """Return a square around the areas with some room, inside the drawing where possible."""
    boxes = [shapes()[area.slug] for area in areas]
    whole = _whole()
    if not boxes:
        return whole
    box = Box(
        min(b.left for b in boxes), min(b.top for b in boxes),
        max(b.right for b in boxes), max(b.bottom for b in boxes),
    )  # fmt: skip
    side = max(box.right - box.left, box.bottom - box.top) * (1 + 2 * _PADDING)
    side = min(max(side, _NARROWEST_VIEW), whole.right)
    x, y = box.middle
    left = min(max(x - side / 2, 0), whole.right - side)
    top = min(max(y - side / 2, 0), max(whole.bottom - side, 0))
    return Box(round(left), round(top), round(left + side), round(top + side))


def _mark(name: str, view: Box) -> BaseMark:
    x, y = shapes()[slug_of(name)].middle
    return BaseMark(name, round(x), round(y), round((view.right - view.left) / 24))


def _map(
    kind: str,
    label: str,
    areas: tuple[MapArea, ...],
    view: Box,
    *,
    key: tuple[tuple[int, str], ...] = (),
    mark: BaseMark | None = None,
) -> CityMap:
    wide, high = view.right - view.left, view.bottom - view.top
    return CityMap(
        kind=kind,
        label=label,
        areas=areas,
        view_box=f"{view.left:.0f} {view.top:.0f} {wide:.0f} {high:.0f}",
        line_width=round(wide / _LINES_ACROSS, 2),
        key=key,
        mark=mark,
    )
