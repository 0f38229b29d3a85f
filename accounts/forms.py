"""What sign-up asks beside e-mail and password; allauth builds its sign-up form on this class."""

from django import forms
from django.http import HttpRequest

from accounts.models import User
from accounts.services import register_student
from instainstru.form_fields import PlainTextField


class SignupDetailsForm(forms.Form):
    """The person's name; allauth's adapter copies it to the account."""

    first_name = PlainTextField(
        max_length=60,
        label="First name",
        widget=forms.TextInput(attrs={"autocomplete": "given-name"}),
    )
    last_name = PlainTextField(
        max_length=60,
        label="Last name",
        help_text="Other people see only its first letter.",
        widget=forms.TextInput(attrs={"autocomplete": "family-name"}),
    )

    def signup(self, request: HttpRequest, user: User) -> None:
        """Make the saved account a student."""
        register_student(user)
