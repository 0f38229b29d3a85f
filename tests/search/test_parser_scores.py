"""Constraints over whole sets of queries: floors that a change of the grammar must hold."""

import json
from typing import Any

import pytest

from tests.search.catalogue import QUERIES, constraints

pytestmark = pytest.mark.S8

F1_FLOOR = 0.95
ALL_RIGHT_FLOOR = 0.92


def _scores(name: str) -> tuple[float, float, list[str]]:
    """Return micro F1 over keys, the share of queries all right, and the failures."""
    right = wrong = missed = 0
    failures: list[str] = []
    lines = (QUERIES / name).read_text(encoding="utf-8").splitlines()
    for line in lines:
        row: dict[str, Any] = json.loads(line)
        keep = [key for key in row["expected"] if key not in row.get("dont_care", ())]
        expected = {key: row["expected"][key] for key in keep}
        found = {
            key: value
            for key, value in constraints(row["q"]).items()
            if key not in row.get("dont_care", ())
        }
        hits = sum(found.get(key) == value for key, value in expected.items())
        right, wrong, missed = (
            right + hits,
            wrong + len(found) - hits,
            missed + len(expected) - hits,
        )
        if found != expected:
            failures.append(f"{row['q']}: {found} instead of {expected}")
    return 2 * right / (2 * right + wrong + missed), 1 - len(failures) / len(lines), failures


@pytest.mark.parametrize(
    "name",
    ["dev_queries.jsonl", "own_queries.jsonl", "heldout_queries.jsonl", "street_queries.jsonl"],
)
def test_constraints_hold_their_floors(name: str) -> None:
    """Spec: S8.1"""
    f1, all_right, failures = _scores(name)
    assert f1 >= F1_FLOOR, failures
    assert all_right >= ALL_RIGHT_FLOOR, failures
