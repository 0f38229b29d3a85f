"""Forms about what people would like."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.db.models import QuerySet
from django.forms.models import ModelChoiceIterator

from catalog.models import Category, LearningPreferences, Neighborhood

EMAIL_ERRORS = {
    "required": "Enter your email.",
    "invalid": "Enter an email such as name@example.com.",
}


class _ByBorough(ModelChoiceIterator):  # type: ignore[type-arg]
    """Neighborhoods under the names of their boroughs."""

    def __iter__(self) -> Iterator[Any]:
        yield ("", self.field.empty_label)
        rows = self.queryset.order_by("borough", "name")
        for borough, group in groupby(rows, key=lambda row: row.borough):
            yield borough, [self.choice(row) for row in group]


class SlugChoiceField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """One row by its slug."""

    def __init__(self, queryset: QuerySet[Any], **options: Any) -> None:
        super().__init__(queryset, to_field_name="slug", **options)

    def to_python(self, value: Any) -> Any:
        """Return the row; text that PostgreSQL cannot hold is no choice."""
        if isinstance(value, str) and "\x00" in value:
            raise forms.ValidationError(self.error_messages["invalid_choice"])
        return super().to_python(value)


class NeighborhoodField(SlugChoiceField):
    """One neighborhood, under the name of its borough."""

    iterator = _ByBorough

    def __init__(self, **options: Any) -> None:
        messages = {
            "required": "Choose a neighborhood.",
            "invalid_choice": "Choose a neighborhood from the list.",
        }
        super().__init__(
            Neighborhood.objects.all(),
            label=options.pop("label", "Neighborhood"),
            empty_label="Choose one",
            error_messages=messages,
            **options,
        )


def email_field(**options: Any) -> forms.EmailField:
    """Return the e-mail field that all these forms share."""
    widget = forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"})
    return forms.EmailField(
        label="Email", max_length=254, widget=widget, error_messages=EMAIL_ERRORS, **options
    )


class WaitlistForm(forms.Form):
    """Where somebody would like to learn."""

    email = email_field()
    neighborhood = NeighborhoodField()


class AlertForm(forms.Form):
    """Whom to write to."""

    email = email_field()


class SuggestionForm(forms.Form):
    """A service that is missing."""

    name = forms.CharField(
        label="What would you like to learn?",
        min_length=2,
        max_length=80,
        validators=[RegexValidator(r"[^\W\d_]", "Use at least one letter.")],
        error_messages={
            "required": "Say what you would like to learn.",
            "min_length": "Use at least 2 characters.",
            "max_length": "Use at most 80 characters.",
        },
    )
    note = forms.CharField(
        label="Anything we should know",
        help_text="Level, age, style. Up to 300 characters.",
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"max_length": "Use at most 300 characters."},
    )


class PreferencesForm(forms.Form):
    """Three questions for a new user, each may stay open."""

    category = SlugChoiceField(
        Category.objects.order_by("position"),
        label="What do you want to learn?",
        required=False,
        empty_label="Anything",
    )
    learners = forms.ChoiceField(
        label="Who is it for?",
        choices=LearningPreferences.Learners.choices,
        required=False,
        widget=forms.RadioSelect,
    )
    neighborhood = NeighborhoodField(label="Where in New York?", required=False)
