"""What sign-up asks beside e-mail and password; allauth builds its sign-up form on this class."""

from django import forms
from django.http import HttpRequest

from accounts.models import User
from accounts.services import register_student
from instainstru.form_fields import PlainTextField
from privacy.consents import MARKETING_WORDS, Browser, Purpose, record_consent


class SignupDetailsForm(forms.Form):
    """Name and consents; allauth's adapter copies the name to the account (Spec: S6.4)."""

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

    terms = forms.BooleanField(
        label="I'm 18 or older, I agree to the terms and I've read the privacy notice",
        error_messages={
            "required": "Agree to the terms and the privacy notice to create an account."
        },
    )
    marketing = forms.BooleanField(label=MARKETING_WORDS, required=False)

    def signup(self, request: HttpRequest, user: User) -> None:
        """Make the saved account a student and write down what they agreed to."""
        register_student(user)
        browser = Browser(page=request.path)
        for purpose, is_given in (
            (Purpose.TERMS, True),
            (Purpose.PRIVACY, True),
            (Purpose.MARKETING, self.cleaned_data["marketing"]),
        ):
            record_consent(by=user, purpose=purpose, is_given=is_given, browser=browser)
