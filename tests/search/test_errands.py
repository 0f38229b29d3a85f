"""What is wanted done is not what is wanted learnt (Spec: S8.9)."""

import pytest

from search.errands import is_errand, is_not_taught

pytestmark = pytest.mark.S8


@pytest.mark.parametrize(
    "query",
    ["pizza delivery", "rent a car", "emergency dentist", "cheap flights", "nanny full time"],
)
def test_errands_and_trades_are_no_lessons(query: str) -> None:
    assert is_errand(query.split(), query.split())


@pytest.mark.parametrize(
    "query",
    ["how to repair a bike", "babysitter training", "english for nannies", "piano", "", "chess 2"],
)
def test_whoever_wants_to_learn_it_is_understood(query: str) -> None:
    assert not is_errand(query.split(), query.split())


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("bar mitzvah", False),
        ("tennis clinic", False),
        ("clinic", True),
        ("bar clinic", True),
        ("table clinic", True),
        ("buy tennis", True),
        ("tennis tickets", True),
        ("calculus", False),
    ],
)
def test_a_name_of_the_catalogue_beside_or_around_is_no_errand(
    subject: str, expected: bool
) -> None:
    """Spec: S8.2, S8.9"""
    names = [frozenset({"bar", "bat", "mitzvah", "prep"}), frozenset({"tennis"})]
    names.append(frozenset({"table", "tennis"}))
    assert is_errand(subject.split(), subject.split(), names) is expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("drive", True),
        ("driving", True),
        ("parallel parking", True),
        ("golf driving", False),
        ("scuba", True),
        ("", False),
    ],
)
def test_what_the_catalogue_does_not_have_is_no_close_match(query: str, expected: bool) -> None:
    """Spec: S8.1: "learn to drive" is neither golf nor drums."""
    assert is_not_taught(query.split()) is expected
