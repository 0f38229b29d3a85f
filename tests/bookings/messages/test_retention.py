"""How long messages are kept (S6.3)."""

from datetime import datetime, timedelta

import pytest

from bookings.lessons.models import Booking
from bookings.messages import retention
from bookings.messages.invariants import thread_violations
from bookings.messages.models import Message, MessageReport, Thread
from bookings.messages.retention import YEARS, forget_old_messages
from instainstru import clock
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import BookingFactory
from tests.factories.messages import MessageFactory, ThreadFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S6]

SECOND = timedelta(seconds=1)


@pytest.fixture
def now() -> datetime:
    return clock.now()


def lesson(thread: Thread, end_at: datetime) -> Booking:
    return BookingFactory(
        student=thread.student,
        offering=OfferingFactory(instructor=thread.instructor),
        start_at=end_at - timedelta(hours=1),
        status=Booking.Status.COMPLETED,
        completed_at=end_at,
    )


def thread_at(at: datetime) -> Thread:
    thread: Thread = MessageFactory(
        thread=ThreadFactory(created_at=at, last_message_at=at), created_at=at
    ).thread
    return thread


def test_messages_go_two_years_after_the_last_lesson(now: datetime) -> None:
    """S6.3: exactly two years are kept, a second more is not."""
    thread = thread_at(now - YEARS - timedelta(days=100))
    end_at = now - YEARS
    lesson(thread, end_at - timedelta(days=40))
    lesson(thread, end_at)
    MessageFactory(thread=thread, created_at=end_at + timedelta(days=9))
    assert forget_old_messages(now) == 0
    assert forget_old_messages(now + SECOND) == 2
    assert not Thread.objects.exists()
    assert forget_old_messages(now + SECOND) == 0


def test_without_a_lesson_a_message_has_two_years_of_its_own(now: datetime) -> None:
    thread = thread_at(now - YEARS)
    MessageFactory(thread=thread, created_at=now)
    assert forget_old_messages(now) == 0
    assert forget_old_messages(now + SECOND) == 1
    assert Message.objects.get().thread == thread


def test_a_pair_that_writes_again_after_years_is_not_cut_off(now: datetime) -> None:
    thread = thread_at(now - 2 * YEARS)
    lesson(thread, now - 2 * YEARS + timedelta(days=1))
    MessageFactory(thread=thread, created_at=now - timedelta(days=1))
    assert forget_old_messages(now) == 1
    assert Message.objects.count() == 1


def test_an_open_report_keeps_its_message(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH_SIZE", 1)
    thread = thread_at(now - YEARS - SECOND)
    MessageFactory(thread=thread, created_at=now - YEARS - SECOND)
    letter = MessageFactory(thread=thread, created_at=now - YEARS - SECOND)
    report = MessageReport.objects.create(
        message=letter,
        reporter=letter.recipient,
        kind="spam",
        text="The same to everybody, always.",
    )
    assert forget_old_messages(now) == 2
    MessageReport.objects.filter(pk=report.pk).update(handled_at=clock.now())
    assert forget_old_messages(now) == 1
    assert not MessageReport.objects.exists()


def test_a_new_question_long_after_the_last_lesson_stays(now: datetime) -> None:
    """S6.3: and the thread goes on telling its latest message when older ones go."""
    thread = thread_at(now - YEARS - timedelta(days=9))
    lesson(thread, now - YEARS - timedelta(days=5))
    asked = MessageFactory(thread=thread, created_at=now - timedelta(days=6))
    Thread.objects.update(last_message_at=asked.created_at)
    assert forget_old_messages(now) == 1
    assert Message.objects.get() == asked
    assert not thread_violations()


def test_a_thread_that_keeps_an_old_message_alone_tells_it(now: datetime) -> None:
    thread = thread_at(now - YEARS - timedelta(days=9))
    reported = thread.letters.get()
    MessageReport.objects.create(
        message=reported, reporter=reported.recipient, kind="other", text="Please look at this one."
    )
    newer = MessageFactory(thread=thread, created_at=now - YEARS - timedelta(days=8))
    Thread.objects.update(last_message_at=newer.created_at)
    assert forget_old_messages(now) == 1
    assert not thread_violations()
