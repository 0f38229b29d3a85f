"""Form fields for what people write (Spec: S17.3)."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

LINE_CHARACTERS = frozenset("\n\r\t")


class PlainTextField(forms.CharField):
    """Text without control characters; line breaks and tabs only with ``has_lines``.

    A line break in a name would reach the headers of a mail.
    """

    def __init__(self, *args: Any, has_lines: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.allowed = LINE_CHARACTERS if has_lines else frozenset()

    def validate(self, value: Any) -> None:
        """Raise ``ValidationError`` for a character that nobody can see."""
        super().validate(value)
        controls = (char for char in value or "" if unicodedata.category(char) == "Cc")
        if any(char not in self.allowed for char in controls):
            raise ValidationError("Remove the characters that can't be shown.", code="control")
