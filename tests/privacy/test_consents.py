"""What people agreed to is written down and never changed."""

import re

import pytest
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.models import User
from privacy.consents import VERSIONS, Browser, Purpose, record_consent
from privacy.models import Consent
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S6]

PAGE = Browser(page="/account/", ip="203.0.113.7", user_agent="Firefox")
NEW_PERSON = {
    "email": "maya@example.com",
    "first_name": "Maya",
    "last_name": "Cohen",
    "password1": "quiet-harbor-lamp",
    "terms": "on",
}


def answers(user: User) -> list[tuple[str, bool]]:
    return list(Consent.objects.filter(user=user).order_by("pk").values_list("purpose", "is_given"))


@pytest.mark.parametrize("wants_news", [True, False])
def test_sign_up_writes_what_was_agreed_to(client: Client, wants_news: bool) -> None:
    """Spec: S6.4."""
    data = {**NEW_PERSON, **({"marketing": "on"} if wants_news else {})}
    client.post("/accounts/signup/", data)
    rows = Consent.objects.filter(user__email="maya@example.com")
    wanted = {"terms", "privacy", "marketing"} if wants_news else {"terms", "privacy"}
    assert {row.purpose for row in rows} == wanted
    assert all(row.is_given and row.page == "/accounts/signup/" for row in rows)
    assert {row.version for row in rows} == set(VERSIONS.values())
    assert all((row.ip, row.user_agent, row.email, row.name) == (None, "", "", "") for row in rows)


def test_boxes_are_not_ticked_before(client: Client) -> None:
    """Spec: S6.4."""
    boxes = re.findall(
        r"<input[^>]*checkbox[^>]*>", client.get("/accounts/signup/").content.decode()
    )
    assert len(boxes) == 2
    assert not any(" checked" in box for box in boxes)


def test_sign_up_without_agreeing_is_refused(client: Client) -> None:
    """Spec: G2."""
    response = client.post("/accounts/signup/", {**NEW_PERSON, "terms": ""})
    assert response.status_code == 422
    assert not User.objects.exists()
    assert not Consent.objects.exists()


def test_known_address_agrees_to_nothing(client: Client) -> None:
    UserFactory(email="maya@example.com")
    client.post("/accounts/signup/", NEW_PERSON)
    assert not Consent.objects.exists()


def test_an_answer_is_a_row_only_when_it_changes() -> None:
    user = UserFactory()
    marketing = Purpose.MARKETING
    for is_given in (False, True, True, False, False, True):
        record_consent(by=user, purpose=marketing, is_given=is_given, browser=PAGE)
    assert answers(user) == [("marketing", True), ("marketing", False), ("marketing", True)]
    assert Consent.objects.in_force(user) == {"marketing": True}


def test_new_words_ask_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    user = UserFactory()
    record_consent(by=user, purpose=Purpose.TERMS, is_given=True, browser=PAGE)
    monkeypatch.setitem(VERSIONS, Purpose.TERMS, "2027-01-01")
    assert record_consent(by=user, purpose=Purpose.TERMS, is_given=True, browser=PAGE)
    assert Consent.objects.filter(user=user).count() == 2


def test_answers_cannot_be_changed() -> None:
    """Spec: S6.4."""
    user = UserFactory()
    record_consent(by=user, purpose=Purpose.MARKETING, is_given=True, browser=PAGE)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Consent.objects.update(is_given=False)
    user.delete()
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"purpose": "cookies"},
        {"version": ""},
        {"ip": "203.0.113.7"},
        {"user_agent": "Firefox"},
        {"purpose": "sms", "phone": ""},
    ],
)
def test_impossible_rows_are_refused(wrong: dict[str, str]) -> None:
    fields = {"purpose": "terms", "is_given": True, "version": "1", "page": "/", **wrong}
    with pytest.raises(DatabaseError), transaction.atomic():
        Consent.objects.create(user=UserFactory(), **fields)
