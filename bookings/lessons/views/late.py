"""Saying that one runs late, from both sides (Spec: S11.9)."""

import secrets
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.owners import owner_of
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.forms import LateForm
from bookings.lessons.idempotency import run_once
from bookings.lessons.late import may_run_late, tell_late
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
from bookings.lessons.views.sides import find_by_side, lesson_changed_page, lesson_url, other_name
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ApplicationError
from instainstru.http import mark_private, render_page_or_fragment, see_other

_PAGES = {Side.STUDENT: "lessons:late", Side.INSTRUCTOR: "lessons:late-teaching"}


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def late(request: HttpRequest, code: str) -> HttpResponse:
    """The student says that they run late."""
    return _late(request, code, Side.STUDENT)


@requires("lessons.manage_teaching")
@require_http_methods(["GET", "HEAD", "POST"])
def late_teaching(request: HttpRequest, code: str) -> HttpResponse:
    """The instructor says that they run late."""
    return _late(request, code, Side.INSTRUCTOR)


def _late(request: HttpRequest, code: str, side: Side) -> HttpResponse:
    booking = find_by_side(request, code, side)
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"late:{code}", lambda: _tell(request, booking, side)
        )
    if not may_run_late(booking, clock.now()):
        error = LessonChangedError("Nobody can run late for this lesson now")
        return lesson_changed_page(request, booking, error, side)
    return _render(request, booking, side, LateForm())


def _tell(request: HttpRequest, booking: Booking, side: Side) -> HttpResponse:
    form = LateForm(request.POST)
    if not form.is_valid():
        return _render(request, booking, side, form, status=422)
    by, minutes = cast("User", request.user), int(form.cleaned_data["minutes"])
    try:
        tell_late(by=by, code=str(booking.code), side=side, minutes=minutes)
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, side)
    except ApplicationError as error:
        form.add_error(None, error.message)
        return _render(request, booking, side, form, status=error.status)
    messages.success(request, f"We told {other_name(booking, side)}.")
    return see_other(lesson_url(booking, side))


def _render(
    request: HttpRequest, booking: Booking, side: Side, form: LateForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "booking": booking,
        "other": other_name(booking, side),
        "form": form,
        "form_url": reverse(_PAGES[side], args=[booking.code]),
        "back_url": lesson_url(booking, side),
        "page_error": form.is_bound,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/late.html", context, fragment="late", status=status
        )
    )
