"""Adding to the log of a reported lesson, and looking at its pictures (Spec: S11.8, T14, S17.3)."""

import secrets
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.owners import owner_of
from accounts.pictures import arriving_pictures, read_picture
from bookings.lessons import evidence
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.forms import EvidenceForm
from bookings.lessons.idempotency import run_once
from bookings.lessons.models import Booking, LessonReport
from bookings.lessons.models.changes import Side
from bookings.lessons.views.sides import find_by_side, lesson_changed_page
from instainstru import clock
from instainstru.access import requires, requires_any
from instainstru.errors import ApplicationError
from instainstru.http import mark_private, name_the_wait, render_page_or_fragment, see_other
from instainstru.ratelimit import REPORTS, count_use, session_key_of
from instainstru.uploads import STORED_CONTENT_TYPE

_PAGES = {Side.STUDENT: "lessons:evidence", Side.INSTRUCTOR: "lessons:evidence-teaching"}
_REPORTS = {Side.STUDENT: "lessons:report", Side.INSTRUCTOR: "lessons:report-teaching"}


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, code: str) -> HttpResponse:
    """The student adds words or pictures to an open report. Spec: 06 section 3"""
    return _add(request, code, Side.STUDENT)


@requires("lessons.manage_teaching")
@require_http_methods(["GET", "HEAD", "POST"])
def add_teaching(request: HttpRequest, code: str) -> HttpResponse:
    """The instructor adds words or pictures to an open report. Spec: T14"""
    return _add(request, code, Side.INSTRUCTOR)


@requires_any("bookings.view_own", "lessons.view_teaching", "bookings.view_all")
@require_safe
def picture(request: HttpRequest, name: str, size: int) -> HttpResponse:
    """Send one picture to who may see it, as we made it and with nothing that could run.

    The address holds no path: the row says who may see it and which file it is. Spec: S17.3
    """
    found = evidence.find_picture(by=cast("User", request.user), name=name)
    response = HttpResponse(read_picture(found, size), content_type=STORED_CONTENT_TYPE)
    response["Content-Disposition"] = 'inline; filename="picture.webp"'
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return mark_private(response)


def _add(request: HttpRequest, code: str, side: Side) -> HttpResponse:
    booking = find_by_side(request, code, side)
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"evidence:{code}", lambda: _send(request, booking, side)
        )
    report = LessonReport.objects.filter(booking=booking).first()
    if not evidence.may_add(report, side, clock.now()):
        error = LessonChangedError("Nothing can be added to this report now")
        return lesson_changed_page(request, booking, error, side)
    return _render(request, booking, side, EvidenceForm())


def _send(request: HttpRequest, booking: Booking, side: Side) -> HttpResponse:
    by, form = cast("User", request.user), EvidenceForm(request.POST, request.FILES)
    if not form.is_valid():
        return _render(request, booking, side, form, status=422)
    given = form.cleaned_data
    try:
        count_use(REPORTS, session_key_of(request))
        with arriving_pictures(owner=by, files=given["pictures"], sizes=evidence.SIZES) as pictures:
            evidence.add_evidence(
                by=by,
                code=str(booking.code),
                side=side,
                statement=given["statement"],
                pictures=pictures,
            )
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, side)
    except ApplicationError as error:
        for name, text in (error.fields or {"": error.message}).items():
            form.add_error(name if name in form.fields else None, text)
        page = _render(request, booking, side, form, status=error.status)
        return name_the_wait(page, error)
    messages.success(request, "Added to the report.")
    return see_other(reverse(_REPORTS[side], args=[booking.code]))


def _render(
    request: HttpRequest, booking: Booking, side: Side, form: EvidenceForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "booking": booking,
        "form": form,
        "form_url": reverse(_PAGES[side], args=[booking.code]),
        "back_url": reverse(_REPORTS[side], args=[booking.code]),
        "is_safety": LessonReport.objects.filter(booking=booking, kind="safety").exists(),
        "page_error": form.is_bound,
        "had_files": bool(request.FILES),
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/evidence.html", context, fragment="evidence", status=status
        )
    )
