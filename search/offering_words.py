"""The words left after constraints and service, held against what instructors say (S8.15).

"Piano, patient with shy kids": the piano is a service, the rest is in a profile or in none.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.db.models import CharField, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat, Left
from pgvector.django import CosineDistance

from catalog.models import Offering
from search.candidate_cache import remembered_vector
from search.encoder.documents import TransformersEmbedder, document_embedder
from search.encoder.embedder import OnnxEmbedder, query_embedder
from search.encoder.model import installed_model
from search.english import FILLER_WORDS
from search.models import OfferingVector
from search.parser import ParsedQuery
from search.parser.residual import LOOSE_ENDS
from search.snapshot import ServiceEntry, Snapshot
from search.text import fold, words_of

if TYPE_CHECKING:
    from search.vectors import Vectors

BATCH = 64
# A run of the job, some seconds of one core; what is left waits for the next one, a minute later.
AT_ONCE = 256
# How people begin says what they are; the whole of it would take three times as long.
BIO_LETTERS = 400
SHORTEST = 3
_LETTERS = {"output_field": CharField()}


def words_left(words: str, query: ParsedQuery, service: ServiceEntry | None) -> str:
    """Return what was said beyond the service and the constraints; often nothing.

    ``words`` are those of the subject as corrected. Spec: S8.15
    """
    if service is None:
        return ""
    known = service.words | set(words_of(service.folded)) | FILLER_WORDS | LOOSE_ENDS
    said = dict.fromkeys([*words_of(words), *words_of(fold(query.residual))])
    left = [word for word in said if word not in known and f"{word}s" not in known]
    return " ".join(left) if any(len(word) >= SHORTEST for word in left) else ""


def encoded_words(words: str, snapshot: Snapshot) -> "Vectors | None":
    """Return words as a vector; None without words or while search works without vectors."""
    if not words or not _has_vectors(snapshot):
        return None
    embedder = query_embedder()
    encoded = remembered_vector((embedder.digest, words), lambda: embedder.encode([words]))
    return None if encoded is None else encoded[0]


def _has_vectors(snapshot: Snapshot) -> bool:
    """Tell whether search works with vectors now; else words alone decide (S8.10)."""
    return snapshot.vectors is not None


def nearness(encoded: "Vectors") -> Subquery:
    """Return how near an offer is to words, 1 at most, as an expression of ``Offering`` rows."""
    vectors = OfferingVector.objects.filter(
        offering=OuterRef("pk"), model_digest=query_embedder().digest
    )
    return Subquery(vectors.values(cosine=Value(1.0) - CosineDistance("vector", encoded))[:1])


def _texts() -> QuerySet[Offering]:
    """Return active offers with what their instructor says about them, and its digest."""
    said = Concat(
        "service__name", Value(". "), "instructor__headline", Value(". "),
        Coalesce("materials_note", Value("")), Value(" "), Left("instructor__bio", BIO_LETTERS),
        **_LETTERS,
    )  # fmt: skip
    rows = Offering.objects.filter(is_active=True, instructor__status="live")
    return rows.annotate(said=said, digest=Func(F("said"), function="md5", **_LETTERS))


def embed_offerings(limit: int = AT_ONCE) -> tuple[int, int]:
    """Write vectors of offers that have none of their present text, at most ``limit``.

    Edited offers come first, however many are new.

    Returns (written, dropped): vectors of other models go. May run twice at once. Spec: S8.15
    """
    model = installed_model()
    if model is None:
        return 0, 0
    known = OfferingVector.objects.filter(offering=OuterRef("pk"), model_digest=model.digest)
    rows = _texts().annotate(known=Subquery(known.values("text_digest")[:1]))
    stale = rows.filter(Q(known__isnull=True) | ~Q(known=F("digest")))
    stale = stale.order_by(F("known").desc(nulls_last=True), "pk")
    wanted = list(stale.values_list("pk", "said", "digest")[:limit])
    if wanted:
        _write(wanted, document_embedder(model), model.digest)
    dropped = OfferingVector.objects.exclude(model_digest=model.digest).delete()[0]
    return len(wanted), dropped


def _write(
    wanted: list[tuple[int, str, str]], embedder: TransformersEmbedder | OnnxEmbedder, digest: str
) -> None:
    # Of like length together: padding is computed too.
    wanted.sort(key=lambda row: len(row[1]))
    for start in range(0, len(wanted), BATCH):
        some: Sequence[tuple[int, str, str]] = wanted[start : start + BATCH]
        vectors = embedder.encode([text for _, text, _ in some])
        OfferingVector.objects.bulk_create(
            [
                OfferingVector(
                    offering_id=pk, model_digest=digest, text_digest=text_digest, vector=vector
                )
                for (pk, _, text_digest), vector in zip(some, vectors, strict=True)
            ],
            update_conflicts=True,
            unique_fields=["offering", "model_digest"],
            update_fields=["text_digest", "vector"],
        )
