"""What was understood and chosen, as chips that can be removed and changed (Spec: S8.1, S8.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from catalog.models import Level
from instainstru.templatetags.ui import money
from search.demand import Demand
from search.filters import PART_CHOICES, WHERE_CHOICES, Filters
from search.page_state import PageState, Pair
from search.parser import ParsedQuery
from search.parser.labels import when_label
from search.services import SERVICE, SearchResult
from search.windows import WEEKDAYS


@dataclass(frozen=True)
class Family:
    """Chips of the words and filters that are about one thing; a filter replaces the words."""

    tokens: tuple[str, ...]
    names: tuple[str, ...]
    editor: str = ""


FAMILIES = (
    Family(("min_price", "max_price"), ("price_min", "price_max"), "price"),
    Family(("location", "exclude_location"), ("place",), "place"),
    Family(("date_expr", "exclude_weekdays"), ("on", "day"), "day"),
    Family(("time",), ("time",)),
    Family(("modality",), ("where",)),
    Family(("level",), ("level",)),
    Family(("age", "age_group"), ("age",)),
    Family((), ("rating",)),
    Family((), ("language",)),
)
_NONE = Family((), ())


@dataclass(frozen=True)
class Editor:
    """The small form behind a chip: its kind, its present values and the rest of the state."""

    kind: str
    kept: Sequence[Pair]
    low: str = ""
    high: str = ""
    on: str = ""
    weekdays: frozenset[str] = frozenset()
    place: str = ""


@dataclass(frozen=True)
class ChipView:
    """One chip: words, the address without it, other meanings, and perhaps a form."""

    label: str
    remove_url: str
    choices: Sequence[tuple[str, str]] = ()
    editor: Editor | None = None


def chips_of(result: SearchResult, filters: Filters, state: PageState) -> list[ChipView]:
    """Return what to learn, then the words that no filter replaced, then the filters."""
    query, demand, labels = result.query, result.demand, _filter_labels(filters)
    edited: set[str] = set()
    chips = []
    if result.match != "none" and result.corrected_text:
        chips.append(ChipView(_subject(result), state.without([SERVICE]).url()))
    for chip in query.chips:
        family = _family(chip.token)
        if family.names and family.names[0] in labels:
            continue
        removed = state.without([chip.token])
        choices = [(name, state.set("place", name).url()) for name in chip.choices]
        # The form asks for what is wanted; what is ruled out has no values there.
        is_ruled_out = chip.token.startswith("exclude_")
        editor = None if is_ruled_out else _editor(family, query, demand, state, edited)
        chips.append(ChipView(chip.label, removed.url(), choices, editor))
    for family in FAMILIES:
        if family.names[0] in labels:
            removed = state.drop(*family.names).without(_said(family, query))
            editor = _editor(family, query, demand, state, edited)
            chips.append(ChipView(labels[family.names[0]], removed.url(), (), editor))
    return chips


def _subject(result: SearchResult) -> str:
    """Return the service by its name when the words are that name, else the words."""
    said, service = result.corrected_text, result.service
    return service.name if service is not None and service.folded == said else said


def clear_url(query: ParsedQuery, state: PageState) -> str:
    """Return the address with only the words that name what to learn."""
    names = [name for family in FAMILIES for name in family.names]
    return state.drop(*names).without(chip.token for chip in query.chips).url()


def _family(token: str) -> Family:
    return next((family for family in FAMILIES if token in family.tokens), _NONE)


def _said(family: Family, query: ParsedQuery) -> list[str]:
    return [chip.token for chip in query.chips if chip.token in family.tokens]


def _editor(
    family: Family, query: ParsedQuery, demand: Demand, state: PageState, edited: set[str]
) -> Editor | None:
    """Return the form of a family once, on its first chip."""
    if not family.editor or family.editor in edited:
        return None
    if family.editor == "price" and demand.price_basis == "lesson":  # its form asks per hour
        return None
    edited.add(family.editor)
    rest = state.drop(*family.names, "view").without(_said(family, query))
    dates = sorted(demand.window.dates)
    return Editor(
        kind=family.editor,
        kept=rest.pairs,
        low=_dollars(demand.min_cents),
        high=_dollars(demand.max_cents),
        on=dates[0].isoformat() if len(dates) == 1 else "",
        weekdays=demand.window.weekdays or _weekdays(dates),
        place=demand.places[0] if len(demand.places) == 1 else "",
    )


def _weekdays(dates: Sequence[date]) -> frozenset[str]:
    return frozenset(WEEKDAYS[on.weekday()] for on in dates) if len(dates) > 1 else frozenset()


def _dollars(cents: int | None) -> str:
    return "" if cents is None else f"{cents / 100:g}"


def _filter_labels(filters: Filters) -> Mapping[str, str]:
    """Return the words of each family that is chosen, under its first name."""
    found = {
        "price_min": _price_label(filters),
        "place": filters.place or "",
        "on": when_label(
            [filters.on] if filters.on else [],
            [code for code in WEEKDAYS if code in filters.weekdays],
        ),
        "time": _listed(PART_CHOICES, filters.parts),
        "where": _listed(WHERE_CHOICES, filters.modalities),
        "level": dict(Level.choices).get(filters.level or "", ""),
        "age": "" if filters.age is None else f"Age {filters.age}",
        "rating": f"Rated {filters.rating_hundredths / 100:.1f} and up"
        if filters.rating_hundredths
        else "",
        "language": filters.language or "",
    }
    return {name: str(label) for name, label in found.items() if label}


def _price_label(filters: Filters) -> str:
    low, high = filters.min_cents, filters.max_cents
    if low is not None and high is not None:
        return f"{money(low)}–{money(high)}/hour"
    if high is not None:
        return f"Up to {money(high)}/hour"
    return "" if low is None else f"From {money(low)}/hour"


def _listed(choices: Sequence[tuple[str, str]], chosen: Sequence[str] | frozenset[str]) -> str:
    return " or ".join(label for value, label in choices if value in chosen)
