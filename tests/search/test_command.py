"""The search for machines: one JSON line in, one out (Spec: S8.14)."""

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from analytics.models import SearchEvent
from search.models import SearchHistory
from tests.search.builders import fresh_catalogue, pianist

pytestmark = [pytest.mark.django_db, pytest.mark.S8]

NOW = "2026-01-14T10:00:00-05:00"
KEYS = {"id", "services", "constraints", "instructors", "took_ms", "match", "mode"}


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    with fresh_catalogue():
        yield


def _answers(monkeypatch: pytest.MonkeyPatch, *lines: str) -> tuple[list[dict[str, Any]], int]:
    """Return what is printed for these lines, and the exit code."""
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    out, code = io.StringIO(), 0
    try:
        call_command("search", jsonl=True, now=NOW, stdout=out)
    except CommandError as error:
        code = error.returncode
    return [json.loads(line) for line in out.getvalue().splitlines()], code


def test_each_line_has_one_answer_with_what_was_understood(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S8.14: exactly the keys of S8.1 that were said; nothing is kept of it."""
    pianist("Zoe")
    asked = {"id": "a", "q": "piano for my 6 year old tomorrow after 5 under $90"}
    (found,), code = _answers(monkeypatch, json.dumps(asked))
    assert code == 0
    assert found.keys() == KEYS
    assert (found["id"], found["match"], found["services"]) == ("a", "results", ["Piano"])
    assert found["instructors"] == ["zoe-c"]
    assert found["constraints"] == {
        "max_price": 90, "age": 6, "date_expr": ["2026-01-15"], "time_after": "17:00",
    }  # fmt: skip
    assert not SearchHistory.objects.exists()
    assert not SearchEvent.objects.exists()


def test_without_a_match_no_service_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """S8.14"""
    pianist()
    (found,), code = _answers(monkeypatch, '{"id": 1, "q": "plumber in brooklyn"}')
    assert code == 0
    assert (found["match"], found["services"], found["instructors"]) == ("none", [], [])


@pytest.mark.parametrize(
    "line", ["no json", "[1]", '{"id": 3}', '{"id": 3, "q": 5}', "[" * 100_000]
)
def test_a_malformed_line_is_told_and_the_others_answered(
    monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    """S8.14: null and the error, exit 1 at the end."""
    pianist()
    (first, second), code = _answers(monkeypatch, line, '{"id": 2, "q": "piano"}')
    assert code == 1
    assert first["id"] is None
    assert first["error"]
    assert second["services"] == ["Piano"]
