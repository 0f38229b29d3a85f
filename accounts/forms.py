"""Forms about people."""

from typing import Any

from django import forms
from django.http import HttpRequest


class SignupDetailsForm(forms.Form):
    """What sign-up asks beside e-mail and password."""

    first_name = forms.CharField(max_length=60, label="First name")
    last_name = forms.CharField(max_length=60, label="Last name")

    def signup(self, request: HttpRequest, user: Any) -> None:
        """Store the name on the new account."""
