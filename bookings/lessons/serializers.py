"""What the API takes and tells about times, holds and lessons; feeds the services (S17.14)."""

from datetime import date, timedelta
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.lessons.forms import MAX_MINUTES, MAX_PUBLIC_ID, parse_instant
from bookings.lessons.states import Status
from catalog.models import Modality
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
    learner = PlainText(max_length=MAX_PUBLIC_ID, required=False, default="")


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
