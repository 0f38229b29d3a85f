"""The number at the bell: what is unread, on every page and in no outdated copy (S13.5)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.messages.models import Thread
from bookings.messages.services import send_message
from bookings.notifications.notices import leave_notice
from instainstru.bell import shown_count, unread_count
from tests.factories.messages import MessageFactory, ThreadFactory, pair_of

pytestmark = [pytest.mark.django_db, pytest.mark.S13]

Commits = Callable[..., Any]


@pytest.fixture
def thread() -> Thread:
    return ThreadFactory()


@pytest.fixture
def sam(client: Client, thread: Thread) -> Client:
    client.force_login(thread.student)
    client.get("/accessibility/")
    return client


def number_in(answer: Any) -> int:
    label = re.search(r'id="bell"[^>]*aria-label="Notifications(?:, (\d+) unread)?"', str(answer))
    assert label
    return int(label[1] or 0)


def page(client: Client, address: str = "/help/") -> str:
    return client.get(address).content.decode()


def test_bell_counts_notices_and_messages_by_one_query(
    sam: Client, thread: Thread, django_capture_on_commit_callbacks: Commits
) -> None:
    assert number_in(page(sam)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        MessageFactory(thread=thread)
        MessageFactory(thread=thread, is_answer=True)
        leave_notice(key="k", user=thread.student, title="News", path="/lessons/")
    assert number_in(page(sam)) == 2
    with CaptureQueriesContext(connection) as found:
        assert unread_count(thread.student.pk) == 2
    assert len(found) == 1
    with CaptureQueriesContext(connection) as found:
        assert shown_count(thread.student.pk) == 2
    assert not len(found)
    assert "1 unread message<" in page(sam, "/notifications/")


def test_scripts_get_the_bell_anew_when_messages_are_read(sam: Client, thread: Thread) -> None:
    letter = MessageFactory(thread=thread, is_answer=True)
    answer = sam.post(
        f"/messages/{thread.public_id}/read/",
        {"up_to": letter.public_id},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200
    html = answer.content.decode()
    assert 'hx-swap-oob="true"' in html
    assert number_in(html) == 0


def test_guests_and_error_pages_have_no_bell(client: Client) -> None:
    assert 'id="bell"' not in page(client)
    assert 'id="bell"' not in client.get("/nothing/here/").content.decode()


@pytest.mark.usefixtures("kept_pages")
def test_no_copy_shows_an_old_number(
    sam: Client, thread: Thread, django_capture_on_commit_callbacks: Commits
) -> None:
    """S9.3: a message, a notice and reading on another device change kept pages at once."""
    pair = pair_of(thread)
    for _ in range(2):
        assert number_in(page(sam)) == 0
    with django_capture_on_commit_callbacks(execute=True):
        send_message(by=pair.instructor.user, pair=pair, text="Hello", key="a")
    for _ in range(2):
        assert number_in(page(sam)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        leave_notice(key="k", user=pair.student, title="News", path="/lessons/")
    assert number_in(page(sam)) == 2
    phone = Client()
    phone.force_login(pair.student)
    with django_capture_on_commit_callbacks(execute=True):
        phone.post("/notifications/")
    assert number_in(page(sam)) == 1
    with django_capture_on_commit_callbacks(execute=True):
        send_message(by=pair.student, pair=pair, text="Hi", key="b")
    assert number_in(page(sam)) == 0
