"""Who gets texts: agreed to on the site, in words that are kept, from a number that was proved."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts import texts
from accounts.models import TextNumber, User
from bookings.notifications.models import OutgoingText
from instainstru import clock
from instainstru.errors import ConflictError, RateLimitedError, ValidationFailedError
from privacy.consents import VERSIONS, Browser, Purpose
from privacy.models import Consent
from tests.factories.accounts import student
from tests.factories.texts import PHONE, code_sent_to, with_texts

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
PAGE = "/account/texts/"
HERE = Browser(page=PAGE, ip="203.0.113.77", user_agent="Firefox")
BOX = 'type="checkbox" name="agrees"'


@pytest.fixture
def maya() -> User:
    return student(email="maya@example.com", first_name="Maya", last_name="Cohen")


@pytest.fixture
def mine(maya: User) -> Client:
    client = Client(headers={"User-Agent": "Firefox"}, REMOTE_ADDR="203.0.113.77")
    client.force_login(maya)
    return client


def agreed(user: User) -> bool:
    return Consent.objects.in_force(user).get("sms", False)


def test_opting_in_needs_the_box_the_number_and_its_code(maya: User, mine: Client) -> None:
    """S13.6, S6.4: an unticked box; what was agreed to is kept in full; nothing before the code."""
    page = mine.get(PAGE).content.decode()
    assert BOX in page
    assert "checked" not in page.split(BOX)[1].split(">")[0]
    assert mine.post(PAGE, {"phone": "(212) 555-0123"}).status_code == 422
    assert not Consent.objects.exists()
    assert mine.post(PAGE, {"phone": "(212) 555-0123", "agrees": "on"}).status_code == 303
    row = Consent.objects.get(purpose="sms")
    assert (row.is_given, row.phone, row.name, row.email) == (
        True, PHONE, "Maya Cohen", "maya@example.com",
    )  # fmt: skip
    assert (row.ip, row.user_agent, row.page, row.version) == (
        "203.0.113.77", "Firefox", PAGE, VERSIONS[Purpose.SMS],
    )  # fmt: skip
    assert not texts.is_live(maya)
    code = code_sent_to(PHONE)
    assert code not in TextNumber.objects.get().code_hash
    assert mine.post(f"{PAGE}code/", {"code": f"{code[:3]} {code[3:]}"}).status_code == 303
    assert texts.is_live(maya)
    assert "We text you at +1 212-555-0123" in mine.get(PAGE).content.decode()


@pytest.mark.parametrize("phone", ["", "call me", "+999 123456", "212\x00", "2" * 41])
def test_bad_numbers_are_told_at_the_field(mine: Client, phone: str) -> None:
    """G2"""
    answer = mine.post(PAGE, {"phone": phone, "agrees": "on"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not TextNumber.objects.exists()


def test_five_wrong_codes_are_the_end_of_a_code(maya: User, mine: Client) -> None:
    texts.agree_to_texts(by=maya, phone=PHONE, browser=HERE)
    code = code_sent_to(PHONE)
    wrong = "000000" if code != "000000" else "000001"
    for _ in range(4):
        answer = mine.post(f"{PAGE}code/", {"code": wrong})
        assert answer.status_code == 422
    assert "isn&#x27;t the code" in answer.content.decode()
    for typed in (wrong, code, ""):
        answer = mine.post(f"{PAGE}code/", {"code": typed})
        assert (answer.status_code, answer["Location"]) == (303, f"{PAGE}?again=1")
    assert not texts.is_live(maya)
    page = mine.get(f"{PAGE}?again=1").content.decode()
    assert "Ask for a new one." in page
    assert BOX in page


def test_a_code_that_is_not_typed_is_told_at_its_field(maya: User, mine: Client) -> None:
    """G2; and a bad number shows the form that it was typed into, while a code is on its way."""
    texts.agree_to_texts(by=maya, phone=PHONE, browser=HERE)
    answer = mine.post(f"{PAGE}code/", {"code": ""})
    assert answer.status_code == 422
    assert "Enter the code from the text message." in answer.content.decode()
    answer = mine.post(PAGE, {"phone": "call me", "agrees": "on"})
    assert answer.status_code == 422
    assert "Enter a phone number such as" in answer.content.decode()


def test_a_code_lives_ten_minutes(maya: User) -> None:
    now = clock.now()
    texts.agree_to_texts(by=maya, phone=PHONE, browser=HERE, now=now)
    code = code_sent_to(PHONE)
    with pytest.raises(ConflictError):
        texts.confirm_number(by=maya, code=code, now=now + timedelta(minutes=10))
    texts.confirm_number(by=maya, code=code, now=now + timedelta(minutes=9, seconds=59))
    assert texts.is_live(maya)
    with pytest.raises(ConflictError):
        texts.confirm_number(by=maya, code=code, now=now)


def test_codes_and_numbers_are_limited(maya: User) -> None:
    """S17.4: neither a person nor a number gets codes without end."""
    for _ in range(5):
        texts.agree_to_texts(by=maya, phone=PHONE, browser=HERE)
    with pytest.raises(RateLimitedError):
        texts.agree_to_texts(by=maya, phone="+12125550199", browser=HERE)
    with pytest.raises(RateLimitedError):
        texts.agree_to_texts(by=student(), phone=PHONE, browser=HERE)
    assert OutgoingText.objects.filter(kind="code").count() == 5


def test_another_number_needs_its_own_code(maya: User) -> None:
    with_texts(maya)
    texts.agree_to_texts(by=maya, phone="+12125550199", browser=HERE)
    assert not texts.is_live(maya)
    texts.confirm_number(by=maya, code=code_sent_to("+12125550199"))
    assert texts.is_live(maya)
    maya.refresh_from_db()
    assert maya.phone == "+12125550199"


def test_who_gets_texts_can_use_another_number(maya: User, mine: Client) -> None:
    with_texts(maya)
    assert BOX not in mine.get(PAGE).content.decode()
    assert BOX in mine.get(f"{PAGE}?again=1").content.decode()
    answer = mine.post(f"{PAGE}?again=1", {"phone": "call me", "agrees": "on"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert mine.post(PAGE, {"phone": "(212) 555-0199"}).status_code == 422
    assert texts.is_live(maya)


def test_ending_and_agreeing_again_needs_no_second_code(maya: User, mine: Client) -> None:
    with_texts(maya)
    for _ in range(2):
        assert mine.post(f"{PAGE}end/").status_code == 303
    assert not agreed(maya)
    assert not texts.is_live(maya)
    before = OutgoingText.objects.count()
    texts.agree_to_texts(by=maya, phone=PHONE, browser=HERE)
    assert texts.is_live(maya)
    assert OutgoingText.objects.count() == before
    assert [row.is_given for row in Consent.objects.order_by("pk")] == [True, False, True]


def test_another_phone_in_the_settings_ends_texts(maya: User, mine: Client) -> None:
    """S13.6: the agreement was given for the old number."""
    with_texts(maya)
    mine.post("/account/", {"first_name": "Maya", "phone": "+44 20 7946 0123", "theme": ""})
    assert not texts.is_live(maya)


def test_a_suspended_account_gets_none(maya: User) -> None:
    with_texts(maya)
    User.objects.update(is_active=False)
    assert TextNumber.objects.wanting([maya.pk], "late") == {}


def test_kinds_of_text_are_switched_apart_from_mail(maya: User, mine: Client) -> None:
    """S13.5"""
    page = mine.get("/account/notifications/").content.decode()
    assert 'name="text_late"' not in page
    mine.post("/account/notifications/", {"text_late": "on"})
    assert TextNumber.objects.wanting([maya.pk], "late") == {}
    with_texts(maya)
    assert (
        'name="text_late" id="id_text_late" checked'
        in mine.get("/account/notifications/").content.decode()
    )
    mine.post("/account/notifications/", {"text_reminder": "on", "reminder": "on"})
    assert TextNumber.objects.wanting([maya.pk], "reminder") == {maya.pk: PHONE}
    assert TextNumber.objects.wanting([maya.pk], "late") == {}
    assert TextNumber.objects.wanting([maya.pk], "change") == {}


def test_a_phone_that_said_stop_before_it_was_proved_gets_no_more_codes(maya: User) -> None:
    """Whoever types somebody else's number cannot have it texted after a STOP."""
    texts.agree_to_texts(by=maya, phone=PHONE, browser=HERE)
    assert texts.stop_texts(phone=PHONE)
    with pytest.raises(ConflictError):
        texts.confirm_number(by=maya, code=code_sent_to(PHONE))
    for person in (maya, student()):
        with pytest.raises(ValidationFailedError):
            texts.agree_to_texts(by=person, phone=PHONE, browser=HERE)


