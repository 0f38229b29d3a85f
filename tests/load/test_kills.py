"""SIGKILL of web, worker, Valkey and PostgreSQL while people book (Spec: 05 section 1)."""

import pytest

from tests.load import kills


@pytest.mark.slow
@pytest.mark.S14
def test_nothing_acknowledged_is_lost_or_doubled_when_processes_are_killed() -> None:
    """S14.13, R15: a small run of ``bin/stress kills``, each target once."""
    found = kills.run(bookings=60, rounds=1, seed=1, instructors=40)

    assert found["booked"] == 60
    assert set(found["killed"]) == set(kills.TARGETS)
    assert not any(found["must_be_nothing"].values()), found
