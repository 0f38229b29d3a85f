"""The instructor's lessons: lists, one lesson, cancelling, waiving (Spec: S15.9, T9, C3, C4)."""

import secrets
from typing import cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.owners import owner_of
from bookings.lessons.cancellation import cancel_as_instructor, preview_cancellation
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.forms import TeacherCancelForm
from bookings.lessons.goodwill import waivable, waive_fee
from bookings.lessons.idempotency import run_once
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
from bookings.lessons.places import place_for_instructor
from bookings.lessons.policies import RefundTo
from bookings.lessons.selectors import find_taught_lesson
from bookings.lessons.states import Actor
from bookings.lessons.strikes import standing_of
from bookings.lessons.taught import TABS, by_day, rows_of, tab_counts, taught_by, taught_cards
from bookings.lessons.views.sides import lesson_changed_page
from instainstru import clock
from instainstru.access import requires
from instainstru.http import mark_private, render_page_or_fragment, see_other
from instainstru.paging import CountedPaginator

PAGE_SIZE = 20


@requires("lessons.view_teaching")
@require_safe
def teaching(request: HttpRequest) -> HttpResponse:
    """The lists of the lessons that the person teaches; tab and page stand in the address."""
    now, user = clock.now(), cast("User", request.user)
    key = request.GET.get("tab", "")
    key = key if key in TABS else "upcoming"
    lessons = taught_by(user, now)
    counts = tab_counts(lessons, now)
    rows = rows_of(lessons, key, now)
    page = CountedPaginator(rows, PAGE_SIZE, count=counts[key]).get_page(request.GET.get("page"))
    context = {
        "tabs": [
            {
                "url": f"{reverse('lessons:teaching')}?{urlencode({'tab': name})}",
                "label": tab.name,
                "count": counts[name],
                "current": name == key,
            }
            for name, tab in TABS.items()
        ],
        "tab": key,
        "page": page,
        "groups": by_day(taught_cards(page.object_list, now), now),
        "empty": TABS[key].empty,
    }
    return mark_private(
        render_page_or_fragment(request, "lessons/teaching.html", context, fragment="list")
    )


@requires("lessons.view_teaching")
@require_safe
def taught(request: HttpRequest, code: str) -> HttpResponse:
    """One lesson as its instructor sees it."""
    booking, now = _find(request, code), clock.now()
    context = {
        "booking": booking,
        "card": taught_cards([booking], now)[0],
        "place": place_for_instructor(booking),
        "earns_cents": booking.total_cents - booking.fee_cents,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(request, "lessons/taught.html", context, fragment="lesson")
    )


def _find(request: HttpRequest, code: str) -> Booking:
    return find_taught_lesson(by=cast("User", request.user), code=code)


@requires("lessons.manage_teaching")
@require_http_methods(["GET", "HEAD", "POST"])
def cancel_teaching(request: HttpRequest, code: str) -> HttpResponse:
    """Show what canceling means, then do it. Spec: T9, C6."""
    booking = _find(request, code)
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"cancel:{code}", lambda: _cancel(request, booking)
        )
    return _render_cancel(request, booking, TeacherCancelForm())


def _cancel(request: HttpRequest, booking: Booking) -> HttpResponse:
    form = TeacherCancelForm(request.POST)
    if not form.is_valid():
        return _render_cancel(request, booking, form, status=422)
    try:
        cancel_as_instructor(
            by=cast("User", request.user),
            code=str(booking.code),
            reason=form.cleaned_data["reason"],
        )
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, Side.INSTRUCTOR)
    messages.success(request, "Lesson canceled. Your student gets everything back.")
    return see_other(reverse("lessons:taught", args=[booking.code]))


def _render_cancel(
    request: HttpRequest, booking: Booking, form: TeacherCancelForm, *, status: int = 200
) -> HttpResponse:
    now = clock.now()
    try:
        due = preview_cancellation(booking, now, Actor.INSTRUCTOR)
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, Side.INSTRUCTOR)
    context = {
        "booking": booking,
        "due": due,
        "form": form,
        "standing": standing_of(booking.instructor_id, now),
        "page_error": form.is_bound,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/cancel_teaching.html", context, fragment="cancel", status=status
        )
    )


@requires("lessons.manage_teaching")
@require_http_methods(["GET", "HEAD", "POST"])
def waive(request: HttpRequest, code: str) -> HttpResponse:
    """Show what waiving gives the student, then do it. Spec: C3, C4, S15.9."""
    booking, now = _find(request, code), clock.now()
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"waive:{code}", lambda: _waive(request, booking)
        )
    choices = [
        (to.value, found[1]) for to in RefundTo if (found := waivable(booking, now, to)) is not None
    ]
    if not choices:
        error = LessonChangedError("There is nothing to waive any more")
        return lesson_changed_page(request, booking, error, Side.INSTRUCTOR)
    context = {
        "booking": booking,
        "choices": choices,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(request, "lessons/waive.html", context, fragment="waive")
    )


def _waive(request: HttpRequest, booking: Booking) -> HttpResponse:
    wants_credit = request.POST.get("refund_to") == RefundTo.CREDIT.value
    try:
        waive_fee(
            by=cast("User", request.user),
            code=str(booking.code),
            refund_to=RefundTo.CREDIT if wants_credit else RefundTo.CARD,
        )
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, Side.INSTRUCTOR)
    messages.success(request, "Thank you. We told your student.")
    return see_other(reverse("lessons:taught", args=[booking.code]))
