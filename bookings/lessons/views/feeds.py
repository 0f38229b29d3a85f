"""The page of a person's calendar address, and the calendar behind it (Spec: S11.7, S15.14)."""

from typing import cast

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.views.frame import account_page
from bookings.lessons.feeds import feed_content, make_feed, revoke_feed
from bookings.lessons.models import CalendarFeed
from instainstru import clock
from instainstru.access import public, requires
from instainstru.http import mark_private, see_other

TEMPLATE = "account/calendar.html"


@requires("account.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def calendar_settings(request: HttpRequest) -> HttpResponse:
    """Make, change or take away the secret address; a new one is shown once."""
    user, address = cast("User", request.user), ""
    if request.method == "POST" and request.POST.get("what") == "revoke":
        revoke_feed(by=user)
        messages.success(request, "The calendar address is gone.")
        return see_other(reverse("lessons:calendar-settings"))
    if request.method == "POST":
        address = settings.SITE_URL + reverse("lessons:feed", args=[make_feed(by=user)])
    feed = CalendarFeed.objects.filter(user=user).first()
    context = {"feed": feed, "address": address}
    return account_page(request, TEMPLATE, context, tab="lessons:calendar-settings")


@public
@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    """The calendar itself, for programs that know the address; never kept on the way."""
    content = feed_content(token, clock.now())
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["X-Robots-Tag"] = "noindex"
    return mark_private(response)
