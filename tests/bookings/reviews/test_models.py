"""What the database refuses, whoever writes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bookings.reviews.models import InstructorStatistics, Review
from instainstru import clock
from tests.factories.catalog import InstructorFactory
from tests.factories.reviews import ReviewFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S11]


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"overall": 0}, "review_overall_1_to_5"),
        ({"overall": 6}, "review_overall_1_to_5"),
        ({"clarity": 6}, "review_parts_1_to_5"),
        ({"punctuality": 0}, "review_parts_1_to_5"),
        ({"text": "too short"}, "review_text_length"),
        ({"text": "x" * 1501}, "review_text_length"),
        ({"overall": 3, "text": ""}, "review_low_has_text"),
        ({"staff_note": "x" * 1001}, "review_staff_note_length"),
        ({"reply": "Thanks!"}, "review_reply_length"),
        ({"reply": "Thank you for these kind words."}, "review_reply_has_time"),
        ({"is_hidden": True}, "review_hidden_has_reason"),
        ({"hidden_reason": "Insulting."}, "review_hidden_has_reason"),
    ],
)
def test_wrong_reviews_are_refused_by_name(fields: dict[str, Any], constraint: str) -> None:
    """S11.3, S11.11, S11.12."""
    if "reply" in fields and fields["reply"] == "Thanks!":
        fields = {**fields, "replied_at": clock.now()}
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ReviewFactory(**fields)


def test_happy_reviews_need_no_text() -> None:
    """S11.3."""
    assert ReviewFactory(overall=4, text="").pk


def test_one_review_per_lesson() -> None:
    """S11.3."""
    review = ReviewFactory()
    with pytest.raises(IntegrityError, match="booking"), transaction.atomic():
        ReviewFactory(booking=review.booking)


def test_only_revealed_and_not_hidden_reviews_are_published() -> None:
    """S11.11, S11.12, S4.3: the clock alone reveals."""
    now = clock.now()
    shown = ReviewFactory()
    later = ReviewFactory(revealed_at=now + timedelta(hours=1))
    ReviewFactory(is_hidden=True, hidden_at=now, hidden_reason="Insulting.")
    assert list(Review.objects.published(now)) == [shown]
    assert set(Review.objects.published(now + timedelta(hours=1))) == {shown, later}


def test_statistics_must_add_up() -> None:
    with pytest.raises(IntegrityError, match="statistics_stars_add_up"), transaction.atomic():
        InstructorStatistics.objects.create(instructor=InstructorFactory(), review_count=2)
