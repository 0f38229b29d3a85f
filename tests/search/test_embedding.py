"""Vectors of services: written once, dropped when out of date, read as they were (Spec: S8.10)."""

from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from catalog.models import Service
from search import embedding
from search.embedding import embed_services
from search.encoder.model import installed_model
from search.models import ServiceVector
from search.retrieval import Lexical, fuse
from search.vectors import ServiceVectors, current_vectors, forget_vectors
from tests.factories.catalog import ServiceFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S8]


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    forget_vectors()
    yield
    forget_vectors()


@pytest.fixture
def piano() -> Service:
    service: Service = ServiceFactory(name="Piano", keywords=["keyboard", "piano lessons"])
    return service


def digest() -> str:
    model = installed_model()
    assert model is not None
    return model.digest


def test_every_text_gets_one_vector_and_again_nothing(piano: Service) -> None:
    written, dropped = embed_services()
    assert (written, dropped) == (ServiceVector.objects.count(), 0)
    kinds = set(ServiceVector.objects.values_list("kind", flat=True))
    assert kinds == {"full", "names", "phrase"}
    assert embed_services() == (0, 0)


def test_a_changed_service_is_encoded_again_and_the_old_text_goes(piano: Service) -> None:
    embed_services()
    before = ServiceVector.objects.count()
    Service.objects.filter(pk=piano.pk).update(description="Eighty-eight keys.")
    assert embed_services() == (1, 1)
    assert ServiceVector.objects.count() == before


def test_another_model_replaces_every_vector(piano: Service) -> None:
    embed_services()
    count = ServiceVector.objects.count()
    ServiceVector.objects.update(model_digest="another")
    assert current_vectors(digest()) is None
    assert embed_services() == (count, count)


def test_vectors_of_inactive_services_go(piano: Service) -> None:
    embed_services()
    count = ServiceVector.objects.count()
    Service.objects.filter(pk=piano.pk).update(is_active=False)
    assert embed_services() == (0, count)


def test_without_weights_nothing_changes(piano: Service) -> None:
    with patch.object(embedding, "installed_model", return_value=None):
        assert embed_services() == (0, 0)


def test_what_is_read_is_what_was_written(piano: Service) -> None:
    ServiceFactory(name="Chess", keywords=["board games"])
    embed_services()
    vectors = current_vectors(digest())
    assert vectors is not None
    place = list(vectors.service_ids).index(piano.pk)
    row = ServiceVector.objects.get(service=piano, kind="names")
    assert np.allclose(vectors.names[place], np.array(row.vector), atol=1e-6)
    assert len(vectors.phrases) == ServiceVector.objects.filter(kind="phrase").count()


def test_a_service_without_a_vector_means_words_alone(piano: Service) -> None:
    embed_services()
    ServiceVector.objects.filter(kind="full").delete()
    assert current_vectors(digest()) is None


def test_the_best_phrase_of_each_service_counts() -> None:
    vectors = ServiceVectors(
        service_ids=[7, 9],
        full=np.array([[1, 0], [0, 1]], np.float32),
        names=np.array([[1, 0], [0, 1]], np.float32),
        phrases=np.array([[0, 1], [1, 0], [0.6, 0.8]], np.float32),
        first_phrases=[0, 2],
    )
    found = vectors.similarities(np.array([1, 0], np.float32))
    assert found == pytest.approx({7: 1.0, 9: 0.2})


def test_words_only_tip_the_scales_of_vectors() -> None:
    """Spec: S8.8"""
    cosines = {1: 0.8, 2: 0.2, 3: 0.75}
    found = fuse(cosines, Lexical({2: 1.0, 3: 0.5}, {2: 1.0, 3: 1.0}, has_whole_match=True))
    assert list(found.scores) == [3, 1, 2]
    assert found.mode == "hybrid"


@pytest.mark.parametrize(
    ("cosine", "trigram", "match"),
    [(0.6, 0, "results"), (0.45, 0.6, "results"), (0.45, 0, "closest"), (0.4, 0, "none"),
     (0.2, 0.9, "none")],
)  # fmt: skip
def test_bands_of_confidence(cosine: float, trigram: float, match: str) -> None:
    """Spec: S8.9"""
    found = Lexical({}, {1: trigram} if trigram else {}, has_whole_match=False)
    assert fuse({1: cosine, 2: 0.1}, found).match == match
