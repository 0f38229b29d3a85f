"""Parses what somebody writes or reports (Spec: S11.4)."""

import hashlib
from typing import Any

from django import forms

from bookings.messages.models import KEY_LENGTH, LONGEST, MessageReport
from bookings.messages.services import SHORTEST_REPORT
from instainstru.form_fields import PlainTextField
from instainstru.identifiers import public_id


class WordsField(PlainTextField):
    """Lines of text in which a line break counts once, as browsers count it."""

    def to_python(self, value: Any) -> str:
        """Return the text with plain line breaks."""
        text = value.replace("\r\n", "\n") if isinstance(value, str) else value
        return str(super().to_python(text))


class MessageForm(forms.Form):
    """A message, with a key that lets it be sent once however often the form is."""

    text = WordsField(
        label="Message",
        has_lines=True,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={
            "required": "Write something first.",
            "max_length": f"Use at most {LONGEST:,} characters.",
        },
    )
    key = forms.SlugField(
        max_length=KEY_LENGTH, required=False, initial=public_id, widget=forms.HiddenInput
    )

    def clean(self) -> dict[str, Any]:
        """Bind the key to the words: who goes back and writes others sends another message (R14).

        A form that came without a key gets one.
        """
        found = super().clean() or self.cleaned_data
        said = f"{found.get('key') or public_id()}\n{found.get('text', '')}"
        return {**found, "key": hashlib.sha256(said.encode()).hexdigest()[:KEY_LENGTH]}


class MessageReportForm(forms.Form):
    """What is wrong with a message."""

    kind = forms.ChoiceField(
        label="What is wrong?",
        choices=MessageReport.Kind.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what is wrong."},
    )
    text = WordsField(
        label="What should we know?",
        has_lines=True,
        help_text=f"In {SHORTEST_REPORT} to {LONGEST:,} characters. Only our team reads it.",
        min_length=SHORTEST_REPORT,
        max_length=LONGEST,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={
            "required": "Say what is wrong.",
            "min_length": f"Use at least {SHORTEST_REPORT} characters.",
            "max_length": f"Use at most {LONGEST:,} characters.",
        },
    )
