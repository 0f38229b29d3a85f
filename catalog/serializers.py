"""What the API tells about services and instructors (Spec: S17.14)."""

from rest_framework import serializers

from catalog.models import Modality


class ServiceTold(serializers.Serializer):
    """Something that can be learnt; the lowest price for an hour in cents, where one teaches it."""

    slug = serializers.SlugField()
    name = serializers.CharField()
    category = serializers.SlugField(source="category.slug")
    description = serializers.CharField()
    instructor_count = serializers.IntegerField()
    hourly_from_cents = serializers.IntegerField(allow_null=True)


class ServicesTold(serializers.Serializer):
    """A part of the catalogue, by name in the address."""

    results = ServiceTold(many=True)
    next_cursor = serializers.CharField(help_text="Empty at the end.")


class PriceTold(serializers.Serializer):
    """What a length costs, in cents."""

    duration = serializers.IntegerField(source="duration_minutes")
    price_cents = serializers.IntegerField()


class OfferTold(serializers.Serializer):
    """What somebody teaches now."""

    service = serializers.SlugField(source="service.slug")
    places = serializers.ListField(
        child=serializers.ChoiceField(choices=Modality.choices), source="modalities"
    )
    travel_fee_cents = serializers.IntegerField()
    prices = PriceTold(many=True)


class InstructorTold(serializers.Serializer):
    """The public page of somebody who teaches."""

    slug = serializers.SlugField(source="instructor.slug")
    name = serializers.CharField(source="instructor.display_name")
    headline = serializers.CharField(source="instructor.headline")
    status = serializers.ChoiceField(choices=["live", "paused"], source="instructor.status")
    zone = serializers.CharField(source="instructor.zone")
    neighborhood = serializers.SlugField(source="instructor.base_neighborhood.slug")
    offers = OfferTold(many=True)


class FavoritesTold(serializers.Serializer):
    """The instructors that a person keeps, the newest first."""

    results = serializers.ListField(child=serializers.SlugField())
