"""``/notifications/``: what the site has to tell a person (Spec: S13.5)."""

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
    """List a person's notices, newest first; a POST marks those that were shown as read."""
    user = cast("User", request.user)
    if request.method == "POST":
        read_notices(by=user, until=_until(request))
        messages.success(request, "Marked as read.")
        return see_other(reverse("notices"))
    rows = Notice.objects.of(user)
    context = {
        "page": Paginator(rows.newest_first(), PAGE_SIZE).get_page(request.GET.get("page")),
        "unread": rows.unread().count(),
        "letters": unread_count(user.pk, "messages"),
        "until": clock.now().isoformat(),
        "zone": viewer_zone(request),
    }
    return mark_private(render(request, "notifications/notices.html", context))


def _until(request: HttpRequest) -> datetime:
    """Return the instant of the page that was read: what came since then stays unread."""
    try:
        found = parse_datetime(request.POST.get("until", ""))
    except ValueError:
        found = None
    now = clock.now()
    return min(found, now) if found is not None and found.tzinfo else now


urlpatterns = [path("notifications/", notices, name="notices")]
