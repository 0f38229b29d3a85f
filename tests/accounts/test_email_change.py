"""Changing the e-mail, confirming it at the new address, and taking it back at the old one."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.email_change import forget_old_changes
from accounts.models import AuditEvent, EmailChange, User
from accounts.roles import Role
from bookings.notifications.models import OutgoingMail
from instainstru import clock
from tests.accounts.conftest import newest_mail
from tests.factories.accounts import UserFactory, VerifiedUserFactory
from tests.factories.second_step import code_of, enrol

pytestmark = [pytest.mark.django_db, pytest.mark.S17]

PASSWORD, PAGE = "quiet-harbor-lamp", "/accounts/email/"
OLD, NEW = "maya@example.com", "maya@example.org"
HOUR = 3600


@pytest.fixture
def moved():
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False) as moving:
        yield moving


@pytest.fixture
def maya() -> User:
    return VerifiedUserFactory(email=OLD, role=Role.STUDENT, password=PASSWORD)


def enter(email: str = OLD) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": email, "password": PASSWORD})
    assert "_auth_user_id" in client.session
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/security/").status_code == 200


def ask(client: Client, email: str = NEW) -> None:
    answer = client.post(PAGE, {"email": email})
    assert (answer.status_code, answer["Location"]) == (303, PAGE)


def link(to: str, kind: str) -> str:
    mail = OutgoingMail.objects.filter(to=to, kind=kind).newest_first()[0]
    return re.search(rf"{settings.SITE_URL}(/accounts/email/\S+)", mail.text)[1]


def addresses(user: User) -> list[tuple[str, bool, bool]]:
    return list(EmailAddress.objects.filter(user=user).values_list("email", "verified", "primary"))


def email_of(user: User) -> str:
    return User.objects.get(pk=user.pk).email


# --- Asking ---------------------------------------------------------------------------------------
def test_nothing_changes_before_the_new_address_confirms(maya) -> None:
    """Spec: S17.2."""
    client = enter()
    ask(client, "Maya@Example.ORG")
    assert email_of(maya) == OLD
    assert addresses(maya) == [(OLD, True, True)]
    assert NEW in client.get(PAGE).content.decode()
    path = link(NEW, "email_change_confirm")
    opened = Client().get(path)
    assert (opened.status_code, opened["Referrer-Policy"]) == (200, "same-origin")
    assert "no-store" in opened["Cache-Control"]
    assert email_of(maya) == OLD, "opening the link does nothing"


def test_the_old_address_is_told_at_once(maya) -> None:
    """Spec: S17.2."""
    ask(enter())
    mail = newest_mail(OLD)
    assert mail.kind == "email_change_asked"
    assert "This was not me" in mail.text
    assert NEW not in mail.text + mail.html, "the mailbox may be in wrong hands"


@pytest.mark.parametrize(
    ("email", "message"),
    [
        ("", "Enter your new email."),
        ("nonsense", "Enter an email such as"),
        ("a@b", "Enter an email such as"),
        ("maya@example.org\r\nBcc: x@example.com", "Enter an email such as"),
        ("\x00@example.com", "Enter an email such as"),
        (f"{'x' * 250}@example.com", "at most 254 characters"),
        (OLD, "This is your email already."),
        (" MAYA@example.com ", "This is your email already."),
    ],
)
def test_bad_input_answers_422(maya, email: str, message: str) -> None:
    """Spec: G2."""
    answer = enter().post(PAGE, {"email": email})
    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not EmailChange.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_it_asks_again_who_it_is(maya) -> None:
    """Spec: S17.2."""
    client = Client()
    client.force_login(maya)
    for call in (client.get, client.post):
        assert call(PAGE)["Location"] == "/accounts/reauthenticate/?next=%2Faccounts%2Femail%2F"
    assert not EmailChange.objects.exists()


def test_a_second_step_does_not_stand_in_the_way(maya) -> None:
    """Spec: 02 section 1, MFA_ALLOW_UNVERIFIED_EMAIL."""
    seed = enrol(maya)
    client = Client()
    client.post("/accounts/login/", {"login": OLD, "password": PASSWORD})
    client.post("/accounts/2fa/authenticate/", {"code": code_of(seed)})
    ask(client)
    Client().post(link(NEW, "email_change_confirm"))
    assert email_of(maya) == NEW


def test_a_taken_address_is_answered_alike(maya) -> None:
    """Spec: S17.2."""
    other = VerifiedUserFactory(email="leo@example.com")
    client = enter()
    ask(client, "Leo@example.com")
    taken = client.get(PAGE).content.decode()
    ask(client, "free@example.com")
    free = client.get(PAGE).content.decode()
    token = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|X-CSRFToken": "[^"]+"')
    assert token.sub("", taken).replace("leo@", "free@") == token.sub("", free)
    assert newest_mail(other.email).kind == "email_change_taken"
    assert "/accounts/email/confirm/" not in newest_mail(other.email).text
    assert newest_mail(OLD).kind == "email_change_asked"


def test_an_address_gets_few_mails(maya) -> None:
    client = enter()
    for _ in range(5):
        ask(client)
    assert client.post(PAGE, {"email": NEW}).status_code == 429


# --- Confirming -----------------------------------------------------------------------------------
def test_the_link_at_the_new_address_changes_it(maya) -> None:
    """Spec: S17.2."""
    client = enter()
    ask(client)
    done = Client().post(link(NEW, "email_change_confirm"))
    assert done.status_code == 200
    assert email_of(maya) == NEW
    assert addresses(maya) == [(NEW, True, True)]
    assert is_in(client)
    assert newest_mail(OLD).kind == "email_changed"
    assert (
        Client().post("/accounts/login/", {"login": OLD, "password": PASSWORD}).status_code == 422
    )
    assert is_in(enter(NEW))
    assert AuditEvent.objects.get().action == "account.email_changed"


def test_the_link_works_once_for_24_hours_and_only_the_newest(maya, moved) -> None:
    """Spec: S17.2."""
    client = enter()
    ask(client)
    first = link(NEW, "email_change_confirm")
    ask(client, "maya@example.net")
    assert Client().post(first).status_code == 410
    second = link("maya@example.net", "email_change_confirm")
    moved.shift(24 * HOUR)
    assert Client().get(second).status_code == 410
    assert Client().post(second).status_code == 410
    moved.shift(-1)
    assert Client().post(second).status_code == 200
    assert Client().post(second).status_code == 410
    assert email_of(maya) == "maya@example.net"


@pytest.mark.parametrize("token", ["unknown", "%00", "x" * 400])
def test_unknown_links_have_ended(client: Client, token: str) -> None:
    for kind in ("confirm", "undo"):
        assert client.get(f"{PAGE}{kind}/{token}/").status_code == 410
        assert client.post(f"{PAGE}{kind}/{token}/").status_code == 410


def test_links_need_a_token_of_the_form(maya) -> None:
    """Spec: S17.10."""
    ask(enter())
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(link(NEW, "email_change_confirm")).status_code == 403
    assert email_of(maya) == OLD


def test_an_address_that_was_taken_meanwhile_is_a_conflict(maya) -> None:
    """Spec: G3."""
    ask(enter())
    VerifiedUserFactory(email=NEW)
    answer = Client().post(link(NEW, "email_change_confirm"))
    assert answer.status_code == 409
    assert email_of(maya) == OLD


def test_somebody_who_only_typed_the_address_is_no_obstacle(maya) -> None:
    UserFactory(email="Maya@Example.org")
    ask(enter())
    Client().post(link(NEW, "email_change_confirm"))
    assert email_of(maya) == NEW
    assert User.objects.count() == 1


def test_reset_links_of_the_old_address_end(maya) -> None:
    client = enter()
    Client().post("/accounts/password/reset/", {"email": OLD})
    reset = re.search(r"http\S+", newest_mail(OLD).text)[0].removeprefix(settings.SITE_URL)
    ask(client)
    Client().post(link(NEW, "email_change_confirm"))
    assert b"This link has ended" in Client().get(reset).content


# --- This was not me ------------------------------------------------------------------------------
def test_the_old_address_gets_the_account_back(maya) -> None:
    """Spec: S17.2."""
    thief, owner = enter(), enter()
    ask(thief)
    Client().post(link(NEW, "email_change_confirm"))
    path = link(OLD, "email_changed")
    assert Client().get(path).status_code == 200
    assert email_of(maya) == NEW, "opening the link does nothing"
    done = Client().post(path)
    assert done.status_code == 200
    assert "/accounts/password/reset/" in done.content.decode()
    assert email_of(maya) == OLD
    assert addresses(maya) == [(OLD, True, True)]
    assert not is_in(thief)
    assert not is_in(owner)
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {
        "account.email_changed",
        "account.email_restored",
    }


def test_the_first_warning_stops_a_change_that_waits(maya) -> None:
    """Spec: S17.2."""
    thief = enter()
    ask(thief)
    Client().post(link(OLD, "email_change_asked"))
    assert not is_in(thief)
    assert Client().post(link(NEW, "email_change_confirm")).status_code == 410
    assert email_of(maya) == OLD


def test_every_warning_restores_however_often_it_was_changed(maya) -> None:
    """Spec: S17.2."""
    thief = enter()
    ask(thief, "first@example.org")
    warning = link(OLD, "email_change_asked")
    ask(thief, "second@example.org")
    Client().post(link("second@example.org", "email_change_confirm"))
    ask(thief, "third@example.org")
    Client().post(link("third@example.org", "email_change_confirm"))
    Client().post(warning)
    assert email_of(maya) == OLD
    assert Client().post(link("second@example.org", "email_changed")).status_code == 410
    assert email_of(maya) == OLD


def test_the_way_back_lasts_72_hours_and_works_once(maya, moved) -> None:
    """Spec: S17.2."""
    ask(enter())
    moved.shift(23 * HOUR)
    Client().post(link(NEW, "email_change_confirm"))
    paths = [link(OLD, "email_changed"), link(OLD, "email_change_asked")]
    moved.shift(72 * HOUR)
    assert [Client().post(path).status_code for path in paths] == [410, 410]
    moved.shift(-1)
    assert [Client().get(path).status_code for path in paths] == [200, 200]
    assert [Client().post(path).status_code for path in paths] == [200, 410]
    assert email_of(maya) == OLD


def test_nobody_takes_the_old_address_meanwhile_without_proving_it(maya) -> None:
    """Spec: S17.2."""
    ask(enter())
    Client().post(link(NEW, "email_change_confirm"))
    squatter = UserFactory(email=OLD)
    EmailAddress.objects.create(user=squatter, email=OLD, verified=False, primary=True)
    Client().post(link(OLD, "email_changed"))
    assert email_of(maya) == OLD
    assert not User.objects.filter(pk=squatter.pk).exists()


def test_a_new_owner_of_the_old_address_is_a_conflict(maya) -> None:
    """Spec: G3."""
    ask(enter())
    Client().post(link(NEW, "email_change_confirm"))
    VerifiedUserFactory(email=OLD)
    assert Client().post(link(OLD, "email_changed")).status_code == 409
    assert email_of(maya) == NEW


def test_tokens_are_stored_as_hashes(maya) -> None:
    """Spec: S17.11."""
    ask(enter())
    token = link(NEW, "email_change_confirm").split("/")[-2]
    assert len(token) >= 32
    assert token not in str(EmailChange.objects.values())


def test_old_changes_are_deleted(maya) -> None:
    ask(enter())
    now = clock.now()
    assert forget_old_changes(now + timedelta(days=29)) == 0
    assert forget_old_changes(now + timedelta(days=31)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"new_email": OLD},
        {"confirmed_at": "2026-03-02T15:00:00Z"},
        {"undo_hash": "x"},
    ],
)
def test_impossible_rows_are_refused(maya, wrong: dict[str, str]) -> None:
    fields = {"old_email": OLD, "new_email": NEW, "confirm_hash": "a", "warning_hash": "b", **wrong}
    with pytest.raises(IntegrityError), transaction.atomic():
        EmailChange.objects.create(user=maya, **fields)
