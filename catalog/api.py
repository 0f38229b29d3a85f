"""Services, instructors and favorites for programs (Spec: S17.14, S7.1, S9.5)."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import interest
from catalog.models import Favorite, Instructor, Service
from catalog.selectors import public_instructor
from catalog.serializers import FavoritesTold, InstructorTold, ServicesTold
from instainstru.api import ApiView, SliceAsked, read_query
from instainstru.paging import slice_by_name


class ServicesView(ApiView):
    """What can be learnt."""

    @extend_schema(
        operation_id="services_list", parameters=[SliceAsked], responses={200: ServicesTold}
    )
    def get(self, request: Request) -> Response:
        """Return a part of the catalogue."""
        asked = read_query(request, SliceAsked)
        services = Service.objects.active().with_offer_counts().select_related("category")
        found = slice_by_name(services, name="slug", **asked)
        told = {"results": found.rows, "next_cursor": found.next_cursor}
        return Response(ServicesTold(told).data)


class InstructorView(ApiView):
    """One instructor with a public page."""

    @extend_schema(operation_id="instructors_get", responses={200: InstructorTold})
    def get(self, request: Request, slug: str) -> Response:
        """Return the instructor with what they teach now and what it costs."""
        found = public_instructor(slug)
        if found is None:
            raise Http404("no such instructor")
        return Response(InstructorTold(found).data)


class FavoritesView(ApiView):
    """The instructors that a person keeps."""

    @extend_schema(operation_id="favorites_list", responses={200: FavoritesTold})
    def get(self, request: Request) -> Response:
        """Return their names, the newest first; nobody keeps more than 200."""
        rows = Favorite.objects.of_user(request.user)
        told = {"results": list(rows.values_list("instructor__slug", flat=True))}
        return Response(FavoritesTold(told).data)


class FavoriteView(ApiView):
    """One instructor to keep or to let go."""

    @extend_schema(operation_id="favorites_keep", request=None, responses={204: None})
    def put(self, request: Request, slug: str) -> Response:
        """Keep the instructor; doing it again changes nothing."""
        interest.keep_favorite(by=request.user, instructor=_instructor(slug))
        return Response(status=204)

    @extend_schema(operation_id="favorites_drop", responses={204: None})
    def delete(self, request: Request, slug: str) -> Response:
        """Let the instructor go; doing it again changes nothing."""
        interest.drop_favorite(by=request.user, instructor=_instructor(slug))
        return Response(status=204)


def _instructor(slug: str) -> Instructor:
    found = Instructor.objects.public_pages().filter(slug=slug).first()
    if found is None:
        raise Http404("no such instructor")
    return found
