"""What a query means, as plain values."""

from dataclasses import dataclass, field
from datetime import date
from typing import Literal, NotRequired, TypedDict

HOUR = 60


class Exclusions(TypedDict):
    """What is ruled out; a single place is a string, several are a list."""

    location: NotRequired[str | list[str]]
    modality: NotRequired[str]
    weekdays: NotRequired[list[str]]


class Constraints(TypedDict):
    """The constraint keys of S8.1; only those understood are present."""

    max_price: NotRequired[int | float]
    min_price: NotRequired[int | float]
    price_pref: NotRequired[str]
    location: NotRequired[str | list[str]]
    modality: NotRequired[str]
    date_expr: NotRequired[list[str]]
    time_after: NotRequired[str]
    time_before: NotRequired[str]
    age: NotRequired[int | float]
    age_group: NotRequired[str]
    level: NotRequired[str]
    duration_minutes: NotRequired[int]
    exclude: NotRequired[Exclusions]


@dataclass(frozen=True, slots=True)
class Chip:
    """One removable understanding; `token` goes into `without=` to leave it out.

    `choices` are the other meanings of an ambiguous place, by canonical name.
    """

    token: str
    label: str
    value: object
    start: int
    end: int
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A query understood: what it demands and the words left for retrieval.

    `dates` are local dates, `weekdays` codes `mon`…`sun`; a lesson fits when its date is in
    `dates` or its weekday in `weekdays` (both empty: any day). `price_basis` says which price a
    limit is compared with; one per hour was said for `price_minutes`, such as 30 in "$30 per half
    hour". Prices are dollars as said, times `HH:MM` in `zone`.

    Spec: S8.1
    """

    text: str
    constraints: Constraints
    dates: tuple[date, ...] = ()
    weekdays: tuple[str, ...] = ()
    price_basis: Literal["hour", "lesson"] = "hour"
    price_minutes: int = HOUR
    chips: tuple[Chip, ...] = ()
    residual: str = ""
    residual_core: str = ""
    ignored: tuple[str, ...] = ()
    help_intent: str | None = None
    is_near_me: bool = False
    landmark: str | None = None
    removed: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_about_home(self) -> bool:
        """True for "near me" and landmarks: no location, but distance from home counts."""
        return self.is_near_me or self.landmark is not None

    def without(self, chip: Chip) -> tuple[str, ...]:
        """Return the values of the `without` parameter for this query with one chip less."""
        return tuple(sorted(self.removed | {chip.token}))
