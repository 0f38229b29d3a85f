"""Forms of the settings: who somebody is to us, and what they want to be told."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms

from accounts.learners import FIRST_BIRTH_YEAR
from accounts.models import NotificationChoice
from accounts.profile import parsed_phone
from accounts.zones import named_zone
from instainstru.errors import ValidationFailedError
from instainstru.form_fields import PlainTextField
from privacy.consents import MARKETING_WORDS

AREAS = (
    "Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian",
    "Pacific",
)  # fmt: skip
US_ZONES = (
    ("America/New_York", "Eastern: New York"),
    ("America/Chicago", "Central: Chicago"),
    ("America/Denver", "Mountain: Denver"),
    ("America/Phoenix", "Arizona: Phoenix"),
    ("America/Los_Angeles", "Pacific: Los Angeles"),
    ("America/Anchorage", "Alaska: Anchorage"),
    ("Pacific/Honolulu", "Hawaii: Honolulu"),
)
THEMES = (("", "Like my device"), ("light", "Light"), ("dark", "Dark"))


@cache
def zone_choices() -> list[Any]:
    """Return the zones to choose from: none, those of the United States, then by continent."""
    groups: dict[str, list[tuple[str, str]]] = {area: [] for area in AREAS}
    for name in sorted(available_timezones()):
        area, _, place = name.partition("/")
        if place and area in groups:
            groups[area].append((name, place.replace("_", " ").replace("/", ": ")))
    return [("", "The zone of my device"), ("United States", US_ZONES), *groups.items()]


def text_input(autocomplete: str) -> forms.TextInput:
    """Return an input that browsers know how to fill in."""
    return forms.TextInput(attrs={"autocomplete": autocomplete})


class ThemeField(forms.ChoiceField):
    """One of the three; nothing is a choice, too."""

    def validate(self, value: Any) -> None:
        """Raise ``ValidationError`` for a fourth."""
        if value:
            super().validate(value)


class SettingsForm(forms.Form):
    """Name, phone, zone and theme."""

    first_name = PlainTextField(
        label="First name", max_length=60, widget=text_input("given-name"),
        help_text="What instructors call you.",
        error_messages={"required": "Enter your first name."},
    )  # fmt: skip
    last_name = PlainTextField(
        label="Last name", max_length=60, widget=text_input("family-name"), required=False,
        help_text="Other people see only its first letter.",
    )  # fmt: skip
    phone = PlainTextField(
        label="Phone", max_length=40, required=False,
        help_text="With country code if it isn't American. Your instructor sees it after booking.",
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel"}),
    )  # fmt: skip
    zone = forms.CharField(
        label="Time zone", max_length=64, required=False,
        help_text="For online lessons. Lessons in person are always shown in New York time.",
        widget=forms.Select(),
    )  # fmt: skip
    theme = ThemeField(
        label="Colors", choices=THEMES, widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of the three."},
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["zone"].widget.choices = zone_choices()

    def clean_phone(self) -> str:
        """Return the number as E.164."""
        text: str = self.cleaned_data["phone"]
        try:
            return parsed_phone(text) if text else ""
        except ValidationFailedError as error:
            raise forms.ValidationError(error.message) from error

    def clean_zone(self) -> str:
        """Refuse what is no zone."""
        name: str = self.cleaned_data["zone"]
        if name and named_zone(name) is None:
            raise forms.ValidationError("Choose a time zone from the list.")
        return name


TextKind = NotificationChoice.TextKind
OFFERED = {kind: kind.label for kind in NotificationChoice.Kind}


class NotificationsForm(forms.Form):
    """Which kinds of mail and, where somebody gets texts at all, of texts."""

    marketing = forms.BooleanField(label=MARKETING_WORDS, required=False)

    def __init__(self, *args: Any, has_texts: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.of_mail = {kind.value: kind.value for kind in OFFERED}
        self.of_texts = {f"text_{kind}": kind.value for kind in TextKind} if has_texts else {}
        for kind, words in OFFERED.items():
            self.fields[kind.value] = forms.BooleanField(label=words, required=False)
        for name, kind_name in self.of_texts.items():
            label = TextKind(kind_name).label
            self.fields[name] = forms.BooleanField(label=label, required=False)

    @property
    def mail(self) -> dict[str, bool]:
        """What was chosen for each kind of mail."""
        return {kind: self.cleaned_data[name] for name, kind in self.of_mail.items()}

    @property
    def texts(self) -> dict[str, bool]:
        """What was chosen for each kind of text; nothing where texts are not set up."""
        return {kind: self.cleaned_data[name] for name, kind in self.of_texts.items()}

    @property
    def mail_fields(self) -> list[forms.BoundField]:
        """The fields of the kinds of mail."""
        return [self[name] for name in self.of_mail]

    @property
    def text_fields(self) -> list[forms.BoundField]:
        """The fields of the kinds of text."""
        return [self[name] for name in self.of_texts]


class LearnerForm(forms.Form):
    """Somebody who learns."""

    name = PlainTextField(
        label="Name", max_length=60, widget=text_input("off"),
        help_text="Instructors see it once you booked.",
        error_messages={"required": "Enter a name."},
    )  # fmt: skip
    birth_year = forms.IntegerField(
        label="Birth year",
        help_text="So that a lesson fits the age.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": "Enter the birth year."},
    )
    level_notes = PlainTextField(
        has_lines=True, label="What an instructor should know", max_length=500, required=False,
        help_text="Level, goals, needs. Up to 500 characters.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )  # fmt: skip

    def __init__(self, *args: Any, this_year: int, is_self: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.this_year = this_year
        self.fields["birth_year"].required = not is_self
        words = f"Enter a year from {FIRST_BIRTH_YEAR} to {this_year}."
        self.fields["birth_year"].error_messages["invalid"] = words

    def clean_birth_year(self) -> int | None:
        """Refuse years in which nobody alive was born."""
        year: int | None = self.cleaned_data["birth_year"]
        if year is not None and not FIRST_BIRTH_YEAR <= year <= self.this_year:
            raise forms.ValidationError(self.fields["birth_year"].error_messages["invalid"])
        return year
