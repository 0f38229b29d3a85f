"""Calling a lesson off for the weather, from both sides (Spec: C8)."""

import secrets
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.owners import owner_of
from bookings.lessons import weather as services
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.idempotency import run_once
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
from bookings.lessons.views.sides import (
    find_by_side,
    lesson_changed_page,
    lesson_url,
    other_name,
    said_id,
)
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ConflictError
from instainstru.http import mark_private, render_page_or_fragment, see_other

_PAGES = {Side.STUDENT: "lessons:weather", Side.INSTRUCTOR: "lessons:weather-teaching"}


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def weather(request: HttpRequest, code: str) -> HttpResponse:
    """The student asks, or answers the instructor."""
    return _weather(request, code, Side.STUDENT)


@requires("lessons.manage_teaching")
@require_http_methods(["GET", "HEAD", "POST"])
def weather_teaching(request: HttpRequest, code: str) -> HttpResponse:
    """The instructor asks, or answers the student."""
    return _weather(request, code, Side.INSTRUCTOR)


def _weather(request: HttpRequest, code: str, side: Side) -> HttpResponse:
    booking = find_by_side(request, code, side)
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"weather:{code}", lambda: _do(request, booking, side)
        )
    if not services.depends_on_weather(booking, clock.now()):
        error = LessonChangedError("This lesson can't be called off for the weather")
        return lesson_changed_page(request, booking, error, side)
    return _render(request, booking, side)


def _do(request: HttpRequest, booking: Booking, side: Side) -> HttpResponse:
    by, code = cast("User", request.user), str(booking.code)
    other, said = other_name(booking, side), request.POST.get("answer", "")
    if said not in {"ask", "agree", "decline"}:
        error = LessonChangedError("Choose one of the buttons")
        return lesson_changed_page(request, booking, error, side)
    try:
        if said == "ask":
            services.ask_for_weather(by=by, code=code, side=side)
            messages.success(request, f"We asked {other}. Until then the lesson stands.")
        else:
            due = services.answer_weather(
                by=by,
                code=code,
                side=side,
                agrees=said == "agree",
                question_id=said_id(request, "question"),
            )
            done = "The lesson stays." if due is None else "Canceled. Everything goes back."
            messages.success(request, done)
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, side)
    except ConflictError as error:
        return _render(request, booking, side, refusal=error)
    return see_other(lesson_url(booking, side))


def _render(
    request: HttpRequest, booking: Booking, side: Side, *, refusal: ConflictError | None = None
) -> HttpResponse:
    question = services.open_question(booking)
    context = {
        "booking": booking,
        "other": other_name(booking, side),
        "is_student": side is Side.STUDENT,
        "question": question,
        "asks_me": question is not None and question.asked_by != side,
        "refusal": refusal,
        "form_url": reverse(_PAGES[side], args=[booking.code]),
        "back_url": lesson_url(booking, side),
        "page_error": refusal is not None,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    status = 200 if refusal is None else refusal.status
    return mark_private(
        render_page_or_fragment(
            request, "lessons/weather.html", context, fragment="weather", status=status
        )
    )
