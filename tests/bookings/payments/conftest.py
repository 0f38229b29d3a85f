"""Threads that really meet at the database."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from catalog.models import Policy


@pytest.fixture
def first_policy(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Keep the row that a migration wrote: emptying the tables takes it away."""
    with django_db_blocker.unblock():
        _ensure_policy()
    yield
    with django_db_blocker.unblock():
        _ensure_policy()


def _ensure_policy() -> None:
    if not Policy.objects.exists():
        Policy.objects.create()
    connection.close()


@pytest.fixture
def committed_db(first_policy: None, transactional_db: None) -> None:
    """A database in which transactions really commit."""


def in_parallel(calls: list[Callable[[], Any]]) -> list[Any]:
    """Run the calls at once, each in its own connection; an exception is its call's result."""
    barrier = threading.Barrier(len(calls), timeout=30)

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return call()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return list(pool.map(run, calls))
