"""What the API tells about the searches of an owner (Spec: S17.14, S2.5)."""

from rest_framework import serializers

from instainstru.api import Strict
from search.history_manager import SHOWN


class HistoryAsked(Strict):
    """How many of the newest."""

    limit = serializers.IntegerField(min_value=1, max_value=100, required=False, default=SHOWN)


class SearchTold(serializers.Serializer):
    """One search that is remembered."""

    query = serializers.CharField(source="query_text")
    times = serializers.IntegerField(source="search_count")
    results_count = serializers.IntegerField()
    last_searched_at = serializers.DateTimeField()


class HistoryTold(serializers.Serializer):
    """The newest searches, the latest first."""

    results = SearchTold(many=True)


class HitTold(serializers.Serializer):
    """One instructor who can be booked: the lesson, its price in cents, and times that fit."""

    instructor = serializers.SlugField(source="offer.slug")
    name = serializers.CharField(source="offer.name")
    headline = serializers.CharField(source="offer.headline")
    service = serializers.SlugField(source="service_slug")
    duration = serializers.IntegerField(source="minutes")
    price_cents = serializers.IntegerField()
    reasons = serializers.ListField(child=serializers.CharField())
    starts = serializers.ListField(child=serializers.DateTimeField())


class FoundTold(serializers.Serializer):
    """A part of what a search found; ``search_id`` goes with the next pages as ``sid``."""

    search_id = serializers.CharField()
    match = serializers.ChoiceField(choices=["results", "closest", "none"])
    count = serializers.IntegerField()
    results = HitTold(many=True)
    next_page = serializers.IntegerField(allow_null=True)
