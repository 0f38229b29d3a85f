"""Writing searches and what was done with them: one statement each, which waits for nobody."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from django.apps import apps
from django.db import connection, models

if TYPE_CHECKING:
    from analytics.models import SearchEvent, SearchInteraction  # noqa: F401 - named in strings

# An event that is lost in a crash is no loss, so nobody waits for the disk, and it waits for a
# lock at most so long (performance D5). The settings end with the statement.
HASTE: Final = """
haste AS MATERIALIZED (
  SELECT set_config('synchronous_commit', 'off', true), set_config('lock_timeout', '250ms', true)
)
"""

_IMPRESSIONS = """
INSERT INTO {impressions} (event_id, position, instructor_id, offering_id, is_close, factors)
SELECT written.search_id, shown.position, shown.instructor_id, shown.offering_id, shown.is_close,
       shown.factors
FROM written, jsonb_to_recordset(%(shown)s::jsonb)
  AS shown(position int, instructor_id bigint, offering_id bigint, is_close bool, factors jsonb)
"""

# Who did not agree to be counted by name stays nameless: no person, guest, place or network.
_RECORD = """
WITH {haste}, who AS (
  SELECT CASE
    WHEN NOT %(may_be_named)s::bool THEN false
    WHEN %(user_id)s::bigint IS NULL THEN true
    ELSE COALESCE((SELECT is_given FROM {consents}
                   WHERE user_id = %(user_id)s AND purpose = 'analytics'
                   ORDER BY created_at DESC, id DESC LIMIT 1), false)
  END AS is_named FROM haste
), written AS (
  INSERT INTO {events}
    (search_id, user_id, guest_key, query_raw, search_type, parsed, filters, results_count, top_ids,
     confidence, match, mode, latency_ms, borough, neighborhood, place_source, referrer, ip_hash,
     is_excluded, created_at)
  SELECT %(search_id)s,
    CASE WHEN is_named THEN %(user_id)s::bigint END,
    CASE WHEN is_named THEN %(guest_key)s END,
    left(%(query)s, 200), %(search_type)s, %(parsed)s::jsonb, %(filters)s::jsonb,
    %(results_count)s, %(top_ids)s::bigint[], %(confidence)s, %(match)s, %(mode)s, %(latency_ms)s,
    CASE WHEN is_named THEN %(borough)s ELSE '' END,
    CASE WHEN is_named THEN %(neighborhood)s ELSE '' END,
    CASE WHEN is_named THEN %(place_source)s ELSE '' END,
    %(referrer)s,
    CASE WHEN is_named THEN %(ip_hash)s ELSE '' END,
    %(is_excluded)s, %(now)s
  FROM who
  ON CONFLICT (search_id) DO NOTHING
  RETURNING search_id
)
{show}
"""

# A page that is looked at again shows nothing new.
_CONTINUE = """
WITH {haste}, written AS (
  SELECT event.search_id, event.user_id IS NOT NULL OR event.guest_key IS NOT NULL AS is_named
  FROM {events} AS event, haste WHERE event.search_id = %(search_id)s
), turned AS (
  INSERT INTO {interactions} (event_id, search_id, type, created_at)
  SELECT %(event_id)s, search_id, 'page_next', %(now)s FROM written WHERE is_named
  ON CONFLICT (event_id) DO NOTHING
)
{show}
ON CONFLICT ON CONSTRAINT search_impression_once_per_place DO NOTHING
"""

# Only what the search showed, and only searches that may name somebody.
_CLICK = """
WITH {haste}, clicked AS (
  SELECT event.search_id, shown.position, shown.instructor_id
  FROM haste, {events} AS event
  JOIN {impressions} AS shown ON shown.event_id = event.search_id
  JOIN {instructors} AS instructor ON instructor.id = shown.instructor_id
  WHERE event.search_id = %(search_id)s AND instructor.slug = %(slug)s
    AND (event.user_id IS NOT NULL OR event.guest_key IS NOT NULL)
  ORDER BY shown.position LIMIT 1
)
INSERT INTO {interactions} (event_id, search_id, type, position, instructor_id, created_at)
SELECT deed.event_id, clicked.search_id, deed.type, clicked.position, clicked.instructor_id, %(now)s
FROM clicked, unnest(%(event_ids)s::uuid[], %(types)s::text[]) AS deed(event_id, type)
ON CONFLICT (event_id) DO NOTHING
"""

# The last search from which this person went to this instructor within a week has the credit; who
# may not be named has none. In the transaction of the booking, so it waits like that one.
_BOOKED = """
INSERT INTO {interactions} (event_id, search_id, type, position, instructor_id, created_at)
SELECT %(event_id)s, done.search_id, %(type)s, done.position, done.instructor_id, %(now)s
FROM {events} AS event
JOIN {interactions} AS done ON done.search_id = event.search_id
WHERE (event.user_id = %(user_id)s::bigint OR event.guest_key = %(guest_key)s)
  AND done.instructor_id = %(instructor_id)s AND done.type IN ('result_click', 'profile_view')
  AND done.created_at > %(since)s
