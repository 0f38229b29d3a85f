"""Which backups are kept. Spec: S19.1"""

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from instainstru.database.backups.manifest import Manifest

ZONE: Final = ZoneInfo("America/New_York")
DAYS: Final = 7
WEEKS: Final = 4
OLDEST: Final = timedelta(days=35)

Period = Callable[[datetime], Hashable]


def superfluous(backups: Iterable[Manifest], now: datetime) -> list[Manifest]:
    """Return which of one tier's backups may go, oldest first.

    Kept are the newest of each of the last 7 days and 4 weeks that have one, nothing older than
    35 days, and always the last verified one: New York's days, weeks from Monday.
    """
    newest_first = sorted(backups, key=lambda item: item.created, reverse=True)
    young = [item for item in newest_first if now - item.created <= OLDEST]
    kept = {item.name for item in _firsts(young, DAYS, lambda on: on.date())}
    kept |= {item.name for item in _firsts(young, WEEKS, lambda on: on.isocalendar()[:2])}
    proved = [item for item in newest_first if item.verified_at]
    kept |= {item.name for item in proved[:1]}
    return [item for item in reversed(newest_first) if item.name not in kept]


def _firsts(newest_first: Iterable[Manifest], most: int, period: Period) -> Iterable[Manifest]:
    found: dict[Hashable, Manifest] = {}
    for item in newest_first:
        found.setdefault(period(item.created.astimezone(ZONE)), item)
    return list(found.values())[:most]
