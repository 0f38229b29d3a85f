"""What the API takes and tells about times, holds and lessons; feeds the services (S17.14)."""

from datetime import date, timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Learner
from bookings.lessons.forms import CANCEL_REASONS, MAX_MINUTES, MAX_PUBLIC_ID, parse_instant
from bookings.lessons.models import Booking
from bookings.lessons.places import place_for_student
from bookings.lessons.policies import RefundTo
from bookings.lessons.states import Status
from bookings.lessons.transitions import current_status
from catalog.models import Modality, Neighborhood
from instainstru import clock
from instainstru.api import PlainText, Strict
from instainstru.api_rules import instant_text

LONGEST_RANGE_DAYS = 62
FIRST_DATE, LAST_DATE = date(2020, 1, 1), date(2100, 1, 1)


@extend_schema_field(OpenApiTypes.DATETIME)
class InstantField(serializers.Field):
    """A slot value: its UTC instant, such as ``2026-03-07T15:00:00Z``. Spec: S12.4"""

    def to_internal_value(self, data: Any) -> Any:
        """Return the aware instant."""
        found = parse_instant(data) if isinstance(data, str) else None
        if found is None:
            raise serializers.ValidationError("Write an instant such as 2026-03-07T15:00:00Z.")
        return found

    def to_representation(self, value: Any) -> str:
        """Return the text of an instant."""
        return instant_text(value)


class WantedOffer(Strict):
    """Which lesson: service, length in minutes, place, and who learns."""

    service = serializers.SlugField(max_length=120)
    duration = serializers.IntegerField(min_value=1, max_value=MAX_MINUTES)
    place = serializers.ChoiceField(choices=Modality.choices)
    learner = PlainText(max_length=MAX_PUBLIC_ID, required=False, default="", allow_blank=True)


