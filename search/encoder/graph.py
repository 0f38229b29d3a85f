"""The query encoder as an ONNX graph, made from the installed weights without torch (Spec: S8.10).

The weights come as a BERT of some layers with mean pooling; the graph does the same sums, pools
over the words that are there and scales to length one. ``onnx`` is imported here alone: processes
that only encode never need it.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

# The first operator set that knows Gelu and LayerNormalization.
OPERATORS, FORMAT = 20, 10
# Constants of fewer bytes stay in the graph.
LARGE = 1024
MASKED = np.float32(-1e9)

Array = npt.NDArray[Any]


class _Graph:
    """Collects nodes and constants; every step returns the name of its result."""

    def __init__(self, weights: Mapping[str, Array], epsilon: float) -> None:
        self.weights = weights
        self.epsilon = epsilon
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, name: str, value: Array) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def step(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], **attributes))
        return name

    def dense(self, value: str, name: str) -> str:
        kernel = self.constant(f"{name}.kernel", self.weights[f"{name}.weight"].T)
        bias = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.step("Add", self.step("MatMul", value, kernel), bias)

    def norm(self, value: str, name: str) -> str:
        scale = self.constant(f"{name}.scale", self.weights[f"{name}.weight"])
        bias = self.constant(f"{name}.bias", self.weights[f"{name}.bias"])
        return self.step("LayerNormalization", value, scale, bias, axis=-1, epsilon=self.epsilon)


def write_graph(folder: Path, path: Path) -> None:
    """Write the graph of ``build_graph`` with its weights in a file beside it.

    A process that encodes maps that file into its memory: of the words, which are half of it, only
    those that are asked for are ever read.
    """
    onnx.save_model(
        build_graph(folder),
        path,
        save_as_external_data=True,
        location="weights",
        size_threshold=LARGE,
    )


def build_graph(folder: Path) -> ModelProto:
    """Return the encoder whose weights lie in a folder: (ids, mask) -> vectors of length one.

    Raises FileNotFoundError without weights and KeyError when they are of another family.
    """
    shape = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    graph = _Graph(load_file(folder / "model.safetensors"), shape["layer_norm_eps"])
    mask = graph.step("Cast", "mask", to=TensorProto.FLOAT)
    hidden = _embed(graph)
    hidden_words = _hide_padding(graph, mask)
    graph.constant("heads", np.array([0, 0, shape["num_attention_heads"], -1], np.int64))
    graph.constant("joined", np.array([0, 0, shape["hidden_size"]], np.int64))
    head_size = shape["hidden_size"] // shape["num_attention_heads"]
    graph.constant("head_scale", np.array(1 / math.sqrt(head_size), np.float32))
    for number in range(shape["num_hidden_layers"]):
        hidden = _layer(graph, hidden, hidden_words, f"encoder.layer.{number}")
    _pool(graph, hidden, mask)
    return _model(graph, shape["hidden_size"])


def _embed(graph: _Graph) -> str:
    words = graph.constant("words", graph.weights["embeddings.word_embeddings.weight"])
    # One sentence alone: the row of the first sentence is part of every place.
    places = (
        graph.weights["embeddings.position_embeddings.weight"]
        + graph.weights["embeddings.token_type_embeddings.weight"][0]
    )
    first, rows = graph.constant("first", np.zeros(1, np.int64)), graph.constant("places", places)
    length = graph.step("Shape", "ids", start=1, end=2)
    here = graph.step("Slice", rows, first, length, first)
    said = graph.step("Add", graph.step("Gather", words, "ids"), here)
    return graph.norm(said, "embeddings.LayerNorm")


def _hide_padding(graph: _Graph, mask: str) -> str:
    """Return what is added to the attention: nothing for words, far below all for padding."""
    one = graph.constant("one", np.array(1, np.float32))
    far = graph.constant("far", np.array(MASKED, np.float32))
    axes = graph.constant("head_axes", np.array([1, 2], np.int64))
    return graph.step(
        "Unsqueeze", graph.step("Mul", graph.step("Sub", one, mask), far), axes
    )  # fmt: skip


def _layer(graph: _Graph, value: str, hidden_words: str, name: str) -> str:
    def heads(part: str, *order: int) -> str:
        projected = graph.dense(value, f"{name}.attention.self.{part}")
        return graph.step("Transpose", graph.step("Reshape", projected, "heads"), perm=order)

    alike = graph.step("MatMul", heads("query", 0, 2, 1, 3), heads("key", 0, 2, 3, 1))
    scaled = graph.step("Add", graph.step("Mul", alike, "head_scale"), hidden_words)
    read = graph.step(
        "MatMul", graph.step("Softmax", scaled, axis=-1), heads("value", 0, 2, 1, 3)
    )  # fmt: skip
    joined = graph.step("Reshape", graph.step("Transpose", read, perm=[0, 2, 1, 3]), "joined")
    attended = graph.dense(joined, f"{name}.attention.output.dense")
    first = graph.norm(
        graph.step("Add", attended, value), f"{name}.attention.output.LayerNorm"
    )  # fmt: skip
    inner = graph.step("Gelu", graph.dense(first, f"{name}.intermediate.dense"))
    outer = graph.step("Add", graph.dense(inner, f"{name}.output.dense"), first)
    return graph.norm(outer, f"{name}.output.LayerNorm")


def _pool(graph: _Graph, hidden: str, mask: str) -> None:
    """Take the mean over the words that are there, at length one."""
    last, words = graph.constant("last", np.array([-1], np.int64)), np.array([1], np.int64)
    over_words = graph.constant("over_words", words)
    weighted = graph.step("Mul", hidden, graph.step("Unsqueeze", mask, last))
    total = graph.step("ReduceSum", weighted, over_words, keepdims=0)
    # The direction of the sum is that of the mean, and length one is taken anyway.
    graph.nodes.append(helper.make_node("LpNormalization", [total], ["vectors"], axis=-1, p=2))


def _model(graph: _Graph, size: int) -> ModelProto:
    whole = TensorProto.INT64
    built = helper.make_graph(
        graph.nodes,
        "query_encoder",
        [
            helper.make_tensor_value_info(name, whole, ["texts", "words"])
            for name in ("ids", "mask")
        ],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["texts", size])],
        graph.constants,
    )
    return helper.make_model(
        built, opset_imports=[helper.make_opsetid("", OPERATORS)], ir_version=FORMAT
    )
