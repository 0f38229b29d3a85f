"""Parses and checks what people send about lessons; feeds the services."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django import forms

from accounts.models import Learner, User
from bookings.lessons.models import LateNotice, ReportEvidence
from bookings.lessons.time_selection import LESSON_ZONE, MONTH, WEEK, Choice
from bookings.payments.selectors import Split
from catalog.interest_forms import NeighborhoodField
from catalog.models import Address, Modality
from instainstru.form_fields import PicturesField, PlainTextField

MAX_MINUTES = 24 * 60
MAX_DIGITS = 6
MAX_WEEKS = 12
MAX_PUBLIC_ID = 10
CANCEL_REASONS = [
    ("schedule", "My plans changed"),
    ("illness", "Illness or emergency"),
    ("found_other", "I found another instructor"),
    ("price", "The price"),
    ("other", "Something else"),
]


def parse_choice(query: Mapping[str, str]) -> Choice:
    """Read the address of the time page; nonsense is ignored with a notice (Spec: S10.4)."""
    notices: list[str] = []
    return Choice(
        service_slug=query.get("service") or None,
        duration_minutes=_minutes(query.get("duration", ""), notices),
        modality=query.get("place") or None,
        local_on=_date(query.get("date", ""), "%Y-%m-%d", notices),
        month=_date(query.get("month", ""), "%Y-%m", notices),
        start_at=_instant(query.get("start", ""), notices),
        learner=query.get("learner", "")[:MAX_PUBLIC_ID] or None,
        view=WEEK if query.get("view") == WEEK else MONTH,
        wants_lesson_zone=query.get("zone") == LESSON_ZONE,
        asks_why=bool(query.get("why")),
        notices=tuple(notices),
    )


def _minutes(text: str, notices: list[str]) -> int | None:
    if not text:
        return None
    if (
        text.isascii()
        and text.isdigit()
        and len(text) <= MAX_DIGITS
        and 0 < int(text) <= MAX_MINUTES
    ):
        return int(text)
    notices.append("We ignored a length that we couldn't read.")
    return None


def _date(text: str, pattern: str, notices: list[str]) -> date | None:
    if not text:
        return None
    try:
        found = datetime.strptime(text, pattern).replace(tzinfo=UTC).date()
    except ValueError:
        found = None
    if found is None or not date(2020, 1, 1) <= found <= date(2100, 1, 1):
        notices.append("We ignored a date that we couldn't read.")
        return None
    return found


def _instant(text: str, notices: list[str]) -> datetime | None:
    if not text:
        return None
    found = parse_instant(text)
    if found is None:
        notices.append("We ignored a time that we couldn't read.")
    return found


def parse_instant(text: str) -> datetime | None:
    """Return the UTC instant of a slot value such as ``2026-03-07T15:00:00Z``, or None."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if found.tzinfo is None or not 2020 <= found.year <= 2100:  # noqa: PLR2004 - sane years
        return None
    return found.astimezone(UTC)


class InstantField(forms.CharField):
    """The UTC instant of a slot."""

    def clean(self, value: Any) -> Any:
        """Return the aware instant; raises ``ValidationError`` for anything else."""
        text = super().clean(value)
        found = parse_instant(text) if text else None
        if found is None:
            raise forms.ValidationError("Choose one of the times.")
        return found


class HoldForm(forms.Form):
    """The time somebody picked (Spec: S12.4)."""

    service = forms.SlugField(max_length=120, error_messages={"required": "Choose a service."})
    duration = forms.IntegerField(
        min_value=1, max_value=MAX_MINUTES, error_messages={"required": "Choose a length."}
    )
    place = forms.ChoiceField(
        choices=Modality.choices, error_messages={"required": "Choose a place."}
    )
    start = InstantField(max_length=40, error_messages={"required": "Choose a time."})
    learner = forms.CharField(required=False, max_length=MAX_PUBLIC_ID)
    weeks = forms.IntegerField(required=False, min_value=1, max_value=MAX_WEEKS)


class NewTimeForm(forms.Form):
    """Another time for a lesson, with a word to the other side (Spec: S11.1, T6)."""

    start = InstantField(max_length=40, error_messages={"required": "Choose a time."})
    reason = PlainTextField(
        label="Message",
        max_length=300,
        required=False,
        help_text="Up to 300 characters.",
        widget=forms.Textarea(attrs={"rows": 2}),
        has_lines=True,
    )
    wants = forms.ChoiceField(choices=[("move", "Move"), ("ask", "Ask")], required=False)

    @property
    def chosen_at(self) -> datetime | None:
        """The start that was sent, if it can be read."""
        return parse_instant(str(self.data.get("start", ""))) if self.is_bound else None


