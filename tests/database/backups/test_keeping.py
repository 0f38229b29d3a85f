"""Which backups are kept. Spec: S19.1"""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instainstru.database.backups import keeping
from instainstru.database.backups.manifest import Manifest

pytestmark = pytest.mark.S19

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)


def backup(age: timedelta, *, is_verified: bool = False, name: str = "") -> Manifest:
    created = NOW - age
    return Manifest(
        name=name or f"stg-{created:%Y%m%dT%H%M%S%f}",
        tier="stg",
        database="shop",
        system_identifier="1",
        database_oid=1,
        created_at=created.isoformat(),
        reason="t",
        git_sha="",
        server_version=180000,
        schema_version="",
        migrations=[],
        tables={},
        size=1,
        sha256="",
        verified_at=NOW.isoformat() if is_verified else "",
    )


def ages(items: list[Manifest]) -> list[int]:
    return sorted((NOW - item.created).days for item in items)


def kept(items: list[Manifest]) -> list[Manifest]:
    gone = {item.name for item in keeping.superfluous(items, NOW)}
    return [item for item in items if item.name not in gone]


def test_of_nightly_backups_seven_days_and_four_weeks_stay() -> None:
    nightly = [backup(timedelta(days=age, hours=1)) for age in range(60)]
    # 26 November 2026 is a Thursday: the weeks end with the nights to Sundays.
    assert ages(kept(nightly)) == [0, 1, 2, 3, 4, 5, 6, 11, 18]


def test_of_one_day_the_newest_stays() -> None:
    many = [backup(timedelta(hours=hours)) for hours in range(4)]
    assert [item.name for item in kept(many)] == [many[0].name]


def test_days_are_new_yorks() -> None:
    """04:30 UTC is the evening before in New York."""
    first = backup(NOW - datetime(2026, 11, 25, 4, 30, tzinfo=UTC))
    second = backup(NOW - datetime(2026, 11, 24, 6, 0, tzinfo=UTC))
    assert kept([first, second]) == [first]


def test_the_last_verified_one_stays_however_old_it_is() -> None:
    proved = backup(timedelta(days=90), is_verified=True)
    older = backup(timedelta(days=91), is_verified=True)
    broken = [backup(timedelta(days=age)) for age in range(10)]
    assert proved in kept([*broken, proved, older])
    assert older not in kept([*broken, proved, older])


@given(st.lists(st.tuples(st.integers(0, 100 * 24), st.booleans()), max_size=40))
def test_in_any_pile_few_stay_and_the_proved_one_is_among_them(
    pile: list[tuple[int, bool]],
) -> None:
    items = [
        backup(timedelta(hours=hours), is_verified=is_verified, name=f"{number}")
        for number, (hours, is_verified) in enumerate(pile)
    ]
    left = kept(items)
    proved = [item for item in items if item.verified_at]
    assert len(left) <= keeping.DAYS + keeping.WEEKS + 1
    assert [item for item in left if NOW - item.created > keeping.OLDEST] == [] or proved
    if proved:
        newest = max(item.created for item in proved)
        assert any(item.verified_at and item.created == newest for item in left)
    if items and min(pile)[0] <= 35 * 24:
        assert max(items, key=lambda item: item.created).created in [item.created for item in left]
