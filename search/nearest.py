"""Who and what is near in meaning, by the vectors in the database (Spec: S8.15).

Without a model nothing is near; whoever asks then has another order.
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Final

from django.db.models import Aggregate, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from pgvector.django import CosineDistance, HalfVectorField

from catalog.models import Instructor, Offering, Service
from search.encoder.embedder import query_embedder
from search.models import OfferingVector, ServiceVector

if TYPE_CHECKING:
    from search.vectors import Vectors

NEAR_ENOUGH: Final = 0.75
"""The largest distance at which a service is worth naming; farther off it would be a joke."""
_FARTHEST: Final = 2.0
_FULL = ServiceVector.Kind.FULL


class _Mean(Aggregate):
    function = "AVG"
    name = "Mean"
    output_field = HalfVectorField()


def distance_from(instructor: Instructor) -> Callable[[str], Coalesce] | None:
    """Return how far off other instructors are in what they say of their offers, to order them.

    The function makes an expression of rows whose field, which it is told, names an instructor:
    the cosine distance of their nearest offer from the mean of this instructor's. None without a
    model.
    """
    digest = query_embedder().digest
    if not digest:
        return None
    vectors = OfferingVector.objects.filter(model_digest=digest, offering__is_active=True)
    mine = vectors.filter(offering__instructor=instructor).order_by().values("model_digest")
    mean = Subquery(mine.annotate(mean=_Mean("vector")).values("mean"))

    def distance_of(field: str) -> Coalesce:
        theirs = vectors.filter(offering__instructor=OuterRef(field)).annotate(
            distance=CosineDistance("vector", mean)
        )
        return Coalesce(Subquery(theirs.order_by("distance").values("distance")[:1]), _FARTHEST)

    return distance_of


def related_services(service_pk: OuterRef) -> QuerySet[Service]:
    """Return active services nearest to another one first, which is not among them.

    For a subquery: ``service_pk`` names the outer row. Empty without a model.
    """
    vectors = ServiceVector.objects.filter(model_digest=query_embedder().digest, kind=_FULL)
    theirs = vectors.filter(service=OuterRef("pk")).values("vector")[:1]
    mine = vectors.filter(service=OuterRef(service_pk)).values("vector")[:1]
    return (
        Service.objects.active()
        .exclude(pk=service_pk)
        .annotate(distance=CosineDistance(Subquery(theirs), Subquery(mine)))
        .filter(distance__isnull=False)
        .order_by("distance", "pk")
    )


def nearest_service(encoded: "Vectors", *, other_than: Collection[int]) -> Service | None:
    """Return the service that can be booked and is nearest to a query that found nobody.

    ``encoded`` is the query as a vector, ``other_than`` are the services that it meant; None when
    nothing is near.
    """
    vectors = ServiceVector.objects.filter(
        model_digest=query_embedder().digest, kind=_FULL, service__is_active=True
    )
    offers = Offering.objects.bookable().values("service")
    near = (
        vectors.filter(service__in=offers)
        .exclude(service__in=other_than)
        .annotate(distance=CosineDistance("vector", encoded))
    )
    found = (
        near.filter(distance__lte=NEAR_ENOUGH)
        .order_by("distance")
        .select_related("service__category")
        .first()
    )
    return found.service if found else None