class ReportForm(forms.Form):
    """What went wrong with a lesson (Spec: S11.8)."""

    kind = forms.ChoiceField(
        label="What happened?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose what happened."},
    )
    statement = PlainTextField(
        label="Tell us more",
        min_length=20,
        max_length=2000,
        has_lines=True,
        help_text="From 20 to 2,000 characters. The other side reads it and may answer.",
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": "Tell us what happened."},
    )
    pictures = PicturesField(label="Pictures", most=ReportEvidence.MOST_PICTURES, required=False)
    is_unsafe = forms.BooleanField(
        label="I did not feel safe",
        required=False,
        help_text="We look at it first, and all contact between you is blocked at once.",
    )

    def __init__(self, *args: Any, kinds: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kinds:
            self.fields["kind"].choices = kinds  # type: ignore[attr-defined]
            del self.fields["is_unsafe"]  # one of the kinds
        else:
            del self.fields["kind"]


class EvidenceForm(forms.Form):
    """What else a side has to say or to show about a report (Spec: T14)."""

    statement = PlainTextField(
        label="What else should we know?",
        max_length=2000,
        has_lines=True,
        required=False,
        help_text="Up to 2,000 characters. It can't be changed later.",
        widget=forms.Textarea(attrs={"rows": 6}),
    )
    pictures = PicturesField(label="Pictures", most=ReportEvidence.MOST_PICTURES, required=False)


class LateForm(forms.Form):
    """How late one comes (Spec: S11.9)."""

    minutes = forms.ChoiceField(
        label="How late?",
        choices=[(str(minutes), f"About {minutes} minutes") for minutes in LateNotice.MINUTES],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose 5, 10 or 15 minutes."},
    )


class TeacherCancelForm(forms.Form):
    """Why the instructor cancels; the student reads it (Spec: T9)."""

    reason = PlainTextField(
        label="Why do you cancel?",
        min_length=10,
        max_length=300,
        help_text="Your student reads it. From 10 to 300 characters.",
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": "Write a reason for your student."},
    )


class LearnerField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A choice among the learners a person manages, by name."""

    def label_from_instance(self, obj: Any) -> str:
        """Return the name; the person themselves is marked."""
        return f"{obj.name} (you)" if obj.is_self else str(obj.name)


class UnrepeatedInput(forms.TextInput):
    """A field of a card: never sent back in a page, like a password (Spec: S14.1)."""

    def format_value(self, value: Any) -> None:
        """Return nothing to print."""


class CardForm(forms.Form):
    """A card; its number goes to the gateway and is neither kept nor shown again (S14.1)."""

    CARD_FIELDS = ("card_number", "card_expiry", "card_cvc", "card_zip")
    card_number = forms.CharField(
        label="Card number",
        max_length=30,
        widget=UnrepeatedInput(attrs={"autocomplete": "cc-number", "inputmode": "numeric"}),
        error_messages={"required": "Enter the card number."},
    )
    card_expiry = forms.RegexField(
        label="Expiry",
        regex=r"^\s*(0[1-9]|1[0-2])\s*/\s*(\d{2}|\d{4})\s*$",
        widget=forms.TextInput(
            attrs={"autocomplete": "cc-exp", "inputmode": "numeric", "placeholder": "MM/YY"}
        ),
        error_messages={
            "required": "Enter the expiry as MM/YY.",
            "invalid": "Enter the expiry as MM/YY.",
        },
    )
    card_cvc = forms.RegexField(
        label="CVC",
        regex=r"^\s*\d{3,4}\s*$",
        widget=UnrepeatedInput(attrs={"autocomplete": "cc-csc", "inputmode": "numeric"}),
        error_messages={
            "required": "Enter the CVC, 3 or 4 digits.",
            "invalid": "Enter the CVC, 3 or 4 digits.",
        },
    )
    card_zip = forms.RegexField(
        label="ZIP code",
        regex=r"^\s*\d{5}(-\d{4})?\s*$",
        widget=forms.TextInput(attrs={"autocomplete": "postal-code", "inputmode": "numeric"}),
        error_messages={
            "required": "Enter the ZIP code of the card.",
            "invalid": "Enter a ZIP code of 5 digits.",
        },
    )

    def __init__(self, *args: Any, today: date, has_card_page: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        if has_card_page:
            # The card is typed at the gateway; what comes here is the name of that page.
            for name in self.CARD_FIELDS:
                del self.fields[name]
            self.fields["card_number"] = forms.CharField(
                max_length=140,
                widget=forms.HiddenInput,
                error_messages={"required": "Enter your card first."},
            )

    def clean_card_expiry(self) -> str:
        """Refuse a card that has expired."""
        text = "".join(self.cleaned_data["card_expiry"].split())
        month, year = (int(part) for part in text.split("/"))
        year += 2000 if year < 100 else 0  # noqa: PLR2004 - two-digit years
        if (year, month) < (self.today.year, self.today.month):
            raise forms.ValidationError("This card has expired.")
        return text


class CheckoutForm(CardForm):
    """Who learns, where, and how it is paid (Spec: S13.1)."""

    learner = LearnerField(
        queryset=Learner.objects.none(),
        label="Who's learning?",
        to_field_name="public_id",
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": "Choose who is learning."},
    )
    saved = forms.ChoiceField(
        label="Your saved addresses", required=False, widget=forms.RadioSelect
    )
    neighborhood = NeighborhoodField(required=False, help_text="We only serve the five boroughs.")
    address = PlainTextField(
        label="Street address",
        max_length=200,
        required=False,
        help_text="Only your instructor sees it, and only after booking.",
        widget=forms.TextInput(attrs={"autocomplete": "street-address"}),
    )
    note = PlainTextField(
        has_lines=True,
        label="Note for your instructor",
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Up to 500 characters.",
    )
    terms = forms.BooleanField(
        label="I agree to the terms and the cancellation policy",
        error_messages={"required": "Please agree to the terms and the cancellation policy."},
    )
    promo_code = PlainTextField(
        label="Promo code",
        required=False,
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    due_cents = forms.IntegerField(widget=forms.HiddenInput, required=False)
    split: Split | None = None
    """Who pays how much of the price, as the page says."""
    field_order = (
        "learner", "saved", "neighborhood", "address", "note", *CardForm.CARD_FIELDS, "terms",
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        user: User,
        asks_place: bool,
        asks_card: bool,
        addresses: Sequence[Address] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.addresses = {address.public_id: address for address in addresses}
        self.fields["saved"].choices = [  # type: ignore[attr-defined]
            ("", "The one written below"),
            *((key, f"{row.label}: {row.line}") for key, row in self.addresses.items()),
        ]
        if not asks_place or not addresses:
            del self.fields["saved"]
        learners = Learner.objects.managed_by(user)
        self.fields["learner"].queryset = learners  # type: ignore[attr-defined]
        if asks_place:
            for name in ("neighborhood", "address"):
                self.fields[name].required = True
            self.fields["address"].error_messages["required"] = "Write the street address."
        else:
            del self.fields["neighborhood"], self.fields["address"]
        if not asks_card:
            for name in self.CARD_FIELDS:
                self.fields.pop(name, None)

    def clean(self) -> dict[str, Any]:
        """Take a saved address that was chosen in place of what is written. Spec: S13.1"""
        said: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = self.addresses.get(said.get("saved", ""))
        if chosen is not None:
            said |= {"neighborhood": chosen.neighborhood, "address": chosen.line}
            for name in ("neighborhood", "address"):
                self.errors.pop(name, None)
        return said


class CancelForm(forms.Form):
    """Why, and the amounts that the person saw (Spec: S11.2)."""

    reason = forms.ChoiceField(
        label="Why are you canceling?",
        choices=CANCEL_REASONS,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a reason."},
    )
    refund_to = forms.ChoiceField(
        label="Where should it go?",
        choices=[
            ("card", "Back to the card"),
            ("credit", "As lesson credit, at once, valid for 12 months"),
        ],
        required=False,
        widget=forms.RadioSelect,
    )
    card_refund_cents = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    credit_cents = forms.IntegerField(widget=forms.HiddenInput, min_value=0)


class DisputeForm(forms.Form):
    """Why a strike is wrong."""

    text = PlainTextField(
        label="What happened?",
        has_lines=True,
        min_length=20,
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="20 to 1,000 characters. You can do this once.",
        error_messages={"required": "Write what happened."},
    )


class EmergencyForm(forms.Form):
    """What kept the student from the lesson."""

    text = PlainTextField(
        label="What happened?",
        has_lines=True,
        min_length=20,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="20 to 2,000 characters. You can do this once.",
        error_messages={"required": "Write what happened."},
    )


class TipForm(CardForm):
    """How much to tip, and the card."""

    SUGGESTED = (500, 1000, 2000)

    amount = forms.DecimalField(
        label="Your tip, in dollars",
        min_value=1,
        max_value=200,
        decimal_places=2,
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
        error_messages={
            "required": "Enter an amount.",
            "invalid": "Enter an amount in dollars, such as 10 or 12.50.",
            "min_value": "The least tip is $1.",
            "max_value": "The most is $200.",
        },
    )
    field_order = ("amount", *CardForm.CARD_FIELDS)

    @property
    def amount_cents(self) -> int:
        """The amount of a valid form, in cents."""
        return int(self.cleaned_data["amount"] * 100)
