"""Everything that is asked for: the words of a query and the filters of the panel, merged.

A filter that is set wins over the words about the same thing (Spec: S8.3, S8.5).
"""

from dataclasses import dataclass, field, replace
from typing import Literal

from search.filters import Filters
from search.parser import ParsedQuery
from search.parser.query import HOUR
from search.windows import Window, window_of

IN_PERSON = frozenset({"at_student", "at_instructor", "public"})
AGE_GROUPS = {
    "toddler": (1, 4),
    "kid": (5, 12),
    "teen": (13, 17),
    "adult": (18, 64),
    "senior": (65, 99),
}


@dataclass(frozen=True)
class Demand:
    """What an offer and its times are held against; empty or None asks for nothing.

    ``min_cents`` and ``max_cents`` are compared with the price that ``price_basis`` names, ``ages``
    are the youngest and oldest age of the learner, ``minutes`` is the wanted length.
    """

    min_cents: int | None = None
    max_cents: int | None = None
    price_basis: Literal["hour", "lesson"] = "hour"
    price_preference: str | None = None
    places: tuple[str, ...] = ()
    excluded_places: tuple[str, ...] = ()
    modalities: frozenset[str] = frozenset()
    excluded_modality: str | None = None
    ages: tuple[int, int] | None = None
    level: str | None = None
    language: str | None = None
    rating_hundredths: int = 0
    minutes: int | None = None
    window: Window = field(default_factory=Window)


def demand_of(query: ParsedQuery, filters: Filters) -> Demand:
    """Merge words and filters. Spec: S8.1, S8.5."""
    return _filtered(_of_words(query), filters)


def _of_words(query: ParsedQuery) -> Demand:
    wanted = query.constraints
    excluded = wanted.get("exclude", {})
    return Demand(
        min_cents=_cents(wanted.get("min_price"), query),
        max_cents=_cents(wanted.get("max_price"), query),
        price_basis=query.price_basis,
        price_preference=wanted.get("price_pref"),
        places=_names(wanted.get("location")),
        excluded_places=_names(excluded.get("location")),
        modalities=_modalities(wanted.get("modality")),
        excluded_modality=excluded.get("modality"),
        ages=_ages(query),
        level=wanted.get("level"),
        minutes=wanted.get("duration_minutes"),
        window=window_of(query),
    )


def _filtered(words: Demand, filters: Filters) -> Demand:
    demand = words
    if filters.has_price:
        demand = replace(
            demand,
            min_cents=filters.min_cents,
            max_cents=filters.max_cents,
            price_basis="hour",
        )
    if filters.place:
        demand = replace(demand, places=(filters.place,), excluded_places=())
    if filters.modalities:
        demand = replace(demand, modalities=filters.modalities, excluded_modality=None)
    if filters.age is not None:
        demand = replace(demand, ages=(filters.age, filters.age))
    return replace(
        demand,
        level=filters.level or demand.level,
        language=filters.language,
        rating_hundredths=filters.rating_hundredths,
        window=_window(demand.window, filters),
    )


def _window(words: Window, filters: Filters) -> Window:
    window = words
    if filters.on is not None or filters.weekdays:
        dates = frozenset({filters.on} if filters.on else ())
        window = Window(dates=dates, weekdays=filters.weekdays, hours=words.hours)
    return replace(window, hours=filters.hours) if filters.hours else window


def _cents(dollars: float | None, query: ParsedQuery) -> int | None:
    """Return a limit in cents; one for another length is scaled to an hour, as prices are."""
    if dollars is None:
        return None
    cents = round(dollars * 100)
    return cents if query.price_basis == "lesson" else -(-cents * HOUR // query.price_minutes)


def _names(location: str | list[str] | None) -> tuple[str, ...]:
    if location is None:
        return ()
    return (location,) if isinstance(location, str) else tuple(location)


def _modalities(wanted: str | None) -> frozenset[str]:
    if wanted is None:
        return frozenset()
    return IN_PERSON if wanted == "in_person" else frozenset({wanted})


def _ages(query: ParsedQuery) -> tuple[int, int] | None:
    """Return the ages in whole years, as offers name them: with twelve and a half one is twelve."""
    wanted = query.constraints
    if "age" in wanted:
        return int(wanted["age"]), int(wanted["age"])
    return AGE_GROUPS[wanted["age_group"]] if "age_group" in wanted else None
