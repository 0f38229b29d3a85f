"""The filters of the results page: one GET form, read into plain values (Spec: S8.5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict

from catalog.models import Level, Modality
from instainstru import clock
from search.gazetteer import Gazetteer, key_of
from search.windows import WEEKDAYS, Hours

MOST_DAYS_AHEAD = 365
MOST_DOLLARS = 10_000
OLDEST = 120
NOON, EVENING = time(12), time(17)

Choices = Sequence[tuple[str, str]]
DAY_CHOICES = [
    ("mon", "Mon"), ("tue", "Tue"), ("wed", "Wed"), ("thu", "Thu"),
    ("fri", "Fri"), ("sat", "Sat"), ("sun", "Sun"),
]  # fmt: skip
PART_CHOICES = [
    ("morning", "Morning"),
    ("afternoon", "Afternoon"),
    ("evening", "Evening"),
]
PARTS: Mapping[str, Hours] = {
    "morning": (None, NOON),
    "afternoon": (NOON, EVENING),
    "evening": (EVENING, None),
}
WHERE_CHOICES = [
    (Modality.AT_STUDENT.value, "My home"),
    (Modality.AT_INSTRUCTOR.value, "Theirs"),
    (Modality.PUBLIC.value, "Public place"),
    (Modality.ONLINE.value, "Online"),
]
LEVEL_CHOICES = [("", "Any"), *((level.value, str(level.label)) for level in Level)]
RATING_CHOICES = [("", "Any"), ("4.8", "4.8 and up"), ("4.5", "4.5 and up"), ("4", "4.0 and up")]
LANGUAGE_LENGTH = 40


@dataclass(frozen=True)
class Filters:
    """What somebody chose in the panel; empty leaves the words of the query alone.

    Prices are cents an hour. ``on`` is a New York date, ``weekdays`` are codes ``mon``…``sun``,
    ``rating_hundredths`` is the lowest average in hundredths of a star.
    """

    min_cents: int | None = None
    max_cents: int | None = None
    on: date | None = None
    weekdays: frozenset[str] = frozenset()
    parts: tuple[str, ...] = ()
    modalities: frozenset[str] = frozenset()
    place: str | None = None
    level: str | None = None
    age: int | None = None
    language: str | None = None
    rating_hundredths: int = 0

    @property
    def has_price(self) -> bool:
        """Whether a price is chosen."""
        return self.min_cents is not None or self.max_cents is not None

    @property
    def hours(self) -> tuple[Hours, ...]:
        """The parts of the day as spans; neighbours become one, the whole day none."""
        spans: list[Hours] = []
        for part in self.parts:
            after, before = PARTS[part]
            if spans and spans[-1][1] == after:
                spans[-1] = (spans[-1][0], before)
            else:
                spans.append((after, before))
        return () if spans == [(None, None)] else tuple(spans)


class ToggleField(forms.MultipleChoiceField):
    """Several of a few; values that are not offered are ignored (Spec: S8.5)."""

    widget = forms.CheckboxSelectMultiple

    def to_python(self, value: Any) -> list[str]:
        """Keep the known values, in the order of the choices."""
        known = [str(choice) for choice, _ in self.choices]  # type: ignore[union-attr, misc]
        given = set(super().to_python(value))
        return [choice for choice in known if choice in given]


class OneOfField(forms.ChoiceField):
    """One of a few; a value that is not offered is ignored (Spec: S8.5)."""

    def to_python(self, value: Any) -> str:
        """Return a known value or nothing."""
        known = {str(choice) for choice, _ in self.choices}  # type: ignore[union-attr, misc]
        return str(value) if str(value) in known else ""


def _dollars(label: str) -> forms.DecimalField:
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=Decimal(0),
        max_value=Decimal(MOST_DOLLARS),
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "maxlength": 8}),
        error_messages={
            "invalid": f"{label} must be a number of dollars, such as 60.",
            "min_value": f"{label} can't be below 0.",
            "max_value": f"{label} can't be over {MOST_DOLLARS:,} dollars.",
            "max_decimal_places": f"{label} has at most two decimals.",
        },
    )


class FiltersForm(forms.Form):
    """The panel; every field is optional and named as in the address."""

    price_min = _dollars("Lowest price")
    price_max = _dollars("Highest price")
    on = forms.DateField(
        label="Date",
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Write the date as year-month-day, such as 2026-03-07."},
    )
    day = ToggleField(label="Days", choices=DAY_CHOICES, required=False)
    time = ToggleField(label="Time of day", choices=PART_CHOICES, required=False)
    where = ToggleField(label="Where", choices=WHERE_CHOICES, required=False)
    place = forms.CharField(label="Neighborhood or borough", required=False, max_length=80)
    level = OneOfField(label="Level", choices=LEVEL_CHOICES, required=False)
    age = forms.IntegerField(
        label="Age of the learner",
        required=False,
        min_value=0,
        max_value=OLDEST,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "maxlength": 3}),
        error_messages={
            "invalid": "The age must be a whole number, such as 9.",
            "min_value": "The age can't be below 0.",
            "max_value": f"The age can't be over {OLDEST}.",
        },
    )
    rating = OneOfField(label="Rating", choices=RATING_CHOICES, required=False)
    language = forms.CharField(required=False, max_length=LANGUAGE_LENGTH)

    def __init__(self, data: Mapping[str, Any], *, gazetteer: Gazetteer) -> None:
        super().__init__(data, auto_id="filter-%s")
        self.gazetteer = gazetteer

    def clean_on(self) -> date | None:
        """Refuse days that are over or too far away."""
        on: date | None = self.cleaned_data["on"]
        today = clock.now().astimezone(clock.NEW_YORK).date()
        if on is not None and on < today:
            raise forms.ValidationError("That date is over. Choose today or later.")
        if on is not None and on > today + timedelta(days=MOST_DAYS_AHEAD):
            raise forms.ValidationError("That date is more than a year away.")
        return on

    def clean_place(self) -> str:
        """Return the place by its own name; aliases such as UWS count."""
        said = self.cleaned_data["place"]
        found = self.gazetteer.by_name.get(said) or self.gazetteer.find(key_of(said).split())
        if said and found is None:
            raise forms.ValidationError(
                f"We don't know “{said}”. Try a neighborhood or a borough of New York."
            )
        return found.name if found else ""

    def clean(self) -> dict[str, Any]:
        """Refuse a price range that holds nothing."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        low, high = cleaned.get("price_min"), cleaned.get("price_max")
        if low is not None and high is not None and low > high:
            self.add_error("price_max", "The highest price is below the lowest.")
        return cleaned

    def filters(self) -> Filters:
        """Return the values; nothing at all when one of them is wrong (Spec: S8.5)."""
        if not self.is_valid():
            return Filters()
        given = self.cleaned_data
        return Filters(
            min_cents=_cents(given["price_min"]),
            max_cents=_cents(given["price_max"]),
            on=given["on"],
            weekdays=frozenset(given["day"]),
            parts=tuple(given["time"]),
            modalities=frozenset(given["where"]),
            place=given["place"] or None,
            level=given["level"] or None,
            age=given["age"],
            language=given["language"] or None,
            rating_hundredths=int(Decimal(given["rating"] or 0) * 100),
        )


def _cents(dollars: Decimal | None) -> int | None:
    return None if dollars is None else int(dollars * 100)


FILTER_NAMES = tuple(FiltersForm.base_fields)


def filter_pairs(query: QueryDict) -> tuple[tuple[str, str], ...]:
    """Return the filters of an address as they stand there, without empty ones."""
    return tuple(
        (name, value)
        for name in FILTER_NAMES
        for value in list(dict.fromkeys(query.getlist(name)))[: len(WEEKDAYS)]
        if value.strip()
    )
