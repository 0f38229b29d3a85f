"""Keeping what was searched, shown and clicked, without holding anybody up (Spec: S3, S6.3)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

import structlog
from django.db import DatabaseError, transaction

from analytics.kinds import InteractionType
from analytics.models import SearchEvent, SearchInteraction
from analytics.visitors import Visitor

log = structlog.get_logger(__name__)

EVENTS_KEPT: Final = timedelta(days=90)
NETWORKS_KEPT: Final = timedelta(days=30)
CREDITED_FOR: Final = timedelta(days=7)
BOOKINGS: Final = UUID("5f0b1c1e-7a53-4f0e-9a0c-2f3f6a1f8f10")
"""The name space of the ids of what bookings tell."""


@dataclass(frozen=True)
class Shown:
    """A card of a result page; ``factors`` say what its rank was made of, in any words."""

    position: int
    instructor_id: int
    offering_id: int
    is_close: bool
    factors: Mapping[str, float]


@dataclass(frozen=True)
class ExecutedSearch:
    """What was asked and found. ``user_id`` or ``guest_key`` own it, or nobody does."""

    search_id: UUID
    user_id: int | None
    guest_key: str | None
    query: str
    search_type: str
    parsed: Mapping[str, Any]
    filters: Mapping[str, Any]
    results_count: int
    top_ids: Sequence[int]
    match: str
    mode: str
    latency_ms: float
    confidence: float | None = None
    borough: str = ""
    neighborhood: str = ""
    place_source: str = ""
    shown: Sequence[Shown] = field(default=())


def record_search(search: ExecutedSearch, visitor: Visitor, *, now: datetime) -> None:
    """Write the event of a search and its impressions; a failure is logged and fails nothing.

    Spec: S2.7, S3.1, S3.2, S8.3, S8.13
    """
    values = {key: value for key, value in vars(search).items() if key != "shown"}
    values |= {
        "query": search.query.replace("\0", ""),
        "parsed": json.dumps(search.parsed),
        "filters": json.dumps(search.filters),
        "top_ids": list(search.top_ids),
        "may_be_named": visitor.may_be_named and (search.user_id or search.guest_key) is not None,
        "referrer": visitor.referrer,
        "ip_hash": visitor.ip_hash,
        "is_excluded": visitor.is_excluded,
        "now": now,
    }
    try:
        SearchEvent.objects.record(values, [asdict(one) for one in search.shown])
    except DatabaseError:
        log.exception("search_event_not_written")


def is_same_search(search_id: UUID, *, query: str, filters: Mapping[str, Any]) -> bool:
    """Tell whether a search that was written asked for exactly this."""
    same = {"query_raw": query, "filters": filters}
    return SearchEvent.objects.filter(pk=search_id, **same).exists()


def continue_search(search_id: UUID, shown: Sequence[Shown], *, now: datetime) -> None:
    """Write the cards of another page of a search; a failure is logged and fails nothing."""
    first = min((one.position for one in shown), default=0)
    event_id = uuid5(search_id, f"page_next {first}")
    rows = [asdict(one) for one in shown]
    try:
        SearchEvent.objects.continue_with(search_id, rows, event_id=event_id, now=now)
    except DatabaseError:
        log.exception("search_event_not_continued")


def record_click(
    search_id: UUID, slug: str, types: Sequence[InteractionType], *, now: datetime
) -> None:
    """Write that a result was opened; the same one again is no other click. Spec: S2.6"""
    deeds = {kind.value: uuid5(search_id, f"{kind.value} {slug}") for kind in types}
    try:
        SearchInteraction.objects.click(search_id, slug, deeds, now=now)
    except DatabaseError:
        log.exception("search_click_not_written")


def record_booking_step(
    kind: InteractionType,
    *,
    user_id: int | None,
    guest_key: str | None,
    instructor_id: int,
    hold_id: str,
    now: datetime,
) -> None:
    """Write, in the booking's transaction, that the person's last search led to it; once a hold.

    A failure is logged and fails no booking, as long as the booking's transaction outlives it.
    A connection that broke takes the booking along: raises ``DatabaseError``, for a swallowed
    error would let the transaction roll back without a word and a hold be promised that is not.

    Nothing is written when no search of theirs led to the instructor within seven days, or when
    they may not be named. Spec: T4, S3.2, S3.3, S3.4
    """
    values = {
        "event_id": uuid5(BOOKINGS, f"{kind.value} {hold_id}"),
        "type": kind.value,
        "user_id": user_id,
        "guest_key": guest_key,
        "instructor_id": instructor_id,
        "since": now - CREDITED_FOR,
        "now": now,
    }
    try:
        with transaction.atomic():
            SearchInteraction.objects.booked(values)
    except DatabaseError:
        if transaction.get_rollback():
            raise
        log.exception("search_not_credited")


def forget_old_events(*, now: datetime) -> dict[str, int]:
    """Remove what is over its time; may run twice or never. Spec: S6.3"""
    return {
        "events": SearchEvent.objects.forget(before=now - EVENTS_KEPT),
        "networks": SearchEvent.objects.forget_networks(before=now - NETWORKS_KEPT),
    }
