"""What My Lessons offers about reviews (Spec: 06 section 3)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.urls import reverse

from bookings.lessons.models import Booking
from bookings.lessons.my_lessons import MoreActions
from bookings.lessons.transitions import current_status
from bookings.reviews.models import Review
from bookings.reviews.windows import REVIEWABLE, is_editable, is_reviewable, window_end
from instainstru.templatetags.ui import format_when


def review_actions(bookings: Sequence[Booking], now: datetime) -> Mapping[int, MoreActions]:
    """Return for each lesson that may be reviewed, or changed, the action and its deadline.

    One query for all, none where nothing is over.
    """
    over = [row for row in bookings if current_status(row, now) in REVIEWABLE]
    written = {
        review.booking_id: review
        for review in Review.objects.filter(booking__in=[row.pk for row in over])
    }
    found = {}
    for row in over:
        review = written.get(row.pk)
        if row.code is None:
            continue
        url = reverse("reviews:write", args=[row.code])
        if review is None and is_reviewable(row, now):
            until = format_when(window_end(row), row.zone)
            action: dict[str, object] = {"url": url, "label": "Review", "variant": "brand"}
            found[row.pk] = MoreActions((action,), f"Review until {until}")
        elif review is not None and is_editable(review, row.policy.review_edit_hours, now):
            found[row.pk] = MoreActions(({"url": url, "label": "Change review"},))
    return found
