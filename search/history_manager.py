"""Writing and reading recent searches: each write is one statement (Spec: S2.3-S2.5)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import connection, models

from accounts.owners import Owner

if TYPE_CHECKING:
    from search.models import HistoryPause, SearchHistory  # noqa: F401 - named in strings

SHOWN, KEPT = 10, 200
UNDO_FOR = timedelta(seconds=10)
# Time for the press itself to arrive.
UNDO_GRACE = timedelta(seconds=5)

# The first part sets how long the second may wait for a row; it ends with the transaction.
_RECORD = """
WITH patience AS MATERIALIZED (
  SELECT set_config(
    'lock_timeout', COALESCE(%(patience)s, current_setting('lock_timeout')), true)
)
INSERT INTO {table} AS t
  (user_id, guest_key, query_text, search_count, results_count,
   first_searched_at, last_searched_at)
SELECT %(user_id)s, %(guest_key)s, left(%(query)s, 200), 1, %(results_count)s, %(now)s, %(now)s
FROM patience
WHERE ii_normalize_query(%(query)s) <> ''
  AND NOT EXISTS (SELECT FROM {pauses} AS pause
                  WHERE pause.user_id = %(user_id)s OR pause.guest_key = %(guest_key)s)
ON CONFLICT ON CONSTRAINT search_history_once_per_owner DO UPDATE SET
  search_count = CASE
    WHEN t.deleted_at IS NOT NULL THEN 1
    WHEN %(repeat_within)s > interval '0'
      AND t.last_searched_at > excluded.last_searched_at - %(repeat_within)s THEN t.search_count
    ELSE t.search_count + 1 END,
  first_searched_at = CASE WHEN t.deleted_at IS NULL
    THEN LEAST(t.first_searched_at, excluded.first_searched_at)
    ELSE excluded.first_searched_at END,
  last_searched_at = CASE WHEN t.deleted_at IS NULL
    THEN GREATEST(t.last_searched_at, excluded.last_searched_at)
    ELSE excluded.last_searched_at END,
  query_text = excluded.query_text,
  results_count = excluded.results_count,
  deleted_at = NULL
RETURNING new.*, old.id IS NULL AS created
"""

_MERGE = """
WITH moved AS (
  DELETE FROM {table} WHERE guest_key = %(guest_key)s
  RETURNING query_text, normalized_query, search_count, results_count,
            first_searched_at, last_searched_at, deleted_at
), resumed AS (
  DELETE FROM {pauses} WHERE guest_key = %(guest_key)s
)
INSERT INTO {table} AS t
  (user_id, query_text, search_count, results_count, first_searched_at, last_searched_at)
SELECT %(user_id)s, query_text, search_count, results_count, first_searched_at, last_searched_at
FROM moved
WHERE deleted_at IS NULL
  AND NOT EXISTS (SELECT FROM {pauses} AS pause WHERE pause.user_id = %(user_id)s)
ORDER BY normalized_query
ON CONFLICT ON CONSTRAINT search_history_once_per_owner DO UPDATE SET
  search_count = excluded.search_count
    + CASE WHEN t.deleted_at IS NULL THEN t.search_count ELSE 0 END,
  first_searched_at = CASE WHEN t.deleted_at IS NULL
    THEN LEAST(t.first_searched_at, excluded.first_searched_at)
    ELSE excluded.first_searched_at END,
  last_searched_at = CASE WHEN t.deleted_at IS NULL
    THEN GREATEST(t.last_searched_at, excluded.last_searched_at)
    ELSE excluded.last_searched_at END,
  query_text = CASE WHEN t.deleted_at IS NULL AND t.last_searched_at > excluded.last_searched_at
    THEN t.query_text ELSE excluded.query_text END,
  results_count = CASE WHEN t.deleted_at IS NULL AND t.last_searched_at > excluded.last_searched_at
    THEN t.results_count ELSE excluded.results_count END,
  deleted_at = NULL
"""

# In batches by key and without waiting: a search of this moment is trimmed an hour later.
_TRIM = """
DELETE FROM {table} WHERE id IN (
  SELECT t.id FROM {table} AS t JOIN (
    SELECT id, row_number() OVER (PARTITION BY user_id, guest_key
                                  ORDER BY last_searched_at DESC, id DESC) AS place
    FROM {table} WHERE deleted_at IS NULL
  ) AS ranked ON ranked.id = t.id
  WHERE ranked.place > %(kept)s ORDER BY t.id LIMIT %(batch)s FOR UPDATE OF t SKIP LOCKED)