@pytest.mark.parametrize("way", ["another number", "no account"])
def test_stop_outlives_whoever_typed_the_number(maya: User, way: str) -> None:
    """S13.6: until the phone itself says START."""
    texts.agree_to_texts(by=maya, phone=PHONE, browser=HERE)
    assert texts.stop_texts(phone=PHONE)
    if way == "another number":
        texts.agree_to_texts(by=maya, phone="+12125550199", browser=HERE)
    else:
        TextNumber.objects.all().delete()
    with pytest.raises(ValidationFailedError):
        texts.agree_to_texts(by=student(), phone=PHONE, browser=HERE)
    texts.restart_texts(phone=PHONE)
    assert texts.agree_to_texts(by=student(), phone=PHONE, browser=HERE)


def test_nothing_is_offered_on_prod_without_a_provider(
    maya: User, mine: Client, settings: Any
) -> None:
    settings.IS_PROD = True
    assert BOX not in mine.get(PAGE).content.decode()
    with pytest.raises(ConflictError):
        texts.agree_to_texts(by=maya, phone=PHONE, browser=HERE)


@pytest.mark.parametrize(
    "wrong",
    [{"phone": "2125550123"}, {"tries": 6}, {"code_hash": "x", "confirmed_at": clock.now()}],
)
def test_the_database_refuses_impossible_numbers(maya: User, wrong: dict[str, Any]) -> None:
    with_texts(maya)
    with pytest.raises(IntegrityError), transaction.atomic():
        TextNumber.objects.update(**wrong)


@pytest.mark.django_db(transaction=True)
def test_parallel_guesses_are_five_at_most() -> None:
    maya = student(email="maya@example.com")
    texts.agree_to_texts(by=maya, phone=PHONE, browser=HERE)
    wrong = "000000" if code_sent_to(PHONE) != "000000" else "000001"
    answers: list[type[Exception]] = []

    def guess() -> None:
        try:
            texts.confirm_number(by=maya, code=wrong)
        except (ConflictError, ValidationFailedError) as error:
            answers.append(type(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers, key=str) == [ConflictError] * 3 + [ValidationFailedError] * 5
