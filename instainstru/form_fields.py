"""Form fields for what people write (Spec: S17.3)."""

import unicodedata
from collections.abc import Set as AbstractSet
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from instainstru.uploads import ACCEPTED, MOST_BYTES, MOST_BYTES_TOGETHER

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


class PicturesInput(forms.FileInput):
    """A file field that takes several files."""

    allow_multiple_selected = True


class PicturesField(forms.FileField):
    """Up to ``most`` pictures; what they are is found out when they are decoded. Spec: S10.6"""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        self.most = most
        hint = (
            f"Up to {most} as JPEG, PNG or WebP, each up to 5 MB and all up to 9 MB. "
            "We remove where and when they were taken."
        )
        super().__init__(help_text=hint, widget=PicturesInput(attrs={"accept": ACCEPTED}), **kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Tell the script of file fields how much may be sent."""
        return {**super().widget_attrs(widget), "data-most-bytes": MOST_BYTES_TOGETHER}

    def clean(self, data: Any, initial: Any = None) -> "list[UploadedFile[Any]]":
        """Return the files. Raises ``ValidationError`` for too many or too large ones."""
        files: list[UploadedFile[Any]] = [file for file in data or [] if file]
        if not files and self.required:
            raise ValidationError(self.error_messages["required"], code="required")
        if len(files) > self.most:
            raise ValidationError(f"Choose at most {self.most} pictures.", code="most")
        for file in files:
            if (file.size or 0) > MOST_BYTES:
                raise ValidationError(
                    f"{file.name}: This picture is larger than 5 MB.", code="large"
                )
        if sum(file.size or 0 for file in files) > MOST_BYTES_TOGETHER:
            raise ValidationError("Together these pictures are larger than 9 MB.", code="large")
        return files
