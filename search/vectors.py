"""The vectors of services in memory, and how near a query is to each (Spec: S8.8, S8.12)."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]

_VERSION = "SELECT count(*), coalesce(max(id), 0) FROM search_servicevector WHERE model_digest = %s"
_READ = """
SELECT service_id, string_agg(vector_send(vector), ''::bytea ORDER BY id)
FROM search_servicevector WHERE model_digest = %s AND kind = %s
GROUP BY service_id ORDER BY service_id
"""
# What `vector_send` writes before the numbers: how many they are, and nothing.
_HEAD_BYTES, _NUMBER_BYTES = 4, 4


@dataclass(frozen=True)
class ServiceVectors:
    """Three views of the services: everything said, names, and each phrase by its service.

    Rows of ``full`` and ``names`` belong to ``service_ids``; ``phrases`` from ``first_phrases[n]``
    on belong to the n-th of them.
    """

    service_ids: Sequence[int]
    full: "Vectors"
    names: "Vectors"
    phrases: "Vectors"
    first_phrases: Sequence[int]

    def similarities(self, query: "Vectors") -> Mapping[int, float]:
        """Return for each service the mean cosine of its three views to a query (S8.8)."""
        import numpy as np

        best_phrase = np.maximum.reduceat(self.phrases @ query, self.first_phrases)
        means = (self.full @ query + self.names @ query + best_phrase) / 3
        return dict(zip(self.service_ids, means.tolist(), strict=True))


_lock = threading.Lock()
_kept: tuple[tuple[str, int, int], ServiceVectors | None] | None = None


def current_vectors(digest: str) -> ServiceVectors | None:
    """Return the vectors of one model, read again only when rows came or went.

    None when the model has none, or not for every service: then search works by words.
    """
    global _kept  # noqa: PLW0603 - one copy a process is the point
    if not digest:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_VERSION, [digest])
        version = (digest, *cursor.fetchone())
    with _lock:
        if _kept is None or _kept[0] != version:
            _kept = (version, _load(digest))
        return _kept[1]


def forget_vectors() -> None:
    """Read the vectors again at the next search."""
    global _kept  # noqa: PLW0603
    with _lock:
        _kept = None


def _load(digest: str) -> ServiceVectors | None:
    import numpy as np

    views = {kind: _read(digest, kind) for kind in ("full", "names", "phrase")}
    ids = list(views["full"])
    if not ids or any(list(view) != ids for view in views.values()):
        return None
    rows = {kind: [_numbers(sent) for sent in view.values()] for kind, view in views.items()}
    counts = [len(some) for some in rows["phrase"]]
    return ServiceVectors(
        service_ids=ids,
        full=np.concatenate(rows["full"]),
        names=np.concatenate(rows["names"]),
        phrases=np.concatenate(rows["phrase"]),
        first_phrases=np.cumsum([0, *counts[:-1]]).tolist(),
    )


def _read(digest: str, kind: str) -> dict[int, bytes]:
    with connection.cursor() as cursor:
        cursor.execute(_READ, [digest, kind])
        return dict(cursor.fetchall())


def _numbers(sent: bytes) -> "Vectors":
    """Return the rows that `vector_send` wrote one after the other."""
    import numpy as np

    dimension = int.from_bytes(sent[:2], "big")
    width = _HEAD_BYTES + dimension * _NUMBER_BYTES
    raw = np.frombuffer(sent, np.uint8).reshape(-1, width)[:, _HEAD_BYTES:]
    return np.ascontiguousarray(raw).view(">f4").astype(np.float32)
