"""Parses and checks what a student says about a lesson (Spec: S11.3)."""

from typing import Any

from django import forms

from bookings.reviews.models import NOTE_LENGTH, TEXT_LENGTH
from bookings.reviews.services import ReviewContent

WORDS = [(5, "5 Excellent"), (4, "4 Good"), (3, "3 Fair"), (2, "2 Weak"), (1, "1 Poor")]
LOW = 3
PARTS = ("clarity", "punctuality", "preparation")


def _part(label: str) -> forms.TypedChoiceField:
    return forms.TypedChoiceField(
        label=label,
        choices=[("", "No answer"), *WORDS],
        coerce=int,
        empty_value=None,
        required=False,
        widget=forms.Select(attrs={"class": "input"}),
    )


class ReviewForm(forms.Form):
    """Stars, words, and a note that only staff reads."""

    overall = forms.TypedChoiceField(
        label="How was the lesson?",
        choices=WORDS,
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the lesson was."},
    )
    clarity = _part("Clarity of the teaching")
    punctuality = _part("Punctuality")
    preparation = _part("Preparation")
    text = forms.CharField(
        label="Your review",
        required=False,
        max_length=TEXT_LENGTH[1],
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text="From 20 to 1,500 characters. With 4 or 5 stars you may leave it empty. "
        "Everybody can read it; please don't name the learner.",
    )
    staff_note = forms.CharField(
        label="Note for our team",
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Only our team sees this.",
    )

    def clean(self) -> dict[str, Any]:
        """Ask for words where they are needed; refuse a few letters that say nothing."""
        data = super().clean() or self.cleaned_data
        text, overall = data.get("text"), data.get("overall")
        if text and len(text) < TEXT_LENGTH[0]:
            self.add_error("text", f"Write at least {TEXT_LENGTH[0]} characters, or nothing.")
        if text == "" and overall is not None and overall <= LOW:
            self.add_error(
                "text", f"Please say what was missing, in at least {TEXT_LENGTH[0]} characters."
            )
        return data

    @property
    def content(self) -> ReviewContent:
        """What was said, once the form is valid."""
        return ReviewContent(**{name: self.cleaned_data[name] for name in self.fields})
