"""Who and what is near in meaning, by the vectors in the database (Spec: S8.15).

Without a model nothing is near; whoever asks then has another order.
"""

import time
from collections.abc import Collection, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from django.db import connections, router
from django.db.models import OuterRef, QuerySet, Subquery
from pgvector.django import CosineDistance

from catalog.models import Instructor, Offering, Service
from search.encoder.embedder import query_embedder
from search.models import OfferingVector, ServiceVector

if TYPE_CHECKING:
    from search.vectors import Vectors

NEAR_ENOUGH: Final = 0.75
"""The largest distance at which a service is worth naming; farther off it would be a joke."""
_FULL = ServiceVector.Kind.FULL


MANY_OFFERINGS: Final = 20_000
"""From here on an index is asked, which looks at some hundreds of vectors instead of all."""
INDEX_DIMENSIONS: Final = 384
"""The index is made for vectors of so many numbers; those of another model are compared all."""
OFFERS_COMPARED: Final = 200
_INDEXED, _EXACT = f"said.vector::halfvec({INDEX_DIMENSIONS})", "said.vector"
_MEAN: Final = "avg(said.vector)"
# The database takes several statements as one transaction, in which these settings hold. Without
# the first, an index behind filters would return too few rows.
_SETTINGS: Final = (
    "SET LOCAL hnsw.iterative_scan = 'relaxed_order'; SET LOCAL hnsw.ef_search = 200;"
)
# Relaxed order is nearly sorted; the outer query sorts.
_NEAREST: Final = """
WITH mine AS MATERIALIZED (
  SELECT {mean} AS mean, array_agg(DISTINCT service.category_id) AS categories
    FROM search_offeringvector AS said
    JOIN catalog_offering AS offering ON offering.id = said.offering_id
    JOIN catalog_service AS service ON service.id = offering.service_id
   WHERE offering.instructor_id = %(person)s AND offering.is_active AND service.is_active
     AND said.model_digest = %(digest)s
),
near AS MATERIALIZED (
  SELECT person.id, {vector} <=> (SELECT mean FROM mine) AS distance
    FROM search_offeringvector AS said
    JOIN catalog_offering AS offering ON offering.id = said.offering_id
    JOIN catalog_service AS service ON service.id = offering.service_id
    JOIN catalog_instructor AS person ON person.id = offering.instructor_id
   WHERE said.model_digest = %(digest)s AND {fits}
     AND offering.is_active AND service.is_active
     AND service.category_id = ANY ((SELECT categories FROM mine)::bigint[])
     AND person.status = 'live' AND person.id <> %(person)s
     AND person.background_checked_on >= %(checked_since)s
   ORDER BY {vector} <=> (SELECT mean FROM mine)
   LIMIT %(compared)s
)
SELECT id, min(distance) FROM near WHERE distance IS NOT NULL
 GROUP BY id ORDER BY 2, 1 LIMIT %(most)s
"""
# None that the index could find, while the newest vector is another model's.
_HOW_MANY: Final = f"""
SELECT CASE WHEN {INDEX_DIMENSIONS} = (SELECT vector_dims(vector) FROM search_offeringvector
                                        ORDER BY id DESC LIMIT 1)
            THEN reltuples::bigint ELSE 0 END
  FROM pg_class WHERE oid = 'search_offeringvector'::regclass
"""  # noqa: S608 - put together from constants
_COUNT_LASTS_SECONDS: Final = 600.0
_counted: tuple[float, int] | None = None


def has_many_offerings() -> bool:
    """Tell whether an index is worth asking, by the planner's count of at most ten minutes ago."""
    global _counted  # noqa: PLW0603 - one count a process is the point
    if _counted is None or time.monotonic() - _counted[0] > _COUNT_LASTS_SECONDS:
        with connections[router.db_for_read(OfferingVector)].cursor() as cursor:
            cursor.execute(_HOW_MANY)
            _counted = (time.monotonic(), cursor.fetchone()[0])
    return _counted[1] > MANY_OFFERINGS


def nearest_instructors(
    instructor: Instructor, *, checked_since: date, most: int = 3
) -> Mapping[int, float]:
    """Return who says most alike in the same categories, nearest first, with the cosine distance.

    Compared is the nearest offer of each with the mean of this instructor's. All offers of the
    categories are compared, and above 20,000 those that the index finds. Empty without a model or
    without a vector of this instructor's. Spec: S8.11, S8.15
    """
    digest = query_embedder().digest
    if not digest:
        return {}
    asked: dict[str, Any] = {
        "person": instructor.pk, "digest": digest, "checked_since": checked_since,
        "compared": OFFERS_COMPARED, "most": most,
    }  # fmt: skip
    exact = _NEAREST.format(mean=_MEAN, vector=_EXACT, fits="TRUE")
    fits = f"vector_dims(said.vector) = {INDEX_DIMENSIONS}"
    mean = f"CASE WHEN vector_dims({_MEAN}) = {INDEX_DIMENSIONS} THEN {_MEAN} END"
    indexed = _NEAREST.format(mean=mean, vector=_INDEXED, fits=fits)
    with connections[router.db_for_read(OfferingVector)].cursor() as cursor:
        if not has_many_offerings():
            cursor.execute(exact, asked)
            return dict(cursor.fetchall())
        cursor.execute(f"{_SETTINGS}{indexed}", asked)
        for _ in range(_SETTINGS.count(";")):
            cursor.nextset()
        return dict(cursor.fetchall())


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
