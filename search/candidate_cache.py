"""Which services words mean, remembered for ten minutes (Spec: S8.12).

Only the catalogue decides it: prices, times and people are looked up anew by every search. The
version of the catalogue is part of the key, so nothing outlives a change for longer than the
snapshot does.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from search.retrieval import Candidates

LIFETIME_SECONDS = 600
MOST = 2048

_lock = threading.Lock()
_kept: OrderedDict[tuple[str, ...], tuple[float, Candidates]] = OrderedDict()


def remembered(key: tuple[str, ...], find: Callable[[], Candidates]) -> Candidates:
    """Return the candidates of a key, found anew when they are too old or unknown.

    What was found while the database or the model failed is not kept: ``mode`` tells.
    """
    now = time.monotonic()
    with _lock:
        known = _kept.get(key)
        if known is not None and now - known[0] < LIFETIME_SECONDS:
            _kept.move_to_end(key)
            return known[1]
    found = find()
    if not found.is_makeshift:
        with _lock:
            _kept[key] = (now, found)
            while len(_kept) > MOST:
                _kept.popitem(last=False)
    return found


def forget_candidates() -> None:
    """Find everything anew."""
    with _lock:
        _kept.clear()
