"""The form of a saved address."""

import re
from typing import Any

from django import forms

from catalog.interest_forms import NeighborhoodField
from instainstru.form_fields import PlainTextField

ZIP = re.compile(r"(\d{5})(?:-\d{4})?", re.ASCII)


def _input(autocomplete: str, **attributes: str) -> forms.TextInput:
    return forms.TextInput(attrs={"autocomplete": autocomplete, **attributes})


class AddressForm(forms.Form):
    """Label, street, unit, ZIP code, and the neighborhood if it is not the nearest one."""

    label = PlainTextField(
        label="Name of this address", max_length=40, help_text="Such as Home or Grandma's.",
        widget=_input("off"), error_messages={"required": "Give the address a name."},
    )  # fmt: skip
    street = PlainTextField(
        label="Street address", max_length=120, widget=_input("address-line1"),
        error_messages={"required": "Write the street address."},
    )  # fmt: skip
    unit = PlainTextField(
        label="Apartment or floor", max_length=20, required=False, widget=_input("address-line2")
    )
    zip_code = PlainTextField(
        label="ZIP code", max_length=10, widget=_input("postal-code", inputmode="numeric"),
        error_messages={"required": "Write the ZIP code."},
    )  # fmt: skip
    neighborhood = NeighborhoodField(
        required=False, help_text="Leave it open and we take the one nearest to the ZIP code."
    )

    def clean_zip_code(self) -> str:
        """Return the five digits."""
        found = ZIP.fullmatch(self.cleaned_data["zip_code"])
        if found is None:
            raise forms.ValidationError("Write a five-digit ZIP code.")
        return found[1]

    def take(self, problems: dict[str, Any]) -> None:
        """Show what the service refused at its fields."""
        for name, sentence in problems.items():
            self.add_error(name, sentence)
