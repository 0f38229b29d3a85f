"""Mails about what nobody has read: when, how often, and to whom not (S11.4, S13.5)."""

from datetime import datetime, timedelta

import pytest

from accounts.blocking import block_person
from accounts.models import NotificationChoice, User
from bookings.messages import unread
from bookings.messages.models import Message, Thread
from bookings.messages.selectors import Pair
from bookings.messages.services import read_letters, send_message
from bookings.messages.unread import tell_of_unread
from bookings.messages.waiting import unread_threads
from bookings.notifications.digest import LOCAL_TIME, send_digests
from bookings.notifications.models import OutgoingMail
from instainstru import clock
from tests.factories.messages import MessageFactory, ThreadFactory, pair_of

pytestmark = [pytest.mark.django_db, pytest.mark.S11]

MINUTE = timedelta(minutes=1)


@pytest.fixture
def now() -> datetime:
    return clock.now()


@pytest.fixture
def thread() -> Thread:
    return ThreadFactory()


def mails() -> list[OutgoingMail]:
    return list(OutgoingMail.objects.filter(kind="unread_messages").order_by("pk"))


def test_five_minutes_unread_write_one_mail(thread: Thread, now: datetime) -> None:
    MessageFactory(thread=thread, created_at=now, is_answer=True, text="The secret word is oboe.")
    assert tell_of_unread(now + 5 * MINUTE - timedelta(seconds=1)) == 0
    assert tell_of_unread(now + 5 * MINUTE) == 1
    assert tell_of_unread(now + 6 * MINUTE) == 0
    assert tell_of_unread(now + timedelta(days=1)) == 0
    [mail] = mails()
    assert mail.to == thread.student.email
    assert mail.subject == f"{thread.instructor.display_name} wrote to you"
    assert f"/messages/{thread.public_id}/" in mail.text
    assert "1 unread message from" in mail.text
    assert "oboe" not in mail.text + mail.html
    assert mail.unsubscribe_url


def test_one_mail_an_hour_tells_of_everything(thread: Thread, now: datetime) -> None:
    """S11.4: what comes within the hour waits for its end."""
    for minutes in (0, 3):
        MessageFactory(thread=thread, created_at=now + minutes * MINUTE)
    assert tell_of_unread(now + 5 * MINUTE) == 1
    assert "2 unread messages" in mails()[0].text
    MessageFactory(thread=thread, created_at=now + 20 * MINUTE)
    assert tell_of_unread(now + 64 * MINUTE) == 0
    assert tell_of_unread(now + 65 * MINUTE) == 1
    assert tell_of_unread(now + 200 * MINUTE) == 0


def test_each_side_and_each_thread_is_told_by_itself(thread: Thread, now: datetime) -> None:
    other = ThreadFactory(student=thread.student)
    for row in (thread, other):
        for is_answer in (True, False):
            MessageFactory(thread=row, created_at=now, is_answer=is_answer)
    assert tell_of_unread(now + 5 * MINUTE) == 4
    assert [mail.to for mail in mails()].count(thread.student.email) == 2


def test_what_was_read_is_not_mailed_about(thread: Thread, now: datetime) -> None:
    letter = MessageFactory(thread=thread, created_at=now)
    pair = pair_of(thread)
    read_letters(by=pair.instructor.user, pair=pair, up_to=letter.public_id)
    assert tell_of_unread(now + 6 * MINUTE) == 0
    assert mails() == []


def _switch_off(pair: Pair) -> None:
    NotificationChoice.objects.create(user=pair.instructor.user, kind="message", is_on=False)


def _block(pair: Pair) -> None:
    block_person(by=pair.instructor.user, person=pair.student)


def _leave(pair: Pair) -> None:
    User.objects.filter(pk=pair.instructor.user_id).update(is_active=False)


@pytest.mark.parametrize("change", [_switch_off, _block, _leave])
def test_who_wants_no_mail_gets_none(thread: Thread, now: datetime, change: object) -> None:
    """S13.5, S5.8: and nobody looks at these messages again."""
    MessageFactory(thread=thread, created_at=now)
    change(pair_of(thread))  # type: ignore[operator]
    assert tell_of_unread(now + 6 * MINUTE) == 0
    assert mails() == []
    assert not Message.objects.untold(now + 6 * MINUTE).exists()


def test_one_that_fails_stops_no_other(
    thread: Thread, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4.2: what was missed is sent by the next run; small batches starve nobody."""
    other = ThreadFactory()
    for row in (thread, other):
        MessageFactory(thread=row, created_at=now)
    plain = unread._queue

    def broken(pair: Pair, *rest: object) -> None:
        if pair.thread == thread:
            raise RuntimeError
        plain(pair, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(unread, "BATCH_SIZE", 1)
    with monkeypatch.context() as patch:
        patch.setattr(unread, "_queue", broken)
        assert tell_of_unread(now + 6 * MINUTE) == 1
    assert tell_of_unread(now + 7 * MINUTE) == 1
    assert len(mails()) == 2


@pytest.mark.S13
def test_digest_names_conversations_with_unread_messages(thread: Thread, now: datetime) -> None:
    """S13.5"""
    for _ in range(2):
        MessageFactory(thread=thread, created_at=now, is_answer=True)
    NotificationChoice.objects.create(user=thread.student, kind="digest", is_on=True)
    today = now.astimezone(clock.NEW_YORK).date()
    assert send_digests(datetime.combine(today, LOCAL_TIME, clock.NEW_YORK)) == 1
    mail = OutgoingMail.objects.get(kind="digest")
    assert f"2 unread messages: Messages with {thread.instructor.display_name}" in mail.text
    pair = pair_of(thread)
    send_message(by=pair.student, pair=pair, text="Yes", key="a")
    assert unread_threads(pair.student, now) == []
