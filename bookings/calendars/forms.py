"""Parses what people send about their calendars; feeds the services."""

from django import forms

from bookings.calendars.services import NAME_MAX
from instainstru.form_fields import PlainTextField


class ConnectForm(forms.Form):
    """A calendar and its secret address (Spec: S15.9)."""

    name = PlainTextField(
        label="Name",
        max_length=NAME_MAX,
        help_text="Only you see it, such as “Family” or “Work”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Give the calendar a name."},
    )
    address = PlainTextField(
        label="Private address of the calendar",
        max_length=2000,
        help_text="It begins with https:// and mostly ends with .ics. Whoever has it can read the calendar; we keep it encrypted.",  # noqa: E501
        widget=forms.TextInput(
            attrs={
                "inputmode": "url",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
        error_messages={"required": "Paste the address."},
    )
