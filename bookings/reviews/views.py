"""The page on which a student reviews a lesson (Spec: S11.3)."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.reviews.forms import ReviewForm
from bookings.reviews.models import Review
from bookings.reviews.services import find_reviewable, write_review
from bookings.reviews.windows import window_end
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import RateLimitedError
from instainstru.http import mark_private, name_the_wait, render_page_or_fragment, see_other
from instainstru.ratelimit import REVIEWS, count_use, session_key_of
from instainstru.templatetags.ui import format_when


@requires("reviews.create")
@require_http_methods(["GET", "HEAD", "POST"])
def lesson_review(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for stars and words; the same address changes them while that is allowed."""
    user = cast("User", request.user)
    booking, review = find_reviewable(by=user, code=code, now=clock.now())
    form = ReviewForm(request.POST or None, initial=_initial(review))
    if request.method == "POST" and form.is_valid():
        try:
            count_use(REVIEWS, session_key_of(request))
        except RateLimitedError as error:
            form.add_error(None, error.message)
            page = _render(request, booking, review, form, status=error.status)
            return name_the_wait(page, error)
        written = write_review(by=user, code=code, content=form.content)
        public_from = format_when(written.revealed_at, booking.zone)
        messages.success(request, f"Thank you. Your review is public from {public_from}.")
        return see_other(reverse("lessons:detail", args=[code]))
    status = 422 if request.method == "POST" else 200
    return _render(request, booking, review, form, status=status)


def _initial(review: Review | None) -> dict[str, Any]:
    if review is None:
        return {}
    return {name: getattr(review, name) for name in ReviewForm.base_fields}


def _render(
    request: HttpRequest,
    booking: Booking,
    review: Review | None,
    form: ReviewForm,
    *,
    status: int,
) -> HttpResponse:
    context = {
        "booking": booking,
        "form": form,
        "is_change": review is not None,
        "edit_hours": booking.policy.review_edit_hours,
        "until_at": window_end(booking),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/review.html", context, fragment="review", status=status
        )
    )
