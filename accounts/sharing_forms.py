"""What inviting somebody asks."""

from django import forms


class InvitationForm(forms.Form):
    """The address of the person who is asked to help."""

    email = forms.EmailField(
        max_length=254,
        label="Their email",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Enter an email address."},
    )
