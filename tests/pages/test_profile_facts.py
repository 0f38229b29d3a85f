"""How soon an instructor answers, in words (S10.1)."""

import pytest

from bookings.reviews.models import InstructorStatistics
from instainstru.pages.profile_facts import facts_of
from tests.factories.catalog import InstructorFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S10]


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "1 minute"), (1, "1 minute"), (59, "59 minutes"), (60, "60 minutes"), (61, "2 hours"),
        (1440, "24 hours"), (1441, "2 days"), (2881, "3 days"),
    ],
)  # fmt: skip
def test_median_is_rounded_up_to_what_people_say(minutes: int, words: str) -> None:
    person = InstructorFactory()
    statistics = InstructorStatistics(recent_reply_count=5, median_reply_minutes=minutes)
    assert f"Usually answers within {words}" in facts_of(person, statistics)


def test_few_answers_say_nothing() -> None:
    """S10.1: hidden under 5 messages."""
    statistics = InstructorStatistics(recent_reply_count=4, median_reply_minutes=9)
    assert not [fact for fact in facts_of(InstructorFactory(), statistics) if "answers" in fact]
