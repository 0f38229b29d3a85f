"""allauth's forms in our words: visible labels, no placeholders, one password field."""

from typing import Any

from allauth.account import forms as allauth_forms
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.forms import Field
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.password_rules import MAX_LENGTH, OwnWordsValidator

PASSWORD_HINT = "At least 10 characters. A few unrelated words work well."  # noqa: S105 - a hint


def label_plainly(field: Field, *, label: str, help_text: str = "", **attributes: str) -> None:
    """Give a field of allauth our label and hint, and no placeholder."""
    field.label, field.help_text = label, help_text
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs.update(attributes)


def label_new_password(field: Field, *, label: str) -> None:
    """Label a field for a new password and say what makes a good one."""
    label_plainly(field, label=label, help_text=PASSWORD_HINT, maxlength=str(MAX_LENGTH))


class SignInForm(allauth_forms.LoginForm):  # type: ignore[misc]
    """E-mail and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label_plainly(self.fields["login"], label="Email")
        label_plainly(self.fields["password"], label="Password")


class SignUpForm(allauth_forms.SignupForm):  # type: ignore[misc]
    """A new account; a known address gets the same answer in the same time (Spec: S17.2)."""

    field_order = ("email", "first_name", "last_name", "password1", "terms", "marketing")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label_plainly(
            self.fields["email"], label="Email", help_text="We'll send a code to this address."
        )
        label_new_password(self.fields["password1"], label="Password")

    def clean(self) -> dict[str, Any]:
        """Refuse passwords made of the person's own name; allauth only knows the address."""
        cleaned: dict[str, Any] = super().clean()
        names = {key: cleaned.get(key, "") for key in ("first_name", "last_name")}
        if "password1" in cleaned:
            try:
                OwnWordsValidator().validate(cleaned["password1"], User(**names))
            except ValidationError as error:
                self.add_error("password1", error)
        return cleaned

    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Save the account, or tell the owner of a known address by mail only."""
        if self.account_already_exists:
            make_password(self.cleaned_data["password1"])  # costs what a new account costs
        result: tuple[User | None, HttpResponse | None] = super().try_save(request)
        return result


class VerificationCodeForm(allauth_forms.ConfirmEmailVerificationCodeForm):  # type: ignore[misc]
    """The code from the mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label_plainly(
            self.fields["code"],
            label="Code",
            help_text="8 letters. Capitals and the dash don't matter.",
            autocapitalize="characters",
            spellcheck="false",
        )


class ResetRequestForm(allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    """The address that forgot its password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        label_plainly(self.fields["email"], label="Email")


class NewPasswordForm(allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    """A new password, typed once; the field can show it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["password2"]
        label_new_password(self.fields["password1"], label="New password")
