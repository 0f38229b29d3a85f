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
