"""Encoding texts: with the model, or not at all while it is missing or slow (Spec: S8.10)."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from search.encoder.model import MOST_TOKENS, Model, installed_model

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]

log = structlog.get_logger(__name__)

SLOWEST_SECONDS = 0.150
FAILURES_TO_OPEN, OPEN_SECONDS = 3, 30.0


class Embedder(Protocol):
    """Turns texts into vectors of length one, a row each; None when it cannot now."""

    digest: str

    def encode(self, texts: Sequence[str]) -> "Vectors | None":
        """Encode the texts together."""


class NullEmbedder:
    """Without a model: search works by words alone ("lexical mode")."""

    digest = ""

    def encode(self, texts: Sequence[str]) -> None:
        """Return nothing."""


class OnnxEmbedder:
    """The model run by ONNX; loaded at the first use, so after a fork.

    One thread by default: more threads of one query would take them from other queries.
    """

    def __init__(self, model: Model, *, threads: int = 1) -> None:
        self.model = model
        self.threads = threads
        self.digest = model.digest
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """Encode the texts in one run. Raises OSError or RuntimeError when the model is broken."""
        import numpy as np

        tokenizer, session = self.load()
        read = tokenizer.encode_batch(list(texts))
        inputs = {
            "ids": np.array([one.ids for one in read], np.int64),
            "mask": np.array([one.attention_mask for one in read], np.int64),
        }
        vectors: Vectors = session.run(None, inputs)[0]
        return vectors

    def load(self) -> tuple[Any, Any]:
        """Read the graph and the tokenizer once."""
        with self._lock:
            if self._loaded is None:
                self._loaded = _tokenizer(self.model), _session(self.model, self.threads)
            return self._loaded


def _tokenizer(model: Model) -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model.folder / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.enable_padding()
    return tokenizer


def _session(model: Model, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(model.graph_path), options, providers=["CPUExecutionProvider"]
    )


class Breaker:
    """Stops asking an embedder that fails or takes longer than 150 ms three times in a row."""

    def __init__(
        self, embedder: Embedder, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.embedder = embedder
        self.digest = embedder.digest
        self._clock = clock
        self._failures = 0
        self._closed_from = float("-inf")

    @property
    def is_open(self) -> bool:
        """Tell whether the embedder is left alone now."""
        return self._clock() < self._closed_from

    def encode(self, texts: Sequence[str]) -> "Vectors | None":
        """Encode the texts; None while open or when it fails."""
        if self.is_open:
            return None
        started = self._clock()
        try:
            vectors = self.embedder.encode(texts)
        except Exception:  # whatever a broken model raises, search goes on by words
            log.exception("encoder_failed")
            self._failed()
            return None
        if self._clock() - started > SLOWEST_SECONDS:
            self._failed()
        else:
            self._failures = 0
        return vectors

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= FAILURES_TO_OPEN:
            self._failures = 0
            self._closed_from = self._clock() + OPEN_SECONDS
            log.warning("encoder_left_alone", seconds=OPEN_SECONDS)


_lock = threading.Lock()
_query_embedder: Breaker | None = None


def query_embedder() -> Breaker:
    """Return the encoder of this process's queries; without a graph one that encodes nothing.

    A graph that the worker writes later is found then.
    """
    global _query_embedder  # noqa: PLW0603 - one model a process is the point
    with _lock:
        if _query_embedder is None or not _query_embedder.digest:
            model = installed_model()
            is_ready = model is not None and model.graph_path.is_file()
            _query_embedder = Breaker(
                OnnxEmbedder(model) if model is not None and is_ready else NullEmbedder()
            )
        return _query_embedder


def warm_up() -> threading.Thread:
    """Load the model beside the first requests, before a search needs it."""
    thread = threading.Thread(target=_load_model, name="encoder", daemon=True)
    thread.start()
    return thread


def _load_model() -> None:
    embedder = query_embedder().embedder
    if isinstance(embedder, OnnxEmbedder):
        try:
            embedder.encode(["piano"])
        except Exception:  # a search that needs it will say so again
            log.exception("encoder_failed")


def forget_embedder() -> None:
    """Look for the model again at the next query."""
    global _query_embedder  # noqa: PLW0603
    with _lock:
        _query_embedder = None
