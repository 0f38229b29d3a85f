"""The page where people see, delete, clear and pause their recent searches (Spec: S2.5)."""

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from accounts.owners import Owner
from instainstru import clock
from instainstru.access import public
from instainstru.errors import NotFoundError
from instainstru.http import mark_private, render_page_or_fragment, see_other
from search.history import HISTORY, historian_of
from search.history_manager import KEPT, UNDO_FOR
from search.models import HistoryPause, SearchHistory


# Guests have searches too; signed-in people need the permission.
@public
@require_safe
def history(request: HttpRequest) -> HttpResponse:
    """Show everything that is kept of an owner's searches."""
    return _page(request, _owner(request), cleared_at=_instant(request.GET.get("cleared", "")))


@public
@require_POST
def forget(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete one search; again is no error, somebody else's does not exist. Spec: G5"""
    owner = _owner(request)
    if not SearchHistory.objects.forget(owner, pk, now=clock.now()):
        raise NotFoundError("We couldn't find this search.")
    return _after(request, owner)


@public
@require_POST
def clear(request: HttpRequest) -> HttpResponse:
    """Delete all searches; the answer offers to undo it."""
    owner, now = _owner(request), clock.now()
    count = SearchHistory.objects.clear(owner, now=now)
    return _after(request, owner, cleared_at=now if count else None)


@public
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take the clearing back if it was just now; later the page simply shows what is left."""
    owner = _owner(request)
    cleared_at = _instant(request.POST.get("cleared", ""))
    if cleared_at is not None:
        SearchHistory.objects.restore(owner, cleared_at=cleared_at, now=clock.now())
    return _after(request, owner)


@public
@require_POST
def pause(request: HttpRequest) -> HttpResponse:
    """Stop keeping searches, or keep them again; what is kept stays until it is deleted."""
    owner = _owner(request)
    if request.POST.get("paused") == "yes":
        HistoryPause.objects.pause(owner, now=clock.now())
    else:
        HistoryPause.objects.resume(owner)
    return _after(request, owner)


def _owner(request: HttpRequest) -> Owner:
    owner = historian_of(request)
    if owner is None:
        raise PermissionDenied(HISTORY)
    return owner


def _instant(text: str) -> datetime | None:
    """Return the instant of a clearing; None for anything else."""
    try:
        instant = parse_datetime(text)
    except ValueError:
        return None
    return instant if instant is not None and instant.tzinfo is not None else None


def _after(
    request: HttpRequest, owner: Owner, *, cleared_at: datetime | None = None
) -> HttpResponse:
    if request.headers.get("HX-Request") == "true":
        return _page(request, owner, cleared_at=cleared_at)
    query = f"?{urlencode({'cleared': cleared_at.isoformat()})}" if cleared_at else ""
    return see_other(reverse("search:history") + query)


def _page(request: HttpRequest, owner: Owner, *, cleared_at: datetime | None) -> HttpResponse:
    is_fresh = cleared_at is not None and clock.now() - cleared_at <= UNDO_FOR
    context = {
        "searches": SearchHistory.objects.of(owner)[:KEPT],
        "is_paused": HistoryPause.objects.is_paused(owner),
        "cleared": cleared_at.isoformat() if cleared_at and is_fresh else "",
        "undo_seconds": int(UNDO_FOR.total_seconds()),
        "kept": KEPT,
    }
    return mark_private(
        render_page_or_fragment(request, "search/history.html", context, fragment="history")
    )
