"""What the pages of both sides of a lesson share."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
from bookings.lessons.my_lessons import cards_of
from bookings.lessons.selectors import find_on_side
from bookings.lessons.taught import taught_cards
from instainstru import clock
from instainstru.errors import ApplicationError
from instainstru.http import mark_private, render_page_or_fragment

MOST_DIGITS = 19
_PAGES = {Side.STUDENT: "lessons:detail", Side.INSTRUCTOR: "lessons:taught"}


def find_by_side(request: HttpRequest, code: str, side: Side) -> Booking:
    """Return the lesson of the one who booked or teaches it; strangers' do not exist (G5)."""
    return find_on_side(by=cast("User", request.user), code=code, side=side)


def other_name(booking: Booking, side: Side) -> str:
    """Return what this side calls the other one."""
    is_student = side is Side.STUDENT
    return booking.instructor.display_name if is_student else booking.student_name


def lesson_url(booking: Booking, side: Side) -> str:
    """Return the lesson's own page as this side sees it."""
    return reverse(_PAGES[side], args=[booking.code])


def said_id(request: HttpRequest, field: str) -> int:
    """Return the id that a form carries of what its reader saw; 0, nobody's, for none."""
    text = request.POST.get(field, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < MOST_DIGITS else 0


def lesson_changed_page(
    request: HttpRequest, booking: Booking, error: ApplicationError, side: Side
) -> HttpResponse:
    """Say that nothing was done and show how the lesson stands now. Spec: G3, T15."""
    booking = find_by_side(request, str(booking.code), side)
    now = clock.now()
    card = cards_of([booking], now)[0] if side is Side.STUDENT else taught_cards([booking], now)[0]
    context = {
        "lesson": card.as_component,
        "message": error.message.rstrip("."),
        "page_error": True,
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/changed.html", context, fragment="changed", status=error.status
        )
    )
