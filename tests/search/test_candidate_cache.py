"""What words mean is found once and remembered for ten minutes (Spec: S8.12)."""

from collections.abc import Iterator

import pytest

from search import candidate_cache
from search.candidate_cache import forget_candidates, remembered
from search.retrieval import Candidates

pytestmark = pytest.mark.S8
FOUND = Candidates({1: 1.0}, "results")


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    forget_candidates()
    yield
    forget_candidates()


class _Finder:
    def __init__(self, found: Candidates = FOUND) -> None:
        self.asked, self.found = 0, found

    def __call__(self) -> Candidates:
        self.asked += 1
        return self.found


def test_the_same_words_are_asked_once_and_others_again() -> None:
    find = _Finder()
    for _ in range(3):
        assert remembered(("v1", "hybrid", "piano", "piano"), find) is FOUND
    assert find.asked == 1
    remembered(("v2", "hybrid", "piano", "piano"), find)
    assert find.asked == 2


def test_it_is_forgotten_after_ten_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    find, now = _Finder(), [1000.0]
    monkeypatch.setattr(candidate_cache.time, "monotonic", lambda: now[0])
    remembered(("v1",), find)
    now[0] += 599
    remembered(("v1",), find)
    now[0] += 1
    remembered(("v1",), find)
    assert find.asked == 2


def test_what_was_found_in_an_emergency_is_not_kept() -> None:
    find = _Finder(Candidates({1: 1.0}, "results", is_makeshift=True))
    remembered(("v1",), find)
    remembered(("v1",), find)
    assert find.asked == 2


def test_it_never_grows_beyond_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate_cache, "MOST", 2)
    find = _Finder()
    for word in ("a", "b", "a", "c", "a", "b"):
        remembered((word,), find)
    assert find.asked == 4