class SlotsAsked(WantedOffer):
    """An offer and the dates, both included, on the instructor's calendar."""

    first_on = serializers.DateField()
    last_on = serializers.DateField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse dates in the wrong order, too many of them, and those of no calendar."""
        first_on, last_on = attrs["first_on"], attrs["last_on"]
        if not FIRST_DATE <= first_on <= last_on <= LAST_DATE:
            raise serializers.ValidationError({"last_on": "Choose a date from first_on on."})
        if last_on - first_on >= timedelta(days=LONGEST_RANGE_DAYS):
            text = f"Ask for {LONGEST_RANGE_DAYS} days at most."
            raise serializers.ValidationError({"last_on": text})
        return attrs


class SlotsTold(serializers.Serializer):
    """The bookable starts; what one costs, in cents."""

    zone = serializers.CharField(source="zone.key", help_text="The instructor's.")
    price_cents = serializers.IntegerField()
    travel_fee_cents = serializers.IntegerField()
    starts = serializers.ListField(child=InstantField())


class HoldAsked(WantedOffer):
    """The time somebody picked."""

    instructor = serializers.SlugField(max_length=120)
    start = InstantField()


class HoldNamed(serializers.Serializer):
    """A hold that was made."""

    hold_id = serializers.CharField()
    status = serializers.ChoiceField(choices=["held"])


class HoldTold(serializers.Serializer):
    """A hold as it stands now; ``due_cents`` is what the card would pay for all its lessons."""

    hold_id = serializers.CharField(source="booking.hold_id")
    status = serializers.ChoiceField(choices=[status.value for status in Status])
    code = serializers.CharField(
        source="booking.code", allow_null=True, help_text="The lesson's, once it is booked."
    )
    instructor = serializers.SlugField(source="booking.instructor.slug")
    service = serializers.SlugField(source="booking.offering.service.slug")
    learner = serializers.CharField(
        source="booking.learner.public_id", allow_null=True, help_text="Nobody yet for guests."
    )
    start = InstantField(source="booking.start_at")
    end = InstantField(source="booking.end_at")
    zone = serializers.CharField(source="booking.zone")
    duration = serializers.IntegerField(source="booking.duration_minutes")
    place = serializers.ChoiceField(choices=Modality.choices, source="booking.modality")
    lessons = serializers.IntegerField(help_text="How many are held in one go.")
    price_cents = serializers.IntegerField(source="booking.price_cents")
    travel_fee_cents = serializers.IntegerField(source="booking.travel_fee_cents")
    due_cents = serializers.IntegerField()
    expires_at = InstantField(source="booking.expires_at", allow_null=True)


class ConfirmAsked(Strict):
    """Who learns, where, and how it is paid; checked against the hold and its owner (S13.1)."""

    learner = PlainText(max_length=MAX_PUBLIC_ID)
    due_cents = serializers.IntegerField(help_text="What the hold says that the card pays.")
    terms = serializers.BooleanField(help_text="true: the terms and the cancellation policy.")
    card_number = PlainText(
        max_length=140,
        required=False,
        default="",
        allow_blank=True,
        help_text="A number of the test gateway, or what the gateway calls the card.",
    )
    neighborhood = serializers.SlugField(required=False, default="", allow_blank=True)
    address = PlainText(max_length=200, required=False, default="", allow_blank=True)
    note = PlainText(max_length=500, required=False, default="", allow_blank=True, has_lines=True)

    def validate_terms(self, value: bool) -> bool:
        """Refuse who did not agree."""
        if not value:
            raise serializers.ValidationError("Agree to the terms and the cancellation policy.")
        return value

    def validate_learner(self, value: str) -> Learner:
        """Return the learner; strangers' do not exist."""
        found = Learner.objects.managed_by(self.context["person"]).filter(public_id=value).first()
        if found is None:
            raise serializers.ValidationError("Choose who is learning.")
        return found

    def validate_neighborhood(self, value: str) -> Neighborhood | None:
        """Return the neighborhood of this name."""
        found = Neighborhood.objects.filter(slug=value).first() if value else None
        if value and found is None:
            raise serializers.ValidationError("Choose a neighborhood of New York City.")
        return found

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for the place of lessons at home, and for none elsewhere."""
        asks_place = self.context["hold"].modality == Modality.AT_STUDENT
        wrong = {
            name: "This lesson needs it." if asks_place else "This lesson is not at your place."
            for name in ("neighborhood", "address")
            if bool(attrs[name]) is not asks_place
        }
        if wrong:
            raise serializers.ValidationError(wrong)
        return attrs


class LessonNamed(serializers.Serializer):
    """A lesson that was booked or changed."""

    code = serializers.CharField()
    status = serializers.ChoiceField(choices=[status.value for status in Status])


class PaymentNamed(serializers.Serializer):
    """A payment without an end yet; the hold says when there is one."""

    hold_id = serializers.CharField()
    status = serializers.ChoiceField(choices=["needs_bank", "waiting", "refunded"])


class LessonTold(serializers.Serializer):
    """A lesson of one's own as it stands now."""

    code = serializers.CharField()
    status = serializers.SerializerMethodField()
    instructor = serializers.SlugField(source="instructor.slug")
    instructor_name = serializers.CharField(source="instructor.display_name")
    service = serializers.SlugField(source="offering.service.slug")
    learner = serializers.CharField(source="learner.public_id")
    start = InstantField(source="start_at")
    end = InstantField(source="end_at")
    zone = serializers.CharField()
    duration = serializers.IntegerField(source="duration_minutes")
    place = serializers.ChoiceField(choices=Modality.choices, source="modality")
    where = serializers.SerializerMethodField()
    price_cents = serializers.IntegerField()
    travel_fee_cents = serializers.IntegerField()
    revision = serializers.IntegerField(help_text="How often it was moved.")

    @extend_schema_field(serializers.ChoiceField(choices=[status.value for status in Status]))
    def get_status(self, booking: Booking) -> str:
        """Return the state by the clock, before any job wrote it down (S4.3)."""
        return current_status(booking, clock.now()).value

    @extend_schema_field(serializers.CharField(help_text="The place in words."))
    def get_where(self, booking: Booking) -> str:
        """Return the exact place, which the student of a lesson may know."""
        return place_for_student(booking)


class LessonsTold(serializers.Serializer):
    """A part of the list of lessons, the latest first."""

    results = LessonTold(many=True)
    next_cursor = serializers.CharField(help_text="Empty at the end.")


class PreviewAsked(Strict):
    """Where the money would go, if there is a choice."""

    refund_to = serializers.ChoiceField(
        choices=[each.value for each in RefundTo], required=False, default=RefundTo.CARD.value
    )


class PreviewTold(serializers.Serializer):
    """What cancelling now would give back, in cents, and until when."""

    case = serializers.CharField()
    card_refund_cents = serializers.IntegerField()
    credit_cents = serializers.IntegerField()
    valid_until = InstantField(allow_null=True)


class CancelAsked(PreviewAsked):
    """Why, and the amounts that were shown. Spec: S11.2"""

    reason = serializers.ChoiceField(choices=CANCEL_REASONS)
    card_refund_cents = serializers.IntegerField(min_value=0)
    credit_cents = serializers.IntegerField(min_value=0)


class MoveAsked(Strict):
    """Another time, with a word to the other side. Spec: S11.1"""

    start = InstantField()
    reason = PlainText(max_length=300, required=False, default="", allow_blank=True, has_lines=True)
