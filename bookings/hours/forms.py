"""Parses what people send about their hours; feeds the services."""

from datetime import date, datetime
from typing import Any

from django import forms

from bookings.availability.weeks import CopyMode, monday_of
from bookings.hours.services import LABEL_MAX, MOST_WEEKS
from bookings.hours.typed import parse_minute
from instainstru.form_fields import PlainTextField

_DATE = {"type": "date"}


def parse_week(text: str) -> date | None:
    """Return the Monday of the week of a date such as ``2026-03-05``; None for anything else."""
    try:
        on = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None
    return monday_of(on) if 2020 <= on.year <= 2100 else None  # noqa: PLR2004 - sane years


class CopyForm(forms.Form):
    """How many weeks get the hours of a week, and what happens to theirs (Spec: S15.4)."""

    weeks = forms.IntegerField(
        label="Copy to the next",
        min_value=1,
        max_value=MOST_WEEKS,
        initial=4,
        help_text=f"Weeks, from 1 to {MOST_WEEKS}.",
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value"),
            f"Choose from 1 to {MOST_WEEKS} weeks.",
        ),
    )
    mode = forms.ChoiceField(
        label="Hours those weeks have already",
        choices=[
            (CopyMode.OVERWRITE.value, "Replace them"),
            (CopyMode.MERGE.value, "Keep them and add these"),
        ],
        initial=CopyMode.OVERWRITE.value,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what happens to those hours."},
    )


class MinuteField(forms.CharField):
    """A time of the day, as minutes from midnight."""

    widget = forms.TimeInput(attrs={"type": "time", "step": "900"})

    def clean(self, value: Any) -> Any:
        """Return the minutes, None when empty; raises ``ValidationError`` for anything else."""
        text = super().clean(value)
        if not text:
            return None
        minute = parse_minute(text)
        if minute is None:
            raise forms.ValidationError("Enter a time such as 10:00 AM.")
        return minute


class TimeOffForm(forms.Form):
    """A range of dates to close, perhaps only some hours of each (Spec: S15.5)."""

    first_on = forms.DateField(
        label="First day",
        widget=forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
        error_messages={"required": "Enter the first day.", "invalid": "Enter a date."},
    )
    last_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs=_DATE, format="%Y-%m-%d"),
        help_text="Empty means one day.",
        error_messages={"invalid": "Enter a date."},
    )
    start = MinuteField(label="From", required=False, help_text="Empty means the whole day.")
    end = MinuteField(label="Until", required=False)
    label = PlainTextField(
        label="What for",
        required=False,
        max_length=LABEL_MAX,
        help_text="Students never see it.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    def clean(self) -> dict[str, Any]:
        """Complete the range; both hours or none."""
        data = super().clean() or {}
        if data.get("first_on") and not data.get("last_on") and "last_on" not in self.errors:
            data["last_on"] = data["first_on"]
        for name in ("first_on", "last_on"):
            on = data.get(name)
            if on is not None and not 2020 <= on.year <= 2100:  # noqa: PLR2004 - sane years
                self.add_error(name, "Enter a date of this century.")
        missing = [name for name in ("start", "end") if data.get(name) is None]
        if len(missing) == 1 and missing[0] not in self.errors:
            self.add_error(missing[0], "Enter both times, or none.")
        return data

    @property
    def window(self) -> tuple[int, int] | None:
        """The hours of a valid form; midnight as an end is the end of the day."""
        start, end = self.cleaned_data["start"], self.cleaned_data["end"]
        return None if start is None else (start, end or 24 * 60)
