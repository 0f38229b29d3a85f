"""Form fields for what people write (Spec: S17.3)."""

import unicodedata
from collections.abc import Set as AbstractSet
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

LINE_CHARACTERS = frozenset("\n\r\t")


def has_control_character(text: str, *, allowed: AbstractSet[str] = frozenset()) -> bool:
    """Tell whether a text holds a control character that is not one of the allowed."""
    controls = (char for char in text if unicodedata.category(char) == "Cc")
    return any(char not in allowed for char in controls)


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
        if has_control_character(value or "", allowed=self.allowed):
            raise ValidationError("Remove the characters that can't be shown.", code="control")
