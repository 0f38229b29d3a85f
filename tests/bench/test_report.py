"""The figures of a report, on sample numbers."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.bench import report
from tests.bench.load import Load
from tests.bench.report import Sample, Spread
from tests.bench.rows import EARLY, LIVE, Goal, Row

pytestmark = pytest.mark.S18
PAGE = Row("page", "a page", goals=(Goal("P1", EARLY, 0.5), Goal("P5", LIVE, 20.0)))
ROWS = [Row(EARLY, "E", is_floor=True), Row(LIVE, "L", is_floor=True), PAGE]


def sample(rate: float) -> Sample:
    load = Load(int(rate), 1.0, bytes=int(rate) * 2500, failed=0, p50_ms=1.0, p99_ms=4.0)
    return Sample(load, app_ms=0.5, data_ms=0.25, foreign_cores=0.1)


def samples(page: list[int]) -> dict[str, list[Sample]]:
    rates = {EARLY: [1000, 500, 100], LIVE: [10, 10, 10], "page": page}
    return {key: [sample(rate) for rate in row] for key, row in rates.items()}


TOLD_NOTHING = {"known_ms": 150.5, "unknown_ms": 150.0, "difference_ms": 0.5, "noise_ms": 4.0}


def result(page: list[int], **changes: Any) -> dict[str, Any]:
    machine = {"processor": "Abacus", "cores": 2, "memory": "4 kB", "system": "Linux"}
    machine |= {"python": "3.11", "commit": "abc", "has_changes": True, "load_average": [0.1]}
    return {
        "version": report.VERSION,
        "measured_at": "2026-11-26T10:00Z",
        "machine": machine,
        "rounds": 3,
        "seconds": 1,
        "instructors": 2000,
        "connect": {"plain_ms": 3.0, "gated_ms": 4.5, "overhead_ms": 1.5},
        "sign_in": TOLD_NOTHING,
        "reconcile": {"charges": 40_000, "seconds": 20.0},
        "rows": report.summarise(ROWS, samples(page)),
        **changes,
    }


def test_ratios_are_formed_within_each_round() -> None:
    """A slow spell that hits page and floor alike does not change the ratio. S18.1."""
    rates = samples([500, 250, 50])
    assert report.ratios(rates["page"], rates[EARLY]) == Spread(0.5, 0.5, 0.5)
    assert report.ratios(rates["page"], rates[LIVE]) == Spread(25.0, 5.0, 50.0)


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(0.5, "ok"), (0.49, "WARN"), (0.45, "WARN"), (0.44, "MISS")]
)
def test_verdict_warns_within_a_tenth_of_the_goal(ratio: float, verdict: str) -> None:
    assert report.verdict(Goal("P1", EARLY, 0.5), ratio) == verdict


def test_summary_holds_medians_ranges_and_verdicts() -> None:
    page = result([500, 250, 50])["rows"][-1]
    assert page["rate"] == {"median": 250.0, "least": 50.0, "most": 500.0}
    assert page["kb"] == 2.5
    assert [goal["verdict"] for goal in page["goals"]] == ["ok", "ok"]


def test_a_missed_goal_and_a_slow_gate_fail_the_run() -> None:
    assert not report.has_missed(result([500, 250, 50]))
    assert report.has_missed(result([400, 200, 40]))
    slow = {"plain_ms": 3.0, "gated_ms": 6.5, "overhead_ms": 3.5}
    assert report.has_missed(result([500, 250, 50], connect=slow))


def test_a_sign_in_whose_time_tells_who_has_an_account_fails_the_run() -> None:
    """S17.2"""
    told = TOLD_NOTHING | {"difference_ms": 4.1}
    assert report.has_missed(result([500, 250, 50], sign_in=told))


def test_books_that_are_compared_too_slowly_fail_the_run() -> None:
    """S14.3: 10,000 charges within a minute."""
    slow = {"charges": 40_000, "seconds": 241.0}
    assert report.has_missed(result([500, 250, 50], reconcile=slow))
    assert "60.2 s for 10,000" in report.reconcile_words(slow)


def test_a_loss_of_more_than_a_fifth_is_flagged() -> None:
    """S18.1"""
    last = result([500, 250, 50])
    assert report.regressions(result([410, 205, 41]), last) == []
    assert report.regressions(result([390, 195, 39]), last) == ["a page: 19.50 L, was 25.00 L"]
    assert report.regressions(result([390, 195, 39], instructors=50), last) == []
    assert report.regressions(result([390, 195, 39]), None) == []


def test_the_report_is_written_for_machines_and_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S18.1: machine, commit and numbers."""
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr(report, "DOCUMENT", tmp_path / "benchmarks.md")
    path, document = report.write(result([500, 250, 50]), ["a page: slow"])
    assert report.last_report() == json.loads(path.read_text()) == result([500, 250, 50])
    text = document.read_text()
    for words in (
        "Abacus, 2 cores",
        "commit abc with uncommitted changes",
        "| a page | 250 [50-500] | 1.0 | 4.0 | 0.50 | 0.25 | 2.5 | 0.500 | 25.00 [5.00-50.00] |",
        "P1: 0.5 E ok; P5: 20 L ok",
        "the gate adds 1.50 ms",
        "20.0 s for\n40,000 charges: 5.0 s for 10,000",
        "- a page: slow",
        "Not measured yet",
    ):
        assert words in text
    assert "Other programs" not in text
