"""Parses an instructor's booking rules (Spec: S15.7)."""

from decimal import Decimal
from typing import Any

from django import forms

from bookings.availability.selectors import Limits
from bookings.hours.rules_services import (
    ADVANCE_MAX_DAYS,
    BUFFER_MAX,
    LESSONS_MAX,
    NOTICE_MAX_MINUTES,
    STEPS,
)

ZONES = (
    "America/New_York", "America/Chicago", "America/Denver", "America/Phoenix",
    "America/Los_Angeles", "America/Anchorage", "Pacific/Honolulu", "America/Puerto_Rico",
    "America/Toronto", "America/Vancouver", "America/Mexico_City", "America/Bogota",
    "America/Sao_Paulo", "America/Argentina/Buenos_Aires", "Europe/London", "Europe/Lisbon",
    "Europe/Madrid", "Europe/Paris", "Europe/Berlin", "Europe/Rome", "Europe/Athens",
    "Europe/Kyiv", "Africa/Lagos", "Africa/Cairo", "Africa/Johannesburg", "Asia/Jerusalem",
    "Asia/Dubai", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Bangkok", "Asia/Shanghai",
    "Asia/Tokyo", "Asia/Seoul", "Australia/Sydney", "Pacific/Auckland",
)  # fmt: skip
_HOUR = 60


def _number(label: str, least: int, most: int, **how: Any) -> forms.IntegerField:
    text = f"Use a number from {least} to {most}."
    names = ("required", "invalid", "min_value", "max_value")
    return forms.IntegerField(
        label=label,
        min_value=least,
        max_value=most,
        error_messages=dict.fromkeys(names, text),
        **how,
    )


class RulesForm(forms.Form):
    """The rules of a calendar; hours where people think in hours."""

    slot_step_minutes = forms.TypedChoiceField(
        label="Lessons begin every",
        coerce=int,
        choices=[(step, f"{step} minutes" if step < _HOUR else "hour") for step in STEPS],
        error_messages={"invalid_choice": "Choose 15, 30 or 60 minutes."},
    )
    buffer_before_minutes = _number("Free minutes before a lesson", 0, BUFFER_MAX)
    buffer_after_minutes = _number("Free minutes after a lesson", 0, BUFFER_MAX)
    notice_hours = forms.DecimalField(
        label="Notice you need, in hours",
        min_value=0,
        max_value=NOTICE_MAX_MINUTES // _HOUR,
        decimal_places=2,
        help_text="From 0 to 336, which is 14 days.",
        error_messages=dict.fromkeys(
            ("required", "invalid", "min_value", "max_value", "max_decimal_places"),
            "Use a number of hours from 0 to 336.",
        ),
    )
    max_advance_days = _number("How many days ahead people book", 1, ADVANCE_MAX_DAYS)
    max_lessons_per_day = _number(
        "Most lessons a day", 1, LESSONS_MAX, required=False, help_text="Empty means no limit."
    )
    most_hours_a_week = _number(
        "Most hours a week", 1, 168, required=False, help_text="Empty means no limit."
    )

    @property
    def limits(self) -> Limits:
        """The rules of a valid form."""
        data = dict(self.cleaned_data)
        hours = data.pop("most_hours_a_week")
        notice = int(data.pop("notice_hours") * _HOUR)
        return Limits(
            **data,
            min_notice_minutes=notice,
            max_minutes_per_week=None if hours is None else hours * _HOUR,
        )


def initial_of(rules: Limits) -> dict[str, Any]:
    """Return what the form shows of the rules as they are."""
    values = rules._asdict()
    notice, week = values.pop("min_notice_minutes"), values.pop("max_minutes_per_week")
    hours = (Decimal(notice) / _HOUR).quantize(Decimal("0.01")).normalize()
    return values | {
        "notice_hours": f"{hours:f}",
        "most_hours_a_week": None if week is None else week // _HOUR,
    }


class ZoneForm(forms.Form):
    """The zone on whose clocks hours are read (Spec: D13)."""

    zone = forms.ChoiceField(
        label="Time zone",
        help_text="New York, unless you teach online only from elsewhere.",
        error_messages={"invalid_choice": "Choose one of the time zones."},
    )

    def __init__(self, *args: Any, current: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = dict.fromkeys((*ZONES, current))
        self.fields["zone"].choices = [  # type: ignore[attr-defined]
            (name, name.replace("_", " ").replace("/", " / ")) for name in names
        ]
