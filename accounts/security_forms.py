"""Forms of people who are signed in: who they are once more, a new password."""

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from django import forms

from accounts.entrance_forms import label_new_password, label_plainly


class AskAgainForm(allauth_forms.ReauthenticateForm):  # type: ignore[misc]
    """The password, asked for again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label_plainly(self.fields["password"], label="Password")


class ChangePasswordForm(allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    """The old password and a new one, typed once; the field can show it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        label_plainly(self.fields["oldpassword"], label="Current password")
        label_new_password(self.fields["password1"], label="New password")

    def clean_oldpassword(self) -> str:
        """Refuse a wrong one; it counts like a failed sign-in (Spec: S17.2)."""
        password: str = self.cleaned_data["oldpassword"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("enter_current_password")
        return password


class NewEmailForm(forms.Form):
    """The address that the account should get."""

    email = forms.EmailField(
        label="New email",
        max_length=254,
        help_text="We send a link there. Nothing changes before you open it.",
        widget=forms.EmailInput(attrs={"autocomplete": "email", "inputmode": "email"}),
        error_messages={
            "required": "Enter your new email.",
            "invalid": "Enter an email such as name@example.com.",
        },
    )