ORDER BY done.created_at DESC, done.event_id LIMIT 1
ON CONFLICT (event_id) DO NOTHING
"""

# A guest's searches follow into an account that may be named; of another one nobody stays.
_ADOPT = """
UPDATE {events} SET guest_key = NULL, user_id = CASE WHEN COALESCE(
  (SELECT is_given FROM {consents} WHERE user_id = %(user_id)s AND purpose = 'analytics'
   ORDER BY created_at DESC, id DESC LIMIT 1), false) THEN %(user_id)s::bigint END
WHERE guest_key = %(guest_key)s
"""

_FORGET = """
WITH old AS (
  SELECT search_id FROM {events} WHERE created_at < %(before)s
  ORDER BY created_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED
), shown AS (
  DELETE FROM {impressions} WHERE event_id IN (SELECT search_id FROM old)
), done AS (
  DELETE FROM {interactions} WHERE search_id IN (SELECT search_id FROM old)
)
DELETE FROM {events} WHERE search_id IN (SELECT search_id FROM old)
"""

_FORGET_NETWORKS = """
UPDATE {events} SET ip_hash = '' WHERE search_id IN (
  SELECT search_id FROM {events} WHERE created_at < %(before)s AND ip_hash <> ''
  ORDER BY created_at LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
"""


def _sql(statement: str) -> str:
    tables = {
        "events": ("analytics", "SearchEvent"),
        "impressions": ("analytics", "SearchImpression"),
        "interactions": ("analytics", "SearchInteraction"),
        "consents": ("privacy", "Consent"),
        "instructors": ("catalog", "Instructor"),
    }
    quote = connection.ops.quote_name
    whole = statement.replace("{haste}", HASTE).replace("{show}", _IMPRESSIONS)
    return whole.format(
        **{
            name: quote(apps.get_model(*model)._meta.db_table)  # noqa: SLF001 - Django's public name
            for name, model in tables.items()
        }
    )


def _write(statement: str, values: Mapping[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_sql(statement), values)
        return int(cursor.rowcount)


class SearchEventManager(models.Manager["SearchEvent"]):
    """Searches that were executed."""

    def record(self, values: Mapping[str, Any], shown: Sequence[Mapping[str, Any]]) -> None:
        """Write one search with the cards it shows; the same ``search_id`` again is nothing."""
        _write(_RECORD, {**values, "shown": json.dumps(shown)})

    def continue_with(
        self,
        search_id: UUID,
        shown: Sequence[Mapping[str, Any]],
        *,
        event_id: UUID,
        now: datetime,
    ) -> None:
        """Add the cards of another page of the same search. Spec: S3.3 (``page_next``)"""
        values = {"search_id": search_id, "event_id": event_id, "now": now}
        _write(_CONTINUE, {**values, "shown": json.dumps(shown)})

    def adopt(self, *, user_id: int, guest_key: str) -> None:
        """Give a guest's searches to the account that signs in; again changes nothing."""
        _write(_ADOPT, {"user_id": user_id, "guest_key": guest_key})

    def forget(self, *, before: datetime, batch: int = 500) -> int:
        """Delete searches and all that belongs to them; returns how many searches went (S6.3)."""
        return self._in_batches(_FORGET, before, batch)

    def forget_networks(self, *, before: datetime, batch: int = 500) -> int:
        """Take the digests of addresses off older searches; returns of how many (S6.3)."""
        return self._in_batches(_FORGET_NETWORKS, before, batch)

    def _in_batches(self, statement: str, before: datetime, batch: int) -> int:
        gone = 0
        while True:
            count = _write(statement, {"before": before, "batch": batch})
            gone += count
            if count < batch:
                return gone


class SearchInteractionManager(models.Manager["SearchInteraction"]):
    """What was done with searches."""

    def click(self, search_id: UUID, slug: str, deeds: Mapping[str, UUID], *, now: datetime) -> int:
        """Write what somebody did with the card of an instructor; returns how many rows are new.

        ``deeds`` are types with the id that makes each one row. Nothing is written about cards
        that the search did not show, and about searches that name nobody. Spec: S2.6, S3.2, S3.3
        """
        values = {"search_id": search_id, "slug": slug, "now": now}
        return _write(_CLICK, {**values, "types": list(deeds), "event_ids": list(deeds.values())})

    def booked(self, values: Mapping[str, Any]) -> int:
        """Write that a search led to a hold or a lesson; returns 1 when one did. Spec: S3.3, S3.4

        ``values`` are ``event_id``, ``type``, ``user_id``, ``guest_key``, ``instructor_id``,
        ``since`` and ``now``.
        """
        return _write(_BOOKED, values)
