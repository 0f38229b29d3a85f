"""``/notifications/``: what the site has to tell a person (Spec: S13.5)."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.viewing import viewer_of
from accounts.zones import viewer_zone
from bookings.notifications.models import Notice
from bookings.notifications.notices import read_notices
from instainstru import clock
from instainstru.access import requires
from instainstru.bell import unread_count
from instainstru.http import mark_private, see_other

PAGE_SIZE = 20


@requires("account.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def notices(request: HttpRequest) -> HttpResponse:
    """List a person's notices, newest first; a POST marks them as read.

    Scripts send one for those of the page when it opens; the button is for all.
    """
    user = cast("User", request.user)
    if request.method == "POST":
        until = _instant(request, "until") or clock.now()
        read_notices(by=user, until=until, since=_instant(request, "since"))
        if request.headers.get("HX-Request") == "true":
            context = {"user": user, "is_swapped": True}
            return mark_private(render(request, "components/frame/bell.html", context))
        messages.success(request, "Marked as read.")
        return see_other(reverse("notices"))
    rows = Notice.objects.of(user)
    page = Paginator(rows.newest_first(), PAGE_SIZE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    context = {
        "page": page,
        "to_mark": _to_mark(shown) if viewer_of(request) is None else None,
        "unread": rows.unread().count(),
        "letters": unread_count(user.pk, "messages"),
        "until": clock.now().isoformat(),
        "zone": viewer_zone(request),
    }
    return mark_private(render(request, "notifications/notices.html", context))


def _to_mark(shown: Sequence[Notice]) -> dict[str, str] | None:
    """Return the instants between which the unread notices of a page were left."""
    unread = [notice.created_at for notice in shown if notice.read_at is None]
    return {"since": min(unread).isoformat(), "until": max(unread).isoformat()} if unread else None


def _instant(request: HttpRequest, name: str) -> datetime | None:
    """Return an instant of the page that was read, never a coming one: news since stay unread."""
    try:
        found = parse_datetime(request.POST.get(name, ""))
    except ValueError:
        found = None
    return min(found, clock.now()) if found is not None and found.tzinfo else None


urlpatterns = [path("notifications/", notices, name="notices")]
