"""Texts as rows: to those who agreed, once per key, sent by the relay of the mails."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from bookings.notifications.checks import check_text_provider
from bookings.notifications.models import OutgoingText
from bookings.notifications.relay import MAX_ATTEMPTS
from bookings.notifications.texts import deliver_texts, queue_text
from instainstru import clock
from instainstru.signatures import verify
from tests.factories.accounts import student
from tests.factories.texts import PHONE, with_texts

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
SECRET = "s" * 32


@pytest.fixture
def maya() -> User:
    return with_texts(student(email="maya@example.com"))


def late(user: User, key: str = "late:1") -> OutgoingText | None:
    return queue_text(key=key, user=user, choice="late", template="answer_help", context={})


class _Provider(BaseHTTPRequestHandler):
    """Takes texts as a provider does; ``status`` is what it answers."""

    status: ClassVar[int] = 202
    taken: ClassVar[list[dict[str, str]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        verify(body, self.headers["Text-Signature"], secret=SECRET.encode(), now=clock.now())
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere/")
        self.end_headers()
        if self.status < 300:
            self.taken.append(json.loads(body))

    def log_message(self, *_details: Any) -> None: ...


@pytest.fixture
def provider(settings: Any) -> Iterator[type[_Provider]]:
    """A provider on this machine's own address."""
    _Provider.status, _Provider.taken = 202, []
    server = HTTPServer(("127.0.0.1", 0), _Provider)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    settings.TEXT_URL = f"http://127.0.0.1:{server.server_port}/texts"
    settings.TEXT_SECRET = SECRET
    yield _Provider
    server.shutdown()
    thread.join()
    server.server_close()


def test_only_who_agreed_gets_a_text(maya: User) -> None:
    assert late(student()) is None
    row = late(maya)
    assert row is not None
    assert (row.to, row.status) == (PHONE, "pending")


def test_a_key_makes_one_text(maya: User) -> None:
    """S13.5: at most one per key and channel."""
    assert late(maya) == late(maya)
    with pytest.raises(IntegrityError), transaction.atomic():
        OutgoingText.objects.create(key="late:1", kind="late", to=PHONE, text="Hi")


def test_a_change_that_is_rolled_back_texts_nobody(maya: User) -> None:
    """R15"""
    with pytest.raises(RuntimeError), transaction.atomic():
        late(maya)
        raise RuntimeError
    assert not OutgoingText.objects.filter(key="late:1").exists()


def test_without_a_provider_the_row_is_the_delivery(maya: User) -> None:
    """S13.6: a console outbox, to read on test data at ``/dev/texts/``."""
    late(maya)
    assert deliver_texts() == 2  # the code was waiting, too
    assert OutgoingText.objects.get(key="late:1").status == "sent"
    assert "texts about your lessons" in Client().get("/dev/texts/").content.decode()


def test_old_news_is_not_sent_any_more(maya: User) -> None:
    """S4.2: what a stopped worker left behind for hours would come after the lesson."""
    for key, age in (("old", timedelta(hours=1)), ("young", timedelta(minutes=59))):
        late(maya, key)
        OutgoingText.objects.filter(key=key).update(created_at=clock.now() - age)
    deliver_texts()
    found = dict(OutgoingText.objects.exclude(key=None).values_list("key", "status"))
    assert found == {"old": "dropped", "young": "sent"}


def test_outbox_is_nobodys_to_read_on_prod(settings: Any) -> None:
    settings.IS_PROD = True
    assert Client().get("/dev/texts/").status_code == 404


def test_on_prod_without_a_provider_nothing_is_called_sent(maya: User, settings: Any) -> None:
    settings.IS_PROD = True
    late(maya)
    assert deliver_texts() == 0
    assert set(OutgoingText.objects.values_list("status", flat=True)) == {"pending"}


def test_provider_gets_each_text_once_and_signed(maya: User, provider: type[_Provider]) -> None:
    row = late(maya)
    assert row is not None
    assert [deliver_texts(), deliver_texts()] == [2, 0]
    assert provider.taken[-1] == {"id": row.public_id, "to": PHONE, "text": row.text}


@pytest.mark.parametrize("status", [500, 401, 302])
def test_what_the_provider_does_not_take_is_tried_again_five_times(
    maya: User, provider: type[_Provider], status: int
) -> None:
    """S4.2: growing pauses, then it is failed; a redirect is followed nowhere."""
    OutgoingText.objects.all().delete()
    row = late(maya)
    assert row is not None
    provider.status = status
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert deliver_texts() == 0
        row.refresh_from_db()
        assert row.attempts == attempt
        assert row.next_attempt_at > clock.now()
        OutgoingText.objects.update(next_attempt_at=clock.now())
    assert (row.status, row.last_error) == ("failed", "HTTPError")
    provider.status = 202
    assert deliver_texts() == 0
    assert provider.taken == []


def test_killed_while_sending_the_same_id_goes_out_again(
    maya: User, provider: type[_Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4.2: the claim ends by itself, and the provider knows the id."""
    OutgoingText.objects.all().delete()
    late(maya)
    with monkeypatch.context() as broken:
        broken.setattr("bookings.notifications.relay._send_one", _die)
        with pytest.raises(SystemExit):
            deliver_texts()
    assert deliver_texts() == 0
    OutgoingText.objects.update(next_attempt_at=clock.now())
    assert deliver_texts() == 1
    assert len(provider.taken) == 1


@pytest.mark.parametrize(
    ("url", "secret", "is_prod", "errors"),
    [
        ("", "", True, 0),
        ("https://texts.example.com/send", SECRET, True, 0),
        ("http://texts.example.com/send", SECRET, True, 1),
        ("http://127.0.0.1:9/", SECRET, False, 0),
        ("file:///etc/passwd", SECRET, False, 1),
        ("https://texts.example.com/send", "", False, 1),
        ("https://texts.example.com/send", "short", False, 1),
        ("", SECRET, False, 1),
    ],
)
def test_start_names_what_is_wrong_with_a_provider(
    settings: Any, url: str, secret: str, is_prod: bool, errors: int
) -> None:
    settings.TEXT_URL, settings.TEXT_SECRET, settings.IS_PROD = url, secret, is_prod
    assert len(check_text_provider(None)) == errors


def _die(*_details: Any) -> None:
    raise SystemExit
