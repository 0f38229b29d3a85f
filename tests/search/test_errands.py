"""What is wanted done is not what is wanted learnt (Spec: S8.9)."""

import pytest

from search.errands import is_errand

pytestmark = pytest.mark.S8


@pytest.mark.parametrize(
    "query",
    ["pizza delivery", "rent a car", "emergency dentist", "cheap flights", "nanny full time"],
)
def test_errands_and_trades_are_no_lessons(query: str) -> None:
    assert is_errand(query.split())


@pytest.mark.parametrize(
    "query",
    ["how to repair a bike", "babysitter training", "english for nannies", "piano", "", "chess 2"],
)
def test_whoever_wants_to_learn_it_is_understood(query: str) -> None:
    assert not is_errand(query.split())
