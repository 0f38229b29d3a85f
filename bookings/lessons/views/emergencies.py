"""Asking for the money back because of an emergency (Spec: C8)."""

import secrets
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.owners import owner_of
from bookings.lessons.emergencies import ask_to_be_excused, ask_until, find_request
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.forms import EmergencyForm
from bookings.lessons.idempotency import run_once
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
from bookings.lessons.selectors import find_lesson
from bookings.lessons.views.sides import lesson_changed_page, lesson_url
from instainstru import clock
from instainstru.access import requires
from instainstru.http import mark_private, render_page_or_fragment, see_other


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def emergency(request: HttpRequest, code: str) -> HttpResponse:
    """The student says what happened, and reads what became of it."""
    booking = find_lesson(by=cast("User", request.user), code=code)
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"emergency:{code}", lambda: _ask(request, booking)
        )
    if find_request(booking) is None and ask_until(booking, clock.now()) is None:
        error = LessonChangedError("There is nothing to ask for")
        return lesson_changed_page(request, booking, error, Side.STUDENT)
    return _render(request, booking, EmergencyForm())


def _ask(request: HttpRequest, booking: Booking) -> HttpResponse:
    form = EmergencyForm(request.POST)
    if not form.is_valid():
        return _render(request, booking, form, status=422)
    user, words = cast("User", request.user), form.cleaned_data["text"]
    try:
        ask_to_be_excused(by=user, code=str(booking.code), statement=words)
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, Side.STUDENT)
    messages.success(request, "Thank you. We read it and answer by mail.")
    return see_other(lesson_url(booking, Side.STUDENT))


def _render(
    request: HttpRequest, booking: Booking, form: EmergencyForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "booking": booking,
        "asked": find_request(booking),
        "ask_until": ask_until(booking, clock.now()),
        "form": form,
        "page_error": form.is_bound,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/emergency.html", context, fragment="emergency", status=status
        )
    )
