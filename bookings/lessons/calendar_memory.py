"""The free starts of calendars, kept in the process until the database says that they changed.

A search looks at hundreds of calendars, and between two searches hardly one of them changes.
Triggers note every change of a calendar with the transaction that makes it (``CalendarChange``).
One query before each use asks for the changes of all transactions that the last look could not see
yet, so what is used is what the database holds at that moment, never older. Spec: S8.3, S8.12
"""

import threading
import time
import zlib
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db import DEFAULT_DB_ALIAS, connection, router

from bookings.availability.minutes import minute_after
from bookings.availability.models import CalendarChange
from bookings.lessons import rules
from bookings.lessons.facts import BookabilityFacts
from bookings.lessons.selectors import Calendars, load_calendars
from bookings.lessons.starts import Starts

MOST_KEPT: Final = 40_000
"""So many calendars are some thirty megabytes; who was not looked at longest goes first."""
MOST_IDLE_SECONDS: Final = 3600.0
"""After so long without a look everything is read anew; changes are noted for much longer."""
_LOOK = """
    SELECT pg_snapshot_xmin(pg_current_snapshot())::text,
           ARRAY(SELECT DISTINCT instructor_id FROM availability_calendarchange
                 WHERE transaction_id >= %s::text::xid8)
"""
NOTHING_YET: Final = str(2**63)
"""The number of a transaction that will never run."""
_NO_NOTICE: Final = -10 * 24 * 60


class Wanted(NamedTuple):
    """Whose calendar, for lessons of how many minutes, decided in which zone."""

    instructor_id: int
    minutes: int
    zone: ZoneInfo


class _Key(NamedTuple):
    wanted: Wanted
    first_on: date
    last_on: date


class _Kept(NamedTuple):
    """Packed starts without regard to notice, true from ``since`` until just before ``until``."""

    origin: int
    packed: bytes
    notice_minutes: int
    since: datetime
    until: datetime

    def starts(self, now: datetime) -> Starts:
        """Return the starts that leave the instructor their notice (Spec: R1)."""
        bits = int.from_bytes(zlib.decompress(self.packed), "little")
        soonest = max(0, minute_after(now + timedelta(minutes=self.notice_minutes)) - self.origin)
        return Starts(self.origin, bits >> soonest << soonest)


class CalendarMemory:
    """What one process remembers of calendars; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._keys_of: dict[int, set[_Key]] = {}
        self._horizon = ""
        self._looked_at = 0.0
        self._look = 0
        self._changed_in: dict[int, int] = {}

    def free_starts(
        self, wanted: Collection[Wanted], *, first_on: date, last_on: date, now: datetime
    ) -> Mapping[Wanted, Starts]:
        """Return the bookable starts of offers that are known to be live and priced.

        Dates are local and both included. One query when all is known, else two more.
        """
        look = self._catch_up()
        keys = {_Key(one, first_on, last_on) for one in wanted}
        known = {} if look is None else self._recall(keys, now)
        found = {key.wanted: kept.starts(now) for key, kept in known.items()}
        missing = keys - known.keys()
        if missing:
            fresh = _read(missing, first_on, last_on, now)
            found |= {key.wanted: kept.starts(now) for key, kept in fresh.items()}
            if look is not None:
                self._keep(fresh, look)
        return found

    def _catch_up(self) -> int | None:
        """Forget what has changed; return the number of this look, None when nothing may be used.

        A transaction may have written what others do not see; a replica has its own time.
        """
        if connection.in_atomic_block or router.db_for_read(CalendarChange) != DEFAULT_DB_ALIAS:
            return None
        with self._lock:
            if time.monotonic() - self._looked_at > MOST_IDLE_SECONDS:
                self._forget_all()
            horizon = self._horizon
        with connection.cursor() as cursor:
            cursor.execute(_LOOK, [horizon or NOTHING_YET])
            seen_below, changed = cursor.fetchone()
        with self._lock:
            self._look += 1
            for instructor_id in changed:
                self._changed_in[instructor_id] = self._look
                for key in self._keys_of.pop(instructor_id, ()):
                    self._kept.pop(key, None)
            self._horizon, self._looked_at = seen_below, time.monotonic()
            return self._look

    def _forget_all(self) -> None:
        self._kept.clear()
        self._keys_of.clear()
        self._changed_in.clear()
        self._horizon = ""

    def _recall(self, keys: Iterable[_Key], now: datetime) -> dict[_Key, _Kept]:
        with self._lock:
            found = {}
            for key in keys:
                kept = self._kept.get(key)
                if kept is not None and kept.since <= now < kept.until:
                    self._kept.move_to_end(key)
                    found[key] = kept
            return found

    def _keep(self, fresh: Mapping[_Key, _Kept], look: int) -> None:
        """Keep what was read after a look, unless a later look of a thread saw it change."""
        with self._lock:
            for key, kept in fresh.items():
                instructor_id = key.wanted.instructor_id
                if self._changed_in.get(instructor_id, 0) <= look:
                    self._kept[key] = kept
                    self._keys_of.setdefault(instructor_id, set()).add(key)
            while len(self._kept) > MOST_KEPT:
                key, _ = self._kept.popitem(last=False)
                self._keys_of[key.wanted.instructor_id].discard(key)


def _read(
    keys: Collection[_Key], first_on: date, last_on: date, now: datetime
) -> dict[_Key, _Kept]:
    calendars = load_calendars(
        {key.wanted.instructor_id for key in keys}, first_on=first_on, last_on=last_on, now=now
    )
    return {key: _free(calendars, key.wanted, now) for key in keys}


def _free(calendars: Calendars, wanted: Wanted, now: datetime) -> _Kept:
    facts = calendars.facts(wanted.instructor_id, wanted.minutes, wanted.zone)
    notice = facts.rules.min_notice_minutes
    timeless = replace(facts, rules=replace(facts.rules, min_notice_minutes=_NO_NOTICE))
    starts = rules.free_starts(timeless, wanted.minutes, calendars.first_on, calendars.last_on, now)
    size = (starts.bits.bit_length() + 7) // 8
    packed = zlib.compress(starts.bits.to_bytes(size, "little"), 1)
    return _Kept(starts.origin, packed, notice, now, _true_until(facts, now))


def _true_until(facts: BookabilityFacts, now: datetime) -> datetime:
    """Return when time alone changes a calendar: a hold lapses, or the local date ends (R2)."""
    local = now.astimezone(facts.rules.zone)
    midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), local.tzinfo)
    lapses = (row.expires_at for row in facts.bookings if row.expires_at and row.expires_at > now)
    return min([midnight, *lapses])


memory: Final = CalendarMemory()
