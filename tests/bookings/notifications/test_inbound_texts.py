"""STOP, HELP and START: signed, once, at once (Spec: S13.6, S17.10)."""

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from accounts.models import TextNumber, User
from accounts.texts import end_texts, is_live
from bookings.notifications.inbound import receive_text, word_of
from bookings.notifications.models import InboundText, OutgoingText
from bookings.notifications.texts import deliver_texts, forget_old_texts, queue_text
from instainstru import clock
from instainstru.signatures import sign
from privacy.models import Consent
from tests.factories.accounts import student
from tests.factories.texts import PAGE, PHONE, with_texts

pytestmark = [pytest.mark.S13, pytest.mark.S17, pytest.mark.django_db]
ADDRESS = "/webhooks/texts/"
SECRET = "s" * 32


@pytest.fixture(autouse=True)
def provider(settings: Any) -> None:
    settings.TEXT_SECRET = SECRET


@pytest.fixture
def maya() -> User:
    return with_texts(student(email="maya@example.com"))


def body_of(text: str, message_id: str = "m-1", phone: str = PHONE) -> bytes:
    return json.dumps({"id": message_id, "from": phone, "text": text}).encode()


def receive(text: str, message_id: str = "m-1", phone: str = PHONE) -> None:
    body, now = body_of(text, message_id, phone), clock.now()
    receive_text(body=body, signature=sign(body, secret=SECRET.encode(), at=now), now=now)


def post(body: bytes, signature: str | None = None) -> int:
    signature = (
        sign(body, secret=SECRET.encode(), at=clock.now()) if signature is None else signature
    )
    return (
        Client(enforce_csrf_checks=True)
        .post(ADDRESS, body, content_type="application/json", headers={"Text-Signature": signature})
        .status_code
    )


def answers() -> list[str]:
    return list(
        OutgoingText.objects.filter(key__startswith="answer:").order_by("pk")
        .values_list("kind", flat=True)
    )  # fmt: skip


@pytest.mark.parametrize(
    "word", ["STOP", "cancel", " End. ", "Quit!", "unsubscribe", "stop", "ＳＴＯＰ"]
)
def test_five_words_end_texts_at_once_and_are_answered_once(maya: User, word: str) -> None:
    waiting = queue_text(key="k", user=maya, choice="late", template="answer_help", context={})
    assert waiting is not None
    assert post(body_of(word)) == 200
    assert not is_live(maya)
    assert not Consent.objects.in_force(maya)["sms"]
    assert post(body_of(word, "m-2")) == 200
    assert answers() == ["answer_stop"]
    deliver_texts()
    waiting.refresh_from_db()
    assert waiting.status == "dropped"
    assert OutgoingText.objects.get(kind="answer_stop").status == "sent"


@pytest.mark.parametrize("text", ["Stop by at five", "please stop", "", "ok", "STOP\x07STOP", "停"])
def test_other_words_change_nothing_and_get_no_answer(maya: User, text: str) -> None:
    assert post(body_of(text)) == 200
    assert is_live(maya)
    assert answers() == []


def test_the_same_text_again_changes_nothing(maya: User) -> None:
    """S17.10: a replay inside the five minutes is known by its id."""
    body = body_of("STOP")
    signature = sign(body, secret=SECRET.encode(), at=clock.now())
    assert post(body, signature) == 200
    assert post(body_of("START", "m-2")) == 200
    assert is_live(maya)
    assert post(body, signature) == 200
    assert is_live(maya)
    assert answers() == ["answer_stop", "answer_start"]


@pytest.mark.parametrize("signature", ["", "t=1,v1=", "t=x,v1=y", "v1=abc", "t=1,v1=ü"])
def test_what_is_not_signed_stores_nothing(maya: User, signature: str) -> None:
    assert post(body_of("STOP"), signature) == 400
    assert is_live(maya)
    assert not InboundText.objects.exists()


def test_signature_is_over_the_raw_body_and_five_minutes_old_at_most(maya: User) -> None:
    body, now, key = body_of("STOP"), clock.now(), SECRET.encode()
    assert post(body, sign(body + b" ", secret=key, at=now)) == 400
    assert post(body, sign(body, secret=b"x" * 32, at=now)) == 400
    assert post(body, sign(body, secret=key, at=now - timedelta(minutes=5, seconds=2))) == 400
    assert is_live(maya)
    assert post(body, sign(body, secret=key, at=now - timedelta(minutes=4, seconds=50))) == 200
    assert not is_live(maya)


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b"\xff", b'{"id": 1, "from": "+12125550123", "text": "STOP"}',
     body_of("STOP", ""), body_of("STOP", "x" * 101), body_of("STOP", "a\x00")],
)  # fmt: skip
def test_signed_nonsense_is_refused(content: bytes) -> None:
    assert post(content) == 400
    assert not InboundText.objects.exists()


