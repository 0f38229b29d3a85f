"""What words mean, remembered for ten minutes: services, and their vector (Spec: S8.12).

Only the catalogue and the model decide it: prices, times and people are looked up anew by every
search. The version of the catalogue, or of the model, is part of the key, so nothing outlives a
change for longer than the snapshot does.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from search.retrieval import Candidates

if TYPE_CHECKING:
    from search.encoder.embedder import Vectors

LIFETIME_SECONDS = 600
MOST = 2048

Found = TypeVar("Found")


class _Memory(Generic[Found]):
    """Answers by key; the longest unused goes when there are too many."""

    def __init__(self, is_worth_keeping: Callable[[Found], bool]) -> None:
        self._is_worth_keeping = is_worth_keeping
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], tuple[float, Found]] = OrderedDict()

    def __call__(self, key: tuple[str, ...], find: Callable[[], Found]) -> Found:
        now = time.monotonic()
        with self._lock:
            known = self._kept.get(key)
            if known is not None and now - known[0] < LIFETIME_SECONDS:
                self._kept.move_to_end(key)
                return known[1]
        found = find()
        if self._is_worth_keeping(found):
            with self._lock:
                self._kept[key] = (now, found)
                while len(self._kept) > MOST:
                    self._kept.popitem(last=False)
        return found

    def forget(self) -> None:
        with self._lock:
            self._kept.clear()


_candidates = _Memory[Candidates](lambda found: not found.is_makeshift)
_vectors = _Memory["Vectors | None"](lambda found: found is not None)


def remembered(key: tuple[str, ...], find: Callable[[], Candidates]) -> Candidates:
    """Return the candidates of a key, found anew when they are too old or unknown.

    What was found while the database or the model failed is not kept: ``mode`` tells.
    """
    return _candidates(key, find)


def remembered_vector(
    key: tuple[str, ...], find: Callable[[], "Vectors | None"]
) -> "Vectors | None":
    """Return the vector of a key, encoded anew when unknown; a model that failed is asked again."""
    return _vectors(key, find)


def forget_candidates() -> None:
    """Find everything anew."""
    _candidates.forget()
    _vectors.forget()
