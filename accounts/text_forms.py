"""Forms about text messages (Spec: S13.6)."""

from django import forms

from accounts.profile import parsed_phone
from accounts.texts import DIGITS
from instainstru.errors import ValidationFailedError
from instainstru.form_fields import PlainTextField
from privacy.consents import SMS_WORDS


class AgreeForm(forms.Form):
    """The number, and the box that nobody has ticked yet."""

    phone = PlainTextField(
        label="Phone", max_length=40,
        help_text="The phone of your account. Your instructor sees it after booking.",
        error_messages={"required": "Enter your phone number."},
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel"}),
    )  # fmt: skip
    agrees = forms.BooleanField(
        label=SMS_WORDS, error_messages={"required": "Tick the box if you want text messages."}
    )

    def clean_phone(self) -> str:
        """Return the number as E.164."""
        try:
            return parsed_phone(self.cleaned_data["phone"])
        except ValidationFailedError as error:
            raise forms.ValidationError(error.message) from error


class CodeForm(forms.Form):
    """The code that arrived."""

    code = PlainTextField(
        label="Code", max_length=12, help_text=f"{DIGITS} digits, good for 10 minutes.",
        error_messages={"required": "Enter the code from the text message."},
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )  # fmt: skip

    def clean_code(self) -> str:
        """Return the digits alone."""
        return "".join(char for char in self.cleaned_data["code"] if not char.isspace())