def test_short_numbers_of_services_are_let_pass() -> None:
    assert post(body_of("HELP", phone="62765")) == 200
    assert answers() == []


def test_without_a_provider_there_is_no_such_page(settings: Any) -> None:
    settings.TEXT_SECRET = ""
    body = body_of("STOP")
    assert post(body, sign(body, secret=b"", at=clock.now())) == 404
    assert Client().get(ADDRESS).status_code == 405


def test_help_is_answered_to_anybody_and_not_for_ever(maya: User) -> None:
    for number in range(7):
        receive("Help", f"m-{number}")
    receive("help", "m-other", "+12125550199")
    assert answers() == ["answer_help"] * 6
    assert is_live(maya)


def test_start_brings_back_only_what_a_stop_ended(maya: User) -> None:
    """S13.6: texts begin by a web form; START undoes a STOP and nothing else."""
    receive("START", "m-0")
    assert answers() == []
    receive("STOP", "m-1")
    receive("START", "m-2")
    assert is_live(maya)
    assert answers() == ["answer_stop", "answer_start"]
    end_texts(by=maya, browser=PAGE)
    receive("START", "m-3")
    receive("STOP", "m-4")
    receive("START", "m-5")
    assert not is_live(maya)
    assert answers() == ["answer_stop", "answer_start", "answer_stop"]


def test_nobody_gets_texts_by_start_alone() -> None:
    maya = student(email="maya@example.com")
    User.objects.filter(pk=maya.pk).update(phone=PHONE)
    receive("START")
    assert not TextNumber.objects.exists()
    assert not Consent.objects.exists()
    assert answers() == []


def test_new_words_ask_anew_on_the_site(maya: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """S6.4: START cannot agree to words that nobody has shown."""
    receive("STOP", "m-1")
    monkeypatch.setitem(__import__("privacy.consents").consents.VERSIONS, "sms", "2027-01-01")
    receive("START", "m-2")
    assert not is_live(maya)


def test_two_people_of_one_phone_are_both_stopped(maya: User) -> None:
    partner = with_texts(student(email="noa@example.com"))
    receive("STOP")
    assert not is_live(maya)
    assert not is_live(partner)
    assert answers() == ["answer_stop"]


@pytest.mark.django_db(transaction=True)
def test_parallel_stops_are_answered_once() -> None:
    """S13.6: "answered once", whichever of them comes first."""
    maya = with_texts(student(email="maya@example.com"))
    gate = threading.Barrier(6)
    failures: list[BaseException] = []

    def stop(number: int) -> None:
        try:
            gate.wait()
            receive("STOP", f"m-{number}")
        except BaseException as error:  # noqa: BLE001 - told below
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=stop, args=(number // 2,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert answers() == ["answer_stop"]
    assert [row.is_given for row in Consent.objects.filter(user=maya).order_by("pk")] == [
        True, False,
    ]  # fmt: skip
    assert InboundText.objects.count() == 3


def test_killed_before_the_answer_is_written_nothing_is_done(
    maya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S4.2: the provider sends it again, and then it is done whole."""
    with monkeypatch.context() as broken:
        broken.setattr("bookings.notifications.inbound.answer", _die)
        with pytest.raises(SystemExit):
            receive("STOP")
    assert is_live(maya)
    assert not InboundText.objects.exists()
    receive("STOP")
    assert not is_live(maya)
    assert answers() == ["answer_stop"]


def test_old_texts_are_forgotten(maya: User) -> None:
    """S6.3: thirty days."""
    receive("STOP")
    deliver_texts()
    now = clock.now()
    assert forget_old_texts(now + timedelta(days=29)) == 0
    assert forget_old_texts(now + timedelta(days=30)) == 3


def test_words_are_whole_words() -> None:
    assert [word_of(text) for text in ("(stop)", "STOPALL", "h e l p", "Start.")] == [
        "stop", "other", "other", "start",
    ]  # fmt: skip


def _die(**_details: Any) -> None:
    raise SystemExit
