"""Statistics: what is counted, how soon, and that a rebuild gives the same."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine

from bookings.lessons.models import Booking
from bookings.reviews import tasks
from bookings.reviews.models import CategoryStatistics, InstructorStatistics, Review
from bookings.reviews.services import rebuild_statistics, refresh_statistics
from instainstru import clock
from tests.factories.accounts import student
from tests.factories.catalog import OfferingFactory, ServiceFactory
from tests.factories.lessons import tomorrow_at
from tests.factories.reviews import CompletedLessonFactory, ReviewFactory, reviews_of

pytestmark = [pytest.mark.django_db, pytest.mark.S10]


def numbers() -> list[dict[str, Any]]:
    """Return every statistics row without the time it was written."""
    rows = InstructorStatistics.objects.order_by("pk").values()
    return [{key: value for key, value in row.items() if key != "refreshed_at"} for row in rows]


def test_counts_come_from_published_reviews_only() -> None:
    """S11.13, S11.12: hidden ones are counted apart, unrevealed ones not at all."""
    offering = OfferingFactory()
    reviews_of(offering, 5, 5, 4, 2)
    Review.objects.filter(overall=4).update(clarity=3, punctuality=5)
    ReviewFactory(
        booking__offering=offering, overall=1, is_hidden=True, hidden_at=clock.now(),
        hidden_reason="Insulting.",
    )  # fmt: skip
    ReviewFactory(
        booking__offering=offering, booking__start_at=tomorrow_at(15, days=-9),
        revealed_at=clock.now() + timedelta(days=1),
    )  # fmt: skip
    rebuild_statistics()
    row = InstructorStatistics.objects.get(instructor=offering.instructor)
    assert (row.review_count, row.rating_sum, row.hidden_count) == (4, 16, 1)
    assert [bar.count for bar in row.distribution] == [2, 1, 0, 1, 0]
    assert row.rating.text == "4.0"
    assert (row.clarity_count, row.clarity_sum, row.preparation_count) == (1, 3, 0)
    assert row.reviews_by_service == {str(offering.service_id): 4}
    category = CategoryStatistics.objects.get(category=offering.service.category)
    assert (category.review_count, category.rating_sum) == (4, 16)


def test_lessons_students_and_those_who_came_back() -> None:
    """S10.1: repeat-student rate, lessons taught, recent lessons and missed ones."""
    offering, regular = OfferingFactory(), student()
    for days in (-200, -20, -10):
        CompletedLessonFactory(
            offering=offering, student=regular, start_at=tomorrow_at(10, days=days)
        )
    CompletedLessonFactory(offering=offering, start_at=tomorrow_at(14))
    CompletedLessonFactory(offering=offering, start_at=tomorrow_at(14, days=-3))
    CompletedLessonFactory(
        offering=offering, start_at=tomorrow_at(16, days=-5), status="no_show_instructor"
    )
    CompletedLessonFactory(
        offering=offering, start_at=tomorrow_at(16, days=-6), status="cancelled_student"
    )
    rebuild_statistics()
    row = InstructorStatistics.objects.get(instructor=offering.instructor)
    assert (row.lessons_taught, row.student_count, row.repeat_student_count) == (4, 2, 1)
    assert (row.recent_lesson_count, row.recent_no_show_count, row.repeat_percent) == (3, 1, 50)


def test_refresh_sees_every_kind_of_change() -> None:
    """S10.7: new, revealed, changed and hidden reviews, and completed lessons."""
    offering = OfferingFactory()
    now = clock.now()
    rebuild_statistics(now)

    def count() -> tuple[int, int, int]:
        row = InstructorStatistics.objects.get(instructor=offering.instructor)
        return row.review_count, row.hidden_count, row.lessons_taught

    with time_machine.travel(now + timedelta(hours=1), tick=False) as clocks:
        review = ReviewFactory(
            booking__offering=offering,
            booking__completed_at=clock.now(),
            created_at=clock.now(),
            revealed_at=clock.now() + timedelta(hours=5),
        )
        refresh_statistics()
        assert count() == (0, 0, 1)
        clocks.shift(timedelta(hours=5))
        refresh_statistics()
        assert count() == (1, 0, 1)
        clocks.shift(timedelta(hours=5))
        Review.objects.filter(pk=review.pk).update(
            is_hidden=True, hidden_at=clock.now(), hidden_reason="Spam.", changed_at=clock.now()
        )
        refresh_statistics()
        assert count() == (0, 1, 1)
        assert CategoryStatistics.objects.get().review_count == 0


def test_rebuild_equals_what_refreshes_have_counted() -> None:
    """S10.7: rebuildable from raw rows with the same result."""
    start = clock.now()
    rebuild_statistics(start)
    with time_machine.travel(start, tick=False) as clocks:
        for number in range(4):
            offering = OfferingFactory(service=ServiceFactory(name=f"Subject {number}"))
            reviews_of(offering, *([5, 4, 3, 2, 1][: number + 1]))
            Review.objects.filter(instructor=offering.instructor).update(changed_at=clock.now())
            Booking.objects.filter(offering=offering).update(completed_at=clock.now())
            clocks.shift(timedelta(minutes=20))
            assert refresh_statistics() == 1
        counted = numbers()
        assert len(counted) == 4
        assert rebuild_statistics() == 0
        InstructorStatistics.objects.all().delete()
        CategoryStatistics.objects.all().delete()
        rebuild_statistics()
        assert numbers() == counted


def test_refresh_without_change_writes_nothing() -> None:
    reviews_of(OfferingFactory(), 5)
    rebuild_statistics()
    before = list(InstructorStatistics.objects.values())
    assert tasks.refresh_statistics() == 0
    assert tasks.rebuild_statistics() == 0
    assert list(InstructorStatistics.objects.values()) == before


def test_first_refresh_counts_everybody() -> None:
    reviews_of(OfferingFactory(), 5)
    assert refresh_statistics() == 1


def test_old_lessons_leave_the_window_of_the_badge_without_a_change() -> None:
    """S10.1: 90 days pass by themselves."""
    offering = OfferingFactory()
    CompletedLessonFactory(offering=offering)
    rebuild_statistics()
    rebuild_statistics(clock.now() + timedelta(days=90))
    row = InstructorStatistics.objects.get(instructor=offering.instructor)
    assert (row.lessons_taught, row.recent_lesson_count) == (1, 0)
