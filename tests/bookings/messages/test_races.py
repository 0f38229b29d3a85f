"""Messages that really meet (S11.4)."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from bookings.messages.models import Message, Thread
from bookings.messages.selectors import pair_with_instructor
from bookings.messages.services import send_message
from bookings.messages.unread import tell_of_unread
from bookings.notifications.models import OutgoingMail
from instainstru import clock
from tests.bookings.payments.conftest import in_parallel
from tests.factories.accounts import student
from tests.factories.messages import MessageFactory, pair_of, teacher

pytestmark = [pytest.mark.S11, pytest.mark.django_db(transaction=True)]


def test_first_messages_at_once_make_one_thread() -> None:
    maya, sam = teacher(), student()
    pair = pair_with_instructor(by=sam, slug=maya.instructor.slug)
    answers = in_parallel(
        [lambda n=n: send_message(by=sam, pair=pair, text="Hello", key=f"{n}") for n in range(6)]  # type: ignore[misc]
    )
    assert all(getattr(answer, "is_new", False) for answer in answers), answers
    assert Thread.objects.count() == 1
    assert Message.objects.count() == 6


def test_one_form_sent_at_once_writes_one_message() -> None:
    maya, sam = teacher(), student()
    pair = pair_with_instructor(by=sam, slug=maya.instructor.slug)
    answers = in_parallel([lambda: send_message(by=sam, pair=pair, text="Hello", key="a")] * 6)
    assert sum(answer.is_new for answer in answers) == 1, answers
    assert Message.objects.count() == 1


def test_thirty_an_hour_hold_when_many_come_at_once() -> None:
    """S11.4: 31 and more at once write thirty."""
    thread = MessageFactory(is_answer=True).thread
    pair = pair_of(thread)

    def write(number: int) -> Any:
        browser = Client()
        browser.force_login(pair.student)
        return browser.post(f"/messages/{thread.public_id}/", {"text": "Hi", "key": f"{number}"})

    calls = [lambda n=n: write(n) for n in range(36)]  # type: ignore[misc]
    answers = [answer for part in (0, 12, 24) for answer in in_parallel(calls[part : part + 12])]
    statuses = sorted(getattr(answer, "status_code", 0) for answer in answers)
    assert statuses == [303] * 30 + [429] * 6
    assert Message.objects.filter(author=pair.student).count() == 30


def test_two_workers_write_one_mail() -> None:
    MessageFactory()
    later = clock.now() + timedelta(minutes=6)
    in_parallel([lambda: tell_of_unread(later)] * 4)
    assert OutgoingMail.objects.filter(kind="unread_messages").count() == 1
