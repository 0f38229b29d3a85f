"""What the site has to tell a person, for programs (Spec: S17.14, S13.5)."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from bookings.notifications.models import Notice
from bookings.notifications.serializers import NoticesAsked, NoticesTold
from instainstru.api import ApiView, read_query
from instainstru.paging import slice_of


class NoticesView(ApiView):
    """The notices of a person."""

    @extend_schema(
        operation_id="notifications_list", parameters=[NoticesAsked], responses={200: NoticesTold}
    )
    def get(self, request: Request) -> Response:
        """Return a part of them, the latest first; looking marks nothing as read."""
        asked = read_query(request, NoticesAsked)
        found = slice_of(Notice.objects.of(request.user), at="created_at", name="title", **asked)
        told = {"results": found.rows, "next_cursor": found.next_cursor}
        return Response(NoticesTold(told).data)
