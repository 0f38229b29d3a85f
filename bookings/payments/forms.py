"""What people send about payouts."""

from django import forms

from instainstru.form_fields import PlainTextField

MAX_DIGITS = 34


class BankForm(forms.Form):
    """A bank account; the number goes to the gateway and is kept nowhere here (S14.11)."""

    account_number = PlainTextField(
        label="Account number",
        max_length=MAX_DIGITS,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
        error_messages={"required": "Enter your account number."},
    )
