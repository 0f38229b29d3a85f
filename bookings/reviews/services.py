"""Use-cases of reviews and their numbers."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction
from django.urls import reverse

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.lessons.selectors import find_lesson
from bookings.messages.models import Message
from bookings.reviews.errors import ReviewClosedError
from bookings.reviews.models import InstructorStatistics, Review
from bookings.reviews.statistics import count_categories, count_instructors
from bookings.reviews.windows import is_editable, is_reviewable, window_end
from instainstru import clock


@dataclass(frozen=True, kw_only=True)
class ReviewContent:
    """What a student says: stars from 1 to 5, parts or None, words, a note for staff."""

    overall: int
    clarity: int | None = None
    punctuality: int | None = None
    preparation: int | None = None
    text: str = ""
    staff_note: str = ""


def find_reviewable(*, by: User, code: str, now: datetime) -> tuple[Booking, Review | None]:
    """Return the person's lesson and their review of it, if either may be written now.

    Raises ``NotFoundError`` for a lesson of somebody else and ``ReviewClosedError`` when the lesson
    is not over, its window has closed, or the review can no longer be changed. Spec: S11.3.
    """
    booking = find_lesson(by=by, code=code)
    if booking.instructor.user_id == by.pk:
        raise _closed(booking, "Your own lessons can't be reviewed by you.")
    review = Review.objects.filter(booking=booking).first()
    if review is not None:
        if not is_editable(review, booking.policy.review_edit_hours, now):
            raise _closed(booking, "This review can't be changed any more.")
    elif not is_reviewable(booking, now):
        raise _closed(booking, _why_not(booking, now))
    return booking, review


def _why_not(booking: Booking, now: datetime) -> str:
    if now > window_end(booking):
        return "The time to review this lesson is over."
    return "This lesson can be reviewed once it is completed."


def _closed(booking: Booking, message: str) -> ReviewClosedError:
    back_url = reverse("lessons:detail", args=[booking.code])
    return ReviewClosedError(message, context={"back_url": back_url, "back_label": "Back to it"})


@transaction.atomic
def write_review(*, by: User, code: str, content: ReviewContent) -> Review:
    """Write the review of a lesson, or change it while that is allowed; one for each lesson.

    It becomes public at the end of the window, or earlier when the instructor has rated the lesson
    as well. Raises what ``find_reviewable`` raises. Spec: S11.3, S11.11.
    """
    Booking.objects.select_for_update().filter(code=code, student=by).first()
    now = clock.now()
    booking, review = find_reviewable(by=by, code=code, now=now)
    if review is None:
        return Review.objects.create(
            booking=booking,
            instructor=booking.instructor,
            student=by,
            service=booking.offering.service,
            is_no_show=booking.status == Booking.Status.NO_SHOW_INSTRUCTOR,
            created_at=now,
            changed_at=now,
            revealed_at=max(now, window_end(booking)),
            **asdict(content),
        )
    Review.objects.filter(pk=review.pk).update(**asdict(content), edited_at=now, changed_at=now)
    review.refresh_from_db()
    return review


@transaction.atomic
def refresh_statistics(now: datetime | None = None) -> int:
    """Count anew for instructors with a change since the last time; return how many rows changed.

    Looks back from the newest row, so that nothing is lost while no worker runs. Spec: S10.7.
    """
    now = now or clock.now()
    since = InstructorStatistics.objects.watermark()
    if since is None:
        return rebuild_statistics(now)
    written = Message.objects.written_since(since)
    ids = (
        set(Review.objects.changed_between(since, now).values_list("instructor_id", flat=True))
        | set(Booking.objects.completed_since(since).values_list("instructor_id", flat=True))
        | set(written.values_list("thread__instructor_id", flat=True))
    )
    if not ids:
        return 0
    count_categories(now=now)
    return count_instructors(ids, now=now)


@transaction.atomic
def rebuild_statistics(now: datetime | None = None) -> int:
    """Count every instructor from the raw rows; return how many rows changed. Spec: S10.7."""
    now = now or clock.now()
    count_categories(now=now)
    return count_instructors(None, now=now)
