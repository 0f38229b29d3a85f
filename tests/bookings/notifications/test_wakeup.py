"""One wake-up for all that a transaction writes (Spec: R15, S4.1)."""

from typing import Any

import pytest
from django.db import transaction

from bookings.notifications import wakeup

pytestmark = [pytest.mark.S4, pytest.mark.django_db]


@pytest.fixture
def woken() -> list[str]:
    return []


def test_many_rows_wake_once(woken: list[str], django_capture_on_commit_callbacks: Any) -> None:
    def wake() -> None:
        woken.append("relay")

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        for _ in range(3):
            wakeup.wake_after_commit(wake)
    assert woken == ["relay"]


def test_what_is_rolled_back_takes_nobody_elses_wake_up_along(
    woken: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    def wake() -> None:
        woken.append("relay")

    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        with pytest.raises(ValueError), transaction.atomic():
            wakeup.wake_after_commit(wake)
            raise ValueError
        wakeup.wake_after_commit(wake)
    assert woken == ["relay"]
