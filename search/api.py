"""The searches of a person or guest for programs (Spec: S17.14, S2.5)."""

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from instainstru import clock
from instainstru.api import ApiView, read_query
from instainstru.api_rules import plain
from search.history import HISTORY, historian_of, recent_searches
from search.models import SearchHistory
from search.serializers import HistoryAsked, HistoryTold


class HistoryView(ApiView):
    """What is remembered of an owner's searches."""

    @extend_schema(
        operation_id="history_list", parameters=[HistoryAsked], responses={200: HistoryTold}
    )
    def get(self, request: Request) -> Response:
        """Return the newest searches; guests have some, too."""
        limit = read_query(request, HistoryAsked)["limit"]
        owner = historian_of(plain(request))
        if owner is None:
            raise PermissionDenied(HISTORY)
        return Response(HistoryTold({"results": recent_searches(owner, limit)}).data)

    @extend_schema(operation_id="history_clear", responses={204: None})
    def delete(self, request: Request) -> Response:
        """Delete all; doing it again changes nothing."""
        owner = historian_of(plain(request))
        if owner is None:
            raise PermissionDenied(HISTORY)
        SearchHistory.objects.clear(owner, now=clock.now())
        return Response(status=204)
