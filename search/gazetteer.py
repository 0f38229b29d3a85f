"""Neighborhoods and boroughs by every name people use for them.

Spec: S8.1
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from search.spelling import distance_within, one_letter_less
from search.text import fold, words_of

BOROUGHS: Mapping[str, tuple[str, ...]] = {
    "Manhattan": ("manhattan",),
    "Brooklyn": ("brooklyn", "bk", "bklyn", "bkln"),
    "Queens": ("queens", "qns"),
    "Bronx": ("bronx", "the bronx", "bx", "da bronx"),
    "Staten Island": ("staten island", "si", "staten isl"),
}
# Names in use that the neighborhood file does not carry.
SPOKEN_NAMES: Mapping[str, tuple[str, ...]] = {
    "East Village": ("e village",),
    "West Village": ("w village",),
    "Upper East Side": ("upper east",),
    "Upper West Side": ("upper west",),
    "Lower East Side": ("lower east",),
    "Williamsburg": ("williamsburgh", "wburg", "w'burg", "billburg"),
    "Bedford-Stuyvesant": ("bed sty", "bed study", "bedford stuy"),
    "Prospect Lefferts Gardens": ("prospect lefferts", "lefferts gardens"),
    "Washington Heights": ("wash heights", "washington hts"),
    "Crown Heights": ("crown hts",),
    "Brooklyn Heights": ("brooklyn hts",),
    "Jackson Heights": ("jackson hts",),
    "Greenwich Village": ("greenwich vill",),
    "Long Island City": ("long island city queens",),
    "Murray Hill (Queens)": ("murray hill queens",),
    "St. George": ("st george",),
    "Hell's Kitchen": ("hells kitchen", "hell s kitchen"),
}
# Counted only beside a hint ("in", "near"), alone, or written as an abbreviation in capitals.
_WEAK = """
abc, ev, wv, gv, ri, hk, jh, si, les, bx, clifton, hollis, melrose, charleston, oakwood, norwood,
belmont, longwood, greenwood, sutton, steinway, broadway, concourse, country club, wakefield,
rosedale, rosebank, united nations, city hall, the heights, the village, the slope, southside,
columbia university, yankee stadium, wall street, lefferts, briarwood, si ferry
"""
WEAK_NAMES = frozenset(name.strip() for name in _WEAK.split(","))
# Places that are other things as well, or that lie in two boroughs: the chip offers the choice.
DOUBTFUL_NAMES: Mapping[str, tuple[str, ...]] = {
    "chelsea": ("Chelsea",),
    "clinton": ("Hell's Kitchen", "Clinton Hill"),
    "murray hill": ("Murray Hill", "Murray Hill (Queens)"),
    "bay terrace": ("Bay Terrace",),
    "corona": ("Corona",),
    "jamaica": ("Jamaica",),
}
SHORTEST_FUZZY = 6


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """One row of the neighborhood file; `aliases` are names as people write them."""

    borough: str
    neighborhood: str
    aliases: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """A neighborhood, or a borough when `borough` equals `name`."""

    name: str
    borough: str

    @property
    def is_borough(self) -> bool:
        """True for a whole borough."""
        return self.name == self.borough


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """All names of all places, folded to words without punctuation."""

    by_key: Mapping[str, Place] = field(default_factory=dict)
    by_name: Mapping[str, Place] = field(default_factory=dict)
    near_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    longest: int = 1

    def find(self, words: Sequence[str]) -> Place | None:
        """Return the place that these folded words name exactly."""
        return self.by_key.get(" ".join(words))

    def find_similar(self, words: Sequence[str]) -> tuple[Place, str] | None:
        """Return the only place one typing slip away, with its right key, or None."""
        said = " ".join(words)
        if len(said) < SHORTEST_FUZZY:
            return None
        keys = {
            key
            for short in one_letter_less(said)
            for key in self.near_keys.get(short, frozenset())
            if key[0] == said[0] and distance_within(said, key, 1) is not None
        }
        places = {self.by_key[key] for key in keys}
        return (places.pop(), min(keys)) if len(places) == 1 else None

    def choices(self, key: str) -> tuple[Place, ...]:
        """Return what an ambiguous name can mean; empty for a clear one."""
        return tuple(
            self.by_name[name] for name in DOUBTFUL_NAMES.get(key, ()) if name in self.by_name
        )


def key_of(name: str) -> str:
    """Return a name as folded words: "Bed-Stuy" and "bed stuy" are one, so is "St. George"."""
    plain = fold(name).replace("'", "").replace("(", " ").replace(")", " ")
    return " ".join(words_of(plain.replace("-", " ").replace(".", " ")))


def build_gazetteer(rows: Iterable[PlaceRow]) -> Gazetteer:
    """Build the gazetteer from plain rows; an earlier row keeps a name that a later one repeats.

    Spec: S8.1
    """
    by_key: dict[str, Place] = {}
    by_name: dict[str, Place] = {}
    for borough, names in BOROUGHS.items():
        place = by_name.setdefault(borough, Place(borough, borough))
        for name in names:
            by_key.setdefault(key_of(name), place)
    listed = list(rows)
    for row in listed:
        place = by_name.setdefault(row.neighborhood, Place(row.neighborhood, row.borough))
        by_key.setdefault(key_of(row.neighborhood), place)
    for row in listed:
        for name in (*row.aliases, *SPOKEN_NAMES.get(row.neighborhood, ())):
            if key_of(name):
                by_key.setdefault(key_of(name), by_name[row.neighborhood])
    longest = max((key.count(" ") + 1 for key in by_key), default=1)
    return Gazetteer(by_key, by_name, _near_keys(by_key), longest)


def _near_keys(keys: Iterable[str]) -> dict[str, frozenset[str]]:
    near: dict[str, set[str]] = {}
    for key in keys:
        if len(key) >= SHORTEST_FUZZY:
            for short in one_letter_less(key):
                near.setdefault(short, set()).add(key)
    return {short: frozenset(found) for short, found in near.items()}
