"""Encoding documents in the worker, with sentence-transformers where it is installed (S8.10)."""

import os
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from search.encoder.embedder import OnnxEmbedder
from search.encoder.model import MOST_TOKENS, Model, export_model

if TYPE_CHECKING:
    from search.vectors import Vectors

PACKAGE = "sentence_transformers"


class TransformersEmbedder:
    """The model run by sentence-transformers; loaded at the first use."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.digest = model.digest
        self._lock = threading.Lock()
        self._loaded: Any = None

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """Encode the texts in one run. Raises OSError or RuntimeError when the model is broken."""
        encoder = self._encoder()
        vectors: Vectors = encoder.encode(
            list(texts), normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False
        )
        return vectors

    def _encoder(self) -> Any:
        with self._lock:
            if self._loaded is None:
                from sentence_transformers import SentenceTransformer

                self._loaded = SentenceTransformer(
                    str(self.model.folder), device="cpu", local_files_only=True
                )
                self._loaded.max_seq_length = MOST_TOKENS
            return self._loaded


def document_embedder(model: Model) -> TransformersEmbedder | OnnxEmbedder:
    """Return what encodes services and offers; never called in a web process.

    Without sentence-transformers the ONNX graph encodes them too, in the same space. The graph is
    written either way, because queries are encoded with it.
    """
    export_model(model)
    if find_spec(PACKAGE) is not None:
        return TransformersEmbedder(model)
    return OnnxEmbedder(model, threads=os.cpu_count() or 1)
