"""How quickly an instructor answers, counted from the messages (S8.3, S10.1)."""

from datetime import datetime, timedelta

import pytest
import time_machine

from bookings.messages.models import Message, Thread
from bookings.reviews.models import InstructorStatistics
from bookings.reviews.services import rebuild_statistics, refresh_statistics
from instainstru import clock
from tests.factories.messages import MessageFactory, ThreadFactory, teacher

pytestmark = [pytest.mark.django_db, pytest.mark.S8]

HOUR = timedelta(hours=1)


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def thread() -> Thread:
    return ThreadFactory()


def ask(thread: Thread, at: datetime, *answers: timedelta) -> None:
    """Write a student's message, and an answer after each of the times."""
    MessageFactory(thread=thread, created_at=at)
    for after in answers:
        MessageFactory(thread=thread, created_at=at + after, is_answer=True)


def counts(now: datetime) -> tuple[int, int, int, int]:
    rebuild_statistics(now)
    row = InstructorStatistics.objects.get()
    return (
        row.recent_question_count,
        row.recent_reply_count,
        row.recent_quick_reply_count,
        row.median_reply_minutes,
    )


@pytest.mark.parametrize(
    ("answers", "found"),
    [
        ([], (1, 0, 0, 0)),
        ([HOUR], (1, 1, 1, 60)),
        ([timedelta(seconds=61)], (1, 1, 1, 2)),
        ([2 * HOUR - timedelta(seconds=1)], (1, 1, 1, 120)),
        ([2 * HOUR], (1, 1, 0, 120)),
        ([3 * HOUR, 4 * HOUR], (1, 1, 0, 180)),
    ],
)
def test_the_first_answer_counts(
    thread: Thread, now: datetime, answers: list[timedelta], found: tuple[int, ...]
) -> None:
    ask(thread, now - 9 * HOUR, *answers)
    assert counts(now) == found


def test_what_may_still_be_answered_in_time_counts_not_yet(thread: Thread, now: datetime) -> None:
    ask(thread, now - 2 * HOUR + timedelta(seconds=1))
    assert counts(now) == (0, 0, 0, 0)
    assert counts(now + timedelta(seconds=1)) == (1, 0, 0, 0)


def test_thanks_and_second_thoughts_ask_nothing(thread: Thread, now: datetime) -> None:
    ask(thread, now - 60 * HOUR, HOUR)
    ask(thread, now - 58 * HOUR)
    ask(thread, now - 40 * HOUR)
    assert counts(now) == (1, 1, 1, 60)
    ask(thread, now - 10 * HOUR)
    assert counts(now) == (2, 1, 1, 60)


def test_own_first_words_are_no_answers(thread: Thread, now: datetime) -> None:
    MessageFactory(thread=thread, created_at=now - 9 * HOUR, is_answer=True)
    assert counts(now) == (0, 0, 0, 0)


def test_thirty_days_count_and_threads_stay_apart(now: datetime) -> None:
    maya = teacher().instructor
    for days in (1, 2, 3, 31):
        row = ThreadFactory(instructor=maya)
        ask(row, now - timedelta(days=days), days * HOUR)
    assert counts(now) == (3, 3, 1, 120)


def test_a_message_is_counted_by_the_next_refresh(thread: Thread, now: datetime) -> None:
    """S10.7: and a rebuild changes nothing then."""
    ask(thread, now - 9 * HOUR)
    rebuild_statistics(now)
    later = now + timedelta(minutes=1)
    with time_machine.travel(later, tick=False):
        MessageFactory(thread=thread, created_at=later, is_answer=True)
        assert refresh_statistics(later) == 1
        assert rebuild_statistics(later) == 0
    row = InstructorStatistics.objects.get()
    assert (row.recent_question_count, row.recent_reply_count) == (1, 1)
    Message.objects.all().delete()
    assert rebuild_statistics(later) == 1
