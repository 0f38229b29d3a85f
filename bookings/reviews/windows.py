"""When a lesson may be reviewed, and until when a review may be changed (Spec: S11.3, S11.11)."""

from datetime import datetime, timedelta

from bookings.lessons.models import Booking
from bookings.lessons.states import Status
from bookings.lessons.transitions import current_status
from bookings.reviews.models import Review

REVIEWABLE = frozenset({Status.COMPLETED, Status.NO_SHOW_INSTRUCTOR})


def window_end(booking: Booking) -> datetime:
    """Return the last instant to review: the days of the policy after the lesson was completed.

    A lesson that no job has completed yet counts from when the clock completes it.
    """
    by_clock = booking.end_at + timedelta(hours=booking.policy.auto_complete_hours)
    opened_at = booking.completed_at or by_clock
    return opened_at + timedelta(days=booking.policy.review_window_days)


def is_reviewable(booking: Booking, now: datetime) -> bool:
    """Tell whether somebody may write the first review now; the last instant counts."""
    return current_status(booking, now) in REVIEWABLE and now <= window_end(booking)


def is_editable(review: Review, edit_hours: int, now: datetime) -> bool:
    """Tell whether the student may still change it: some hours, and only until it is revealed."""
    return now < review.revealed_at and now <= review.created_at + timedelta(hours=edit_hours)
