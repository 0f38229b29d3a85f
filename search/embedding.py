"""Keeping the vectors of services up to date; runs in the worker (Spec: S8.10)."""

from collections.abc import Iterable
from typing import NamedTuple

from django.db import transaction

from catalog.models import Service, ServicePhrase
from search.encoder.documents import document_embedder
from search.encoder.model import Model, installed_model
from search.models import ServiceVector

BATCH, DROPPED_AT_ONCE = 64, 500


class _Text(NamedTuple):
    """One text of a service that has a vector."""

    service_id: int
    kind: str
    text: str


def embed_services() -> tuple[int, int]:
    """Write the vectors that are missing and drop those of old texts and of other models.

    Returns (written, dropped). Without a model nothing changes: search works by words. May run
    twice at once. Spec: S8.10, S4.2
    """
    model = installed_model()
    if model is None:
        return 0, 0
    wanted = set(_texts())
    known: dict[_Text, int] = {}
    outdated: list[int] = []
    rows = ServiceVector.objects.values_list("pk", "model_digest", "service_id", "kind", "text")
    for pk, digest, service_id, kind, text in rows.iterator():
        found = _Text(service_id, kind, text)
        if digest == model.digest and found in wanted:
            known[found] = pk
        else:
            outdated.append(pk)
    written = _write(sorted(wanted - known.keys()), model)
    # After writing: readers have one whole set or the other in between.
    dropped = 0
    for start in range(0, len(outdated), DROPPED_AT_ONCE):
        some = outdated[start : start + DROPPED_AT_ONCE]
        dropped += ServiceVector.objects.filter(pk__in=some).delete()[0]
    return written, dropped


def _texts() -> Iterable[_Text]:
    """Return what is encoded of each active service. Spec: S8.8"""
    kind = ServiceVector.Kind
    for service in Service.objects.active().select_related("category"):
        names = ", ".join([service.name, *service.keywords])
        where = f"{service.category.name}, {service.subcategory}"
        yield _Text(service.pk, kind.FULL, f"{names}. {service.description} {where}")
        yield _Text(service.pk, kind.NAMES, names)
    phrases = ServicePhrase.objects.filter(service__is_active=True)
    for service_id, phrase in phrases.values_list("service_id", "phrase"):
        yield _Text(service_id, kind.PHRASE, phrase)


def _write(texts: list[_Text], model: Model) -> int:
    if not texts:
        return 0
    embedder = document_embedder(model)
    # Of like length together: padding is computed too.
    texts.sort(key=lambda text: len(text.text))
    for start in range(0, len(texts), BATCH):
        some = texts[start : start + BATCH]
        vectors = embedder.encode([text.text for text in some])
        rows = [
            ServiceVector(
                service_id=text.service_id,
                kind=text.kind,
                text=text.text,
                model_name=model.name,
                model_digest=model.digest,
                dimension=model.dimension,
                vector=vector,
            )
            for text, vector in zip(some, vectors, strict=True)
        ]
        with transaction.atomic():
            ServiceVector.objects.bulk_create(rows, ignore_conflicts=True)
    return len(texts)
