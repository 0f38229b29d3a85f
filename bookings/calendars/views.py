"""The page on which an instructor connects calendars kept elsewhere (Spec: S15.9)."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from bookings.availability.models import ConnectedCalendar
from bookings.availability.permissions import CALENDAR
from bookings.calendars.faults import fault_words
from bookings.calendars.forms import ConnectForm
from bookings.calendars.services import (
    KEPT_FOR,
    MOST_CALENDARS,
    connect_calendar,
    disconnect_calendar,
    site_of,
)
from catalog.models import Instructor
from catalog.team import own_profile
from instainstru.access import requires
from instainstru.errors import ApplicationError, ValidationFailedError
from instainstru.http import (
    mark_private,
    name_the_wait,
    posted,
    render_page_or_fragment,
    see_other,
)
from instainstru.ratelimit import CALENDARS, count_use, session_key_of


@requires(CALENDAR)
@require_http_methods(["GET", "HEAD", "POST"])
def calendars(request: HttpRequest) -> HttpResponse:
    """List the connected calendars and connect one."""
    user = cast("User", request.user)
    instructor = own_profile(user)
    if instructor is None:
        context = {"title": "Connected calendars"}
        return mark_private(render(request, "lessons/no_profile.html", context))
    form = ConnectForm(posted(request))
    if request.method != "POST":
        return _render(request, instructor, form)
    if not form.is_valid():
        return _render(request, instructor, form, status=422)
    data = form.cleaned_data
    try:
        # Who connects and disconnects again and again would have us fetch addresses at will.
        count_use(CALENDARS, session_key_of(request))
        connect_calendar(by=user, name=data["name"], url=data["address"])
    except ValidationFailedError as error:
        for name, text in error.fields.items():
            form.add_error(name, text)
        return _render(request, instructor, form, status=error.status)
    except ApplicationError as error:
        page = _render(request, instructor, form, refusal=error, status=error.status)
        return name_the_wait(page, error)
    messages.success(request, "Connected. We read it within a minute, then every 15 minutes.")
    return see_other(reverse("calendars:list"))


def _render(
    request: HttpRequest,
    instructor: Instructor,
    form: ConnectForm,
    *,
    refusal: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    rows = ConnectedCalendar.objects.filter(instructor=instructor).order_by("created_at", "pk")
    listed = [
        {
            "calendar": row,
            "site": site_of(row),
            "fault": fault_words(row.fault),
            "drops_at": row.read_at + KEPT_FOR if row.read_at else None,
        }
        for row in rows
    ]
    context = {
        "form": form,
        "rows": listed,
        "zone": instructor.zone,
        "is_full": len(listed) >= MOST_CALENDARS,
        "most": MOST_CALENDARS,
        "refusal": refusal,
        "page_error": status >= 400,  # noqa: PLR2004 - any refusal
    }
    return mark_private(
        render_page_or_fragment(
            request, "calendars/list.html", context, fragment="calendars", status=status
        )
    )


@requires(CALENDAR)
@require_POST
def disconnect(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a calendar; the times that it kept can be booked at once."""
    disconnect_calendar(by=cast("User", request.user), calendar_id=pk)
    messages.success(request, "Disconnected. Its busy times no longer count.")
    return see_other(reverse("calendars:list"))
