"""Mails about reviews that are due: 3 and 10 days after the end, until it is done (S13.5)."""

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import NotificationChoice
from bookings.lessons.models import Booking
from bookings.notifications.models import OutgoingMail
from bookings.reviews.reminders import remind_of_reviews
from tests.factories.lessons import tomorrow_at
from tests.factories.reviews import CompletedLessonFactory, ReviewFactory

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


def lesson(**fields: Any) -> Booking:
    return CompletedLessonFactory(**fields)


def test_student_is_reminded_after_3_and_10_days_once_each() -> None:
    done = lesson()
    end = done.end_at
    days = [3 * DAY - SECOND, 3 * DAY, 3 * DAY + SECOND, 5 * DAY, 10 * DAY, 10.5 * DAY, 12 * DAY]
    assert [remind_of_reviews(end + after) for after in days] == [0, 1, 0, 0, 1, 0, 0]
    assert set(OutgoingMail.objects.values_list("to", flat=True)) == {done.student.email}
    mail = OutgoingMail.objects.newest_first()[0]
    assert f"/lessons/{done.code}/review/" in mail.text
    assert mail.unsubscribe_url


def test_who_has_reviewed_is_left_in_peace() -> None:
    review = ReviewFactory()
    assert remind_of_reviews(review.booking.end_at + 3 * DAY) == 0


def test_a_lesson_that_only_the_clock_completed_counts() -> None:
    """S4.3: no job needs to have written it down."""
    over = lesson(status=Booking.Status.ENDED, completed_at=None)
    assert remind_of_reviews(over.end_at + 3 * DAY) == 1


@pytest.mark.parametrize(
    ("status", "mails"),
    [("no_show_instructor", 1), ("no_show_student", 0), ("cancelled_student", 0), ("reported", 0)],
)
def test_only_lessons_that_may_be_reviewed_are_asked_about(status: str, mails: int) -> None:
    """S11.11"""
    over = lesson(status=status)
    assert remind_of_reviews(over.end_at + 3 * DAY) == mails


def test_nobody_is_reminded_of_a_closed_window() -> None:
    """S11.3"""
    over = lesson(start_at=tomorrow_at(10, days=-30))
    over.policy.review_window_days = 7
    over.policy.save()
    assert remind_of_reviews(over.end_at + 10 * DAY) == 0


def test_who_switched_it_off_gets_none() -> None:
    over = lesson()
    NotificationChoice.objects.create(user=over.student, kind="review", is_on=False)
    assert remind_of_reviews(over.end_at + 3 * DAY) == 0
