"""The pages of messages: what they show, and what a form does."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.blocking import block_person
from accounts.models import User
from bookings.messages.models import Message, MessageReport, Thread
from instainstru import clock
from tests.factories.accounts import student
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import BookingFactory
from tests.factories.messages import MessageFactory, ThreadFactory, pair_of, teacher

pytestmark = [pytest.mark.django_db, pytest.mark.S11]


@pytest.fixture
def sam(client: Client) -> User:
    user = student(first_name="Sam", last_name="Reed")
    client.force_login(user)
    return user


@pytest.fixture
def thread(sam: User) -> Thread:
    return ThreadFactory(student=sam)


def page_of(thread: Thread) -> str:
    return f"/messages/{thread.public_id}/"


def signed_in(user: User) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def test_first_message_leads_to_the_thread_and_back(client: Client, sam: User) -> None:
    """S11.4: from the profile, without scripts."""
    maya = teacher()
    address = f"/i/{maya.instructor.slug}/message/"
    html = client.get(address).content.decode()
    assert "No lesson together yet" in html
    answer = client.post(address, {"text": "Hello\r\nthere", "key": "a1"})
    thread = Thread.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"{page_of(thread)}#newest")
    assert Message.objects.get().text == "Hello\nthere"
    assert client.get(address)["Location"] == page_of(thread)
    html = signed_in(maya).get(page_of(thread)).content.decode()
    assert "Hello<br>there" in html
    assert "Sam R." in html
    assert "Reed" not in html


def test_both_sides_of_a_lesson_reach_one_conversation(client: Client, sam: User) -> None:
    """06 section 3, S13.3"""
    maya = teacher()
    lesson = BookingFactory(student=sam, offering=OfferingFactory(instructor=maya.instructor))
    link = f"/messages/about/{lesson.code}/"
    for page in (f"/lessons/{lesson.code}/", "/lessons/", f"/lessons/{lesson.code}/confirmed/"):
        assert link in client.get(page).content.decode(), page
    instructor = signed_in(maya)
    for page in (f"/teach/lessons/{lesson.code}/", "/teach/"):
        assert link in instructor.get(page).content.decode(), page
    assert instructor.get(link).status_code == 200
    instructor.post(link, {"text": "See you tomorrow", "key": "a"})
    answer = client.get(link, follow=True)
    html = answer.content.decode()
    assert "See you tomorrow" in html
    assert f'Next lesson: <a href="/lessons/{lesson.code}/">' in html


def test_strangers_find_nothing(thread: Thread) -> None:
    """G5"""
    letter = MessageFactory(thread=thread, is_answer=True)
    other = signed_in(student())
    for address in (page_of(thread), f"{page_of(thread)}report/{letter.public_id}/"):
        assert other.get(address).status_code == 404
    for address in ("", "read/", "block/", f"report/{letter.public_id}/"):
        answer = other.post(page_of(thread) + address, {"text": "Hello"})
        assert answer.status_code == 404, address
    assert Message.objects.count() == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001, "bell\x07"])
def test_bad_words_are_kept_and_named(client: Client, thread: Thread, text: str) -> None:
    """G2"""
    answer = client.post(page_of(thread), {"text": text, "key": "a"})
    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()
    assert not Message.objects.exists()


def test_thirty_first_message_of_an_hour_waits(client: Client, thread: Thread) -> None:
    """S11.4: 429 with the wait; forms that were refused or sent twice count nothing."""
    start = clock.now()
    with time_machine.travel(start, tick=False) as traveller:
        client.post(page_of(thread), {"text": "", "key": "no"})
        for number in range(30):
            for _ in range(2):
                answer = client.post(page_of(thread), {"text": "Hi", "key": f"{number}"})
                assert answer.status_code == 303
        answer = client.post(page_of(thread), {"text": "One more", "key": "31"})
        assert answer.status_code == 429
        assert answer["Retry-After"] == "3600"
        assert "One more" in answer.content.decode()
        traveller.move_to(start + timedelta(hours=1, seconds=1))
        assert client.post(page_of(thread), {"text": "Hi", "key": "31"}).status_code == 303
    assert Message.objects.count() == 31


def test_another_message_from_the_same_form_is_not_lost(client: Client, thread: Thread) -> None:
    """R14: Back shows the form of the first message with its key."""
    for text in ("First", "First", "Second", "Second"):
        assert client.post(page_of(thread), {"text": text, "key": "a"}).status_code == 303
    assert list(Message.objects.order_by("pk").values_list("text", flat=True)) == [
        "First",
        "Second",
    ]


def test_unseen_characters_in_an_address_are_no_error(client: Client, thread: Thread) -> None:
    """S17.3"""
    MessageFactory(thread=thread)
    assert client.get(page_of(thread) + "?before=%00").status_code == 200
    assert client.post(page_of(thread) + "read/", {"up_to": "\0"}).status_code == 303


def test_hidden_and_shown_contacts_are_said(client: Client, sam: User, thread: Thread) -> None:
    """S11.4"""
    fields = {"text": "Mail sam@example.com", "key": "a"}
    html = client.post(page_of(thread), fields, follow=True).content.decode()
    assert "Mail [hidden]" in html
    assert "stay hidden until the first paid lesson" in html
    offering = OfferingFactory(instructor=thread.instructor)
    BookingFactory(student=sam, offering=offering)
    html = client.post(page_of(thread), fields | {"key": "b"}, follow=True).content.decode()
    assert "Mail sam@example.com" in html
    assert "no refund and no support" in html


def test_looking_marks_nothing_and_the_form_does(client: Client, thread: Thread) -> None:
    """S17.10: GET changes nothing; S11.4: the other side sees what was read."""
    letter = MessageFactory(thread=thread, is_answer=True)
    html = client.get(page_of(thread)).content.decode()
    assert "(1) " in html
    assert "Mark as read" in html
    letter.refresh_from_db()
    assert letter.read_at is None
    answer = client.post(f"{page_of(thread)}read/", {"up_to": letter.public_id})
    assert answer.status_code == 303
    letter.refresh_from_db()
    assert letter.read_at is not None
    assert "Mark as read" not in client.get(page_of(thread)).content.decode()
    html = signed_in(pair_of(thread).instructor.user).get(page_of(thread)).content.decode()
    assert "Read</p>" in html


def test_blocked_people_read_and_cannot_write(client: Client, sam: User, thread: Thread) -> None:
    """S5.8"""
    MessageFactory(thread=thread, text="An old one")
    maya = pair_of(thread).instructor.user
    block_person(by=maya, person=sam)
    html = client.get(page_of(thread)).content.decode()
    assert "An old one" in html
    assert "<textarea" not in html
    answer = client.post(page_of(thread), {"text": "Answer me", "key": "a"})
    assert answer.status_code == 409
    assert "Answer me" in answer.content.decode()
    assert Message.objects.count() == 1


def test_block_from_the_conversation_says_so(client: Client, sam: User, thread: Thread) -> None:
    MessageFactory(thread=thread)
    html = client.post(f"{page_of(thread)}block/", follow=True).content.decode()
    assert "You blocked" in html
    assert sam.blocks.count() == 1


def test_report_goes_into_the_queue_of_moderators(client: Client, thread: Thread) -> None:
    """S11.4"""
    letter = MessageFactory(thread=thread, is_answer=True)
    address = f"{page_of(thread)}report/{letter.public_id}/"
    assert client.post(address, {"kind": "spam", "text": "short"}).status_code == 422
    fields = {"kind": "spam", "text": "The same words go to everybody."}
    answer = client.post(address, fields)
    assert answer["Location"] == f"{address}?sent=1"
    assert client.get(answer["Location"]).status_code == 200
    report = MessageReport.objects.get()
    assert (report.message, report.reporter) == (letter, thread.student)
    own = MessageFactory(thread=thread)
    assert client.get(f"{page_of(thread)}report/{own.public_id}/").status_code == 404


def test_long_conversations_have_pages(client: Client, thread: Thread) -> None:
    letters = [MessageFactory(thread=thread, text=f"Number {n}.") for n in range(52)]
    html = client.get(page_of(thread)).content.decode()
    assert "Number 51." in html
    assert "Number 1." not in html
    before = f"?before={letters[2].public_id}"
    assert before in html
    html = client.get(page_of(thread) + before).content.decode()
    assert "Number 1." in html
    assert "Number 2." not in html


def _add_thread(sam: User, days: int) -> None:
    row = ThreadFactory(student=sam)
    MessageFactory(thread=row)
    start_at = clock.now() + timedelta(days=days)
    offering = OfferingFactory(instructor=row.instructor)
    BookingFactory(student=sam, offering=offering, start_at=start_at)


def _queries(client: Client) -> int:
    with CaptureQueriesContext(connection) as found:
        assert client.get("/messages/").status_code == 200
    return len(found)


def test_number_of_queries_does_not_grow(client: Client, sam: User) -> None:
    _add_thread(sam, 1)
    client.get("/messages/")
    few = _queries(client)
    for days in (2, 3):
        _add_thread(sam, days)
    assert _queries(client) == few