"""

_PURGE = """
DELETE FROM {table} WHERE id IN (
  SELECT id FROM {table} WHERE deleted_at < %(deleted_before)s
  ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
"""

_EXPIRE = """
DELETE FROM {table} WHERE id IN (
  SELECT id FROM {table}
  WHERE last_searched_at < CASE WHEN user_id IS NULL
    THEN %(guests_before)s::timestamptz ELSE %(users_before)s::timestamptz END
  ORDER BY id LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
"""


class SearchHistoryQuerySet(models.QuerySet["SearchHistory"]):
    """Reads and deletions, always of one owner."""

    def of(self, owner: Owner) -> "SearchHistoryQuerySet":
        """Return what an owner sees, newest first; deleted rows are invisible everywhere."""
        mine = self._of(owner).filter(deleted_at__isnull=True)
        return mine.order_by("-last_searched_at", "-id")

    def _of(self, owner: Owner) -> "SearchHistoryQuerySet":
        # Both columns, so that the index of the arbiter answers.
        if owner.user_id is not None:
            return self.filter(user=owner.user_id, guest_key__isnull=True)
        return self.filter(user__isnull=True, guest_key=owner.guest_key)

    def forget(self, owner: Owner, pk: int, *, now: datetime) -> bool:
        """Delete one search; again changes nothing. False: this owner has no such row (S2.5)."""
        mine = self._of(owner).filter(pk=pk)
        return bool(mine.filter(deleted_at__isnull=True).update(deleted_at=now)) or mine.exists()

    def clear(self, owner: Owner, *, now: datetime) -> int:
        """Delete all searches of an owner at one instant, which ``restore`` can name (S2.5)."""
        return self.of(owner).order_by().update(deleted_at=now)

    def restore(self, owner: Owner, *, cleared_at: datetime, now: datetime) -> int:
        """Take back the clearing of that instant within ten seconds; searches since stay (S2.5)."""
        if not timedelta() <= now - cleared_at <= UNDO_FOR + UNDO_GRACE:
            return 0
        return self._of(owner).filter(deleted_at=cleared_at).update(deleted_at=None)


class SearchHistoryManager(models.Manager.from_queryset(SearchHistoryQuerySet)):  # type: ignore[misc]
    """Recording, merging and trimming."""

    def record(
        self,
        *,
        query: str,
        results_count: int,
        now: datetime,
        user_id: int | None = None,
        guest_key: str | None = None,
        repeat_within: timedelta = timedelta(),
        patience: timedelta | None = None,
    ) -> "tuple[SearchHistory, bool] | None":
        """Count one search of a user or a guest in one statement; returns (row, created).

        None when nothing is stored: the words say nothing, or the owner paused the history. A
        repeat within ``repeat_within`` of the last search counts once. Parallel calls lose
        nothing. Raises ValueError unless exactly one owner is given, OperationalError when the row
        is locked for longer than ``patience``. Spec: S2.3, S2.6
        """
        Owner(user_id=user_id, guest_key=guest_key)
        values: dict[str, Any] = {
            "user_id": user_id,
            "guest_key": guest_key,
            # PostgreSQL takes no null character in any text.
            "query": query.replace("\0", ""),
            "results_count": results_count,
            "now": now,
            "repeat_within": repeat_within,
            "patience": patience and f"{patience // timedelta(milliseconds=1)}ms",
        }
        with connection.cursor() as cursor:
            cursor.execute(self._sql(_RECORD), values)
            found = cursor.fetchone()
            columns = [column.name for column in cursor.description or ()]
        return None if found is None else (self._row(columns, found), bool(found[-1]))

    def merge_guest(self, *, user_id: int, guest_key: str) -> None:
        """Give a guest's searches to the account, in one statement; again changes nothing.

        Counts add up, the guest's rows and pause vanish; an account that paused its history takes
        nothing. Spec: S2.4
        """
        with connection.cursor() as cursor:
            cursor.execute(self._sql(_MERGE), {"user_id": user_id, "guest_key": guest_key})

    def trim(self, *, batch: int = 500) -> int:
        """Keep the newest 200 searches of each owner; returns how many rows went (S2.5)."""
        return self._in_batches(_TRIM, {"kept": KEPT, "batch": batch}, batch)

    def purge(self, *, deleted_before: datetime, batch: int = 500) -> int:
        """Remove for good what was deleted before an instant; returns how many rows went (S2.5)."""
        return self._in_batches(_PURGE, {"deleted_before": deleted_before, "batch": batch}, batch)

    def expire(self, *, users_before: datetime, guests_before: datetime, batch: int = 500) -> int:
        """Remove what was last searched before the instant of its kind of owner (S6.3)."""
        limits = {"users_before": users_before, "guests_before": guests_before, "batch": batch}
        return self._in_batches(_EXPIRE, limits, batch)

    def _in_batches(self, statement: str, values: dict[str, Any], batch: int) -> int:
        gone = 0
        with connection.cursor() as cursor:
            while True:
                cursor.execute(self._sql(statement), values)
                gone += cursor.rowcount
                if cursor.rowcount < batch:
                    return gone

    def _sql(self, statement: str) -> str:
        pauses = apps.get_model("search", "HistoryPause")
        tables = {"table": self.model._meta, "pauses": pauses._meta}  # noqa: SLF001
        quote = connection.ops.quote_name
        return statement.format(**{name: quote(meta.db_table) for name, meta in tables.items()})

    def _row(self, columns: Sequence[str], found: Sequence[Any]) -> "SearchHistory":
        by_column = dict(zip(columns, found, strict=True))
        fields = self.model._meta.concrete_fields  # noqa: SLF001
        row: SearchHistory = self.model.from_db(
            self.db, [field.attname for field in fields], [by_column[f.column] for f in fields]
        )
        return row


class HistoryPauseManager(models.Manager["HistoryPause"]):
    """Who wants no searches kept."""

    def is_paused(self, owner: Owner) -> bool:
        """Tell whether an owner's searches are not kept."""
        return self.filter(user=owner.user_id, guest_key=owner.guest_key).exists()

    def pause(self, owner: Owner, *, now: datetime) -> None:
        """Stop keeping searches; again changes nothing. Spec: S2.5"""
        mine: dict[str, Any] = {"user_id": owner.user_id, "guest_key": owner.guest_key}
        self.get_or_create(**mine, defaults={"paused_at": now})

    def resume(self, owner: Owner) -> None:
        """Keep searches again."""
        self.filter(user=owner.user_id, guest_key=owner.guest_key).delete()
