"""One field for a code: of the app, or a recovery code."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.internal.flows import post_authentication
from django import forms

from accounts import second_step
from accounts.models import User
from instainstru.form_fields import PlainTextField

CODE_ATTRIBUTES = {"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false"}


class CodeForm(forms.Form):
    """A code that proves who somebody is; it is used up when it is right."""

    code = PlainTextField(
        label="Code",
        max_length=20,
        help_text="6 digits from your app, or one of your recovery codes.",
        widget=forms.TextInput(attrs=CODE_ATTRIBUTES),
        error_messages={"required": "Type the code."},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_code(self) -> str:
        """Use the code up, or mark the request as a wrong guess."""
        code: str = self.cleaned_data["code"]
        self.authenticator = second_step.accept_code(self.user, code)
        if self.authenticator is None:
            context.request.was_guess_wrong = True
            raise get_adapter().validation_error("incorrect_code")
        return code

    def save(self, *, is_again: bool = False) -> None:
        """Note in the session that the person proved who they are."""
        post_authentication(context.request, self.authenticator, reauthenticated=is_again)


class FirstCodeForm(forms.Form):
    """The first code of a new app."""

    code = PlainTextField(
        label="Code from your app",
        max_length=20,
        widget=forms.TextInput(attrs={**CODE_ATTRIBUTES, "inputmode": "numeric"}),
        error_messages={"required": "Type the code that your app shows."},
    )
