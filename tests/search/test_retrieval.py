"""Lexical retrieval over the catalogue, and what happens when the database is slow."""

import pytest
from django.core.management import call_command
from django.db import OperationalError

from search import retrieval
from search.snapshot import load_snapshot

pytestmark = [pytest.mark.django_db, pytest.mark.S8]


class QueryCancelledError(Exception):
    sqlstate = "57014"


def test_words_find_their_service_and_nonsense_finds_none():
    """Spec: S8.8, S8.9."""
    call_command("import_catalog", verbosity=0)
    snapshot = load_snapshot()
    found = retrieval.retrieve_services("jazz piano", snapshot)
    assert snapshot.services[next(iter(found.scores))].name == "Jazz Piano"
    assert found.match == "results"
    assert retrieval.retrieve_services("zzzz qqqq", snapshot).match == "none"


def test_operators_of_the_query_language_are_only_words():
    """Spec: S8.11."""
    call_command("import_catalog", verbosity=0)
    snapshot = load_snapshot()
    for text in ("piano & | ! ( :*", "' or 1=1 --", "a <-> b", "\\"):
        retrieval.retrieve_services(text, snapshot)


def test_a_slow_database_answers_from_memory(monkeypatch):
    """Spec: S8.11."""
    call_command("import_catalog", verbosity=0)
    snapshot = load_snapshot()

    def too_slow(text):
        raise OperationalError from QueryCancelledError()

    monkeypatch.setattr(retrieval, "_ask_database", too_slow)
    found = retrieval.retrieve_services("jazz piano", snapshot)
    assert "Jazz Piano" in {snapshot.services[pk].name for pk in list(found.scores)[:3]}


def test_fusing_keeps_the_order_of_better_scores():
    """Spec: S8.8."""
    found = retrieval.fuse_words(retrieval.Lexical({1: 0.9, 2: 0.3}, {2: 0.9, 3: 0.5}, False))
    assert list(found.scores)[:2] == [1, 2]
    assert found.match == "results"
