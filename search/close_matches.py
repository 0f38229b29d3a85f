"""Near misses, grouped by the one thing that was given up (Spec: S8.5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from instainstru.templatetags.ui import format_clock, format_day, money
from search.demand import Demand
from search.matching import MILES_PER_KILOMETER, Candidate, Hit, one_card_each

RELAX_ORDER = ("time", "date", "location", "price", "level")
CATEGORY = "category"
CLOSE_PER_GROUP = 5


@dataclass(frozen=True)
class CloseGroup:
    """Instructors who fit but for ``relaxed``: one thing, or several joined by ``+``."""

    relaxed: str
    hits: Sequence[Hit]

    @property
    def parts(self) -> Sequence[str]:
        """What was given up, in the order of S8.5."""
        return self.relaxed.split("+")


def close_groups(ranked: Sequence[tuple[Candidate, Hit]], taken: Iterable[int]) -> list[CloseGroup]:
    """Group near misses in the order of S8.5; nobody stands in two groups."""
    groups, seen = [], set(taken)
    for relaxed in RELAX_ORDER:
        near = [hit for row, hit in ranked if row.missed == {relaxed} and hit.free]
        hits = one_card_each(near, seen)[:CLOSE_PER_GROUP]
        seen |= {hit.offer.instructor_id for hit in hits}
        if hits:
            groups.append(CloseGroup(relaxed, hits))
    return groups


def wider_groups(ranked: Sequence[tuple[Candidate, Hit]], taken: Iterable[int]) -> list[CloseGroup]:
    """Group those who miss several things by how far S8.5 had to go, the nearest first.

    Everything before the last thing that was given up may be missed, too.
    """
    groups, seen = [], set(taken)
    for reach in range(2, len(RELAX_ORDER) + 1):
        given_up = set(RELAX_ORDER[:reach])
        near = [
            (row, hit)
            for row, hit in ranked
            if len(row.missed) > 1 and row.missed <= given_up and hit.free
        ]
        hits = one_card_each((hit for _, hit in near), seen)[:CLOSE_PER_GROUP]
        if hits:
            missed = {name for row, hit in near if hit in hits for name in row.missed}
            names = "+".join(name for name in RELAX_ORDER if name in missed)
            groups.append(CloseGroup(names, hits))
            seen |= {hit.offer.instructor_id for hit in hits}
            break
    return groups


def difference(hit: Hit, relaxed: str, demand: Demand) -> str:
    """Say what is not as asked, such as ``Open Sun, Mar 8, 11:00 AM EST instead``."""
    if "+" in relaxed:
        said = [_difference(hit, part, demand) for part in relaxed.split("+")]
        return ". ".join(dict.fromkeys(text for text in said if text))
    return _difference(hit, relaxed, demand)


def _difference(hit: Hit, relaxed: str, demand: Demand) -> str:
    if relaxed in ("time", "date"):
        start, zone = hit.starts[0], hit.offer.zone
        on = format_day(start.astimezone(ZoneInfo(zone)).date())
        return f"Open {on}, {format_clock(start, zone)} instead"
    if relaxed == "location":
        away = "" if hit.kilometers is None else f", {miles(hit.kilometers)} away"
        return f"Teaches from {hit.offer.base}{away}"
    if relaxed == "price":
        return _price_difference(hit, demand)
    if relaxed == "level":
        return f"Teaches {' and '.join(hit.offer.levels)} learners"
    return f"Teaches {hit.service_name}"


def _price_difference(hit: Hit, demand: Demand) -> str:
    is_lesson = demand.price_basis == "lesson"
    cents = hit.price_cents if is_lesson else hit.hourly_cents
    basis = "lesson" if is_lesson else "hour"
    if demand.max_cents is not None and cents > demand.max_cents:
        return f"{money(cents)}/{basis}, {money(cents - demand.max_cents)} more than you asked"
    return f"{money(cents)}/{basis}"


def miles(kilometers: float) -> str:
    """Print a distance: ``0.6 miles``."""
    return f"{kilometers * MILES_PER_KILOMETER:.1f} miles"
