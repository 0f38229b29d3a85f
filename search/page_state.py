"""The state of the results page: all of it is in the address (Spec: S8.5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from search.filters import filter_pairs
from search.matching import Sort
from search.text import clean_text

MAX_WITHOUT = 20
Pair = tuple[str, str]


@dataclass(frozen=True)
class PageState:
    """Names and values of the address in one order; the page number is never part of it."""

    pairs: tuple[Pair, ...]

    def first(self, name: str) -> str:
        """Return the value of a parameter, or nothing."""
        return next((value for key, value in self.pairs if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return [value for key, value in self.pairs if key == name]

    def has(self, *names: str) -> bool:
        """Tell whether one of the parameters is set."""
        return any(key in names for key, _ in self.pairs)

    def drop(self, *names: str) -> "PageState":
        """Return the state without some parameters."""
        return PageState(tuple(pair for pair in self.pairs if pair[0] not in names))

    def set(self, name: str, *values: str) -> "PageState":
        """Return the state with other values of one parameter."""
        kept = self.drop(name).pairs
        return PageState((*kept, *((name, value) for value in values)))

    def without(self, tokens: Iterable[str]) -> "PageState":
        """Return the state with the words of some chips taken away as well."""
        return self.set("without", *sorted({*self.all("without"), *tokens}))

    def url(self, *, page: int | None = None, sid: str = "") -> str:
        """Return the address of the results page in this state; pages name their search (S2.6)."""
        pairs: Sequence[Pair] = self.pairs
        if page is not None:
            pairs = (*pairs, ("page", str(page)))
        if sid:
            pairs = (*pairs, ("sid", sid))
        return f"{reverse('search:results')}?{urlencode(pairs)}"

    @property
    def sort(self) -> Sort | None:
        """The chosen order, if there is one."""
        chosen = self.first("sort")
        return Sort(chosen) if chosen in set(Sort) else None

    @property
    def is_map(self) -> bool:
        """Whether the map is chosen instead of the list."""
        return self.first("view") == "map"

    @property
    def is_verbatim(self) -> bool:
        """Whether words are searched as typed."""
        return self.first("exact") == "1"


def read_state(query: QueryDict) -> PageState:
    """Read an address; what is unknown is ignored. Spec: S8.5."""
    pairs: list[Pair] = [("q", clean_text(query.get("q", "")))]
    tokens = sorted({clean_text(token)[:40] for token in query.getlist("without")[:MAX_WITHOUT]})
    pairs += [("without", token) for token in tokens if token]
    if query.get("exact") == "1":
        pairs.append(("exact", "1"))
    pairs += filter_pairs(query)
    chosen = query.get("sort", "")
    if chosen in set(Sort):
        pairs.append(("sort", chosen))
    if query.get("view") == "map":
        pairs.append(("view", "map"))
    return PageState(tuple(pairs))
