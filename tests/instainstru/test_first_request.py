"""What a process does before its first visitor."""

import gc
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.db import OperationalError

from catalog.models import Policy
from instainstru import first_request
from tests.factories.catalog import OfferingFactory

pytestmark = pytest.mark.S16


@pytest.mark.django_db(transaction=True)
def test_public_pages_are_asked_for_and_answer() -> None:
    if not Policy.objects.exists():
        Policy.objects.create()
    OfferingFactory()
    assert first_request.open_pages(WSGIHandler()) == ["200 OK", "200 OK"]


def test_a_process_starts_without_its_database() -> None:
    def broken(*_: Any) -> list[bytes]:
        raise OperationalError("nobody there")

    assert first_request.open_pages(broken) == []


def test_templates_of_pages_are_compiled_and_those_of_mails_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(first_request, "get_template", asked.append)
    assert first_request.compile_templates() == len(asked)
    assert {"lessons/times.html", "search/results.html"} <= set(asked)
    assert not any(name.startswith("mail/") for name in asked)


def test_what_is_loaded_is_left_out_of_collections() -> None:
    """P13: a request never waits for a walk over code and templates."""
    before = gc.get_freeze_count()
    try:
        first_request.keep_loaded()
        assert gc.get_freeze_count() > before + 100_000
    finally:
        gc.unfreeze()
