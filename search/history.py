"""Remembering searches politely: for whom, how often, for how long (Spec: S2)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError
from django.http import HttpRequest

from accounts.models import User
from accounts.owners import Owner, owner_of
from accounts.viewing import viewer_of
from analytics.models import SearchEvent
from analytics.visitors import is_fetched_ahead
from instainstru.access import has_permission
from instainstru.page_store.versions import bump, of_person
from search.history_manager import SHOWN
from search.models import HistoryPause, SearchHistory

log = structlog.get_logger(__name__)

HISTORY = "search.history_own"
# Pages, filters and sorting of one search are the same search (Spec: S2.6).
REPEAT_WITHIN = timedelta(seconds=30)
# A row that somebody holds for longer is left alone: nobody waits for their history (Spec: S2.7).
PATIENCE = timedelta(milliseconds=250)
DELETED_KEPT = timedelta(hours=24)
USER_KEPT, GUEST_KEPT = timedelta(days=365), timedelta(days=30)


def historian_of(request: HttpRequest) -> Owner | None:
    """Return whose history a request reads and writes; None for people who may have none.

    A guest without a key gets one. Spec: P5, S2.7
    """
    if request.user.is_authenticated and not has_permission(request, HISTORY):
        return None
    return owner_of(request)


def known_historian(request: HttpRequest) -> Owner | None:
    """Return the same without making a key for a guest who has none yet."""
    is_new_guest = not request.user.is_authenticated and getattr(request, "guest_key", None) is None
    return None if is_new_guest else historian_of(request)


def remember_search(
    request: HttpRequest, *, query: str, results_count: int, now: datetime
) -> Owner | None:
    """Keep a search that was made; a failure is logged and never fails the search. Spec: S2.7

    Pages that a browser fetched ahead were not asked for by anybody. Returns the owner when their
    searches are kept, None when nobody is to be named with this one. Spec: S2.5
    """
    if request.method != "GET" or is_fetched_ahead(request):
        return None
    if viewer_of(request) is not None:  # staff who look at the site as somebody search for nobody
        return None
    try:
        owner = historian_of(request)
        return owner if owner is not None and _keep(owner, query, results_count, now) else None
    except DatabaseError:
        log.exception("history_not_written")
        return None


def _keep(owner: Owner, query: str, results_count: int, now: datetime) -> bool:
    """Count the search; tell whether the owner lets searches be kept."""
    kept = SearchHistory.objects.record(
        user_id=owner.user_id,
        guest_key=owner.guest_key,
        query=query,
        results_count=results_count,
        now=now,
        repeat_within=REPEAT_WITHIN,
        patience=PATIENCE,
    )
    if kept is None:
        return not HistoryPause.objects.is_paused(owner)
    if owner.user_id is not None:
        bump(of_person(owner.user_id))
    return True


def recent_searches(owner: Owner | None, limit: int = SHOWN) -> Sequence[SearchHistory]:
    """Return the newest searches that an owner may see again. Spec: S2.5"""
    return [] if owner is None else list(SearchHistory.objects.of(owner)[:limit])


def merge_guest_history(user: User, guest_key: str) -> None:
    """Give a guest's searches, and the events of them, to the account that signs in.

    Spec: S2.4, S3.4, S17.8
    """
    SearchHistory.objects.merge_guest(user_id=user.pk, guest_key=guest_key)
    SearchEvent.objects.adopt(user_id=user.pk, guest_key=guest_key)


def tidy_history(*, now: datetime) -> dict[str, int]:
    """Remove what is over its number or its time; may run twice or never. Spec: S2.5, S6.3"""
    history = SearchHistory.objects
    return {
        "trimmed": history.trim(),
        "purged": history.purge(deleted_before=now - DELETED_KEPT),
        "expired": history.expire(users_before=now - USER_KEPT, guests_before=now - GUEST_KEPT),
    }
