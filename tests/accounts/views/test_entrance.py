"""Signing up, in and out, and resetting a password, as a browser does it."""

import re

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.conf import settings as django_settings
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import sign_in_hooks
from accounts.guests import SALT
from accounts.models import Learner, User
from bookings.notifications.models import OutgoingMail
from tests.accounts.conftest import newest_mail
from tests.factories.accounts import VerifiedUserFactory

pytestmark = pytest.mark.django_db

PASSWORD = "quiet-harbor-lamp"
MISMATCH = "That e-mail and password don&#x27;t match."
NEW_PERSON = {
    "email": "maya@example.com",
    "first_name": "Maya",
    "last_name": "Cohen",
    "password1": PASSWORD,
    "terms": "on",
}


def code_sent_to(email: str) -> str:
    found = re.search(r"^\s+([A-Z]{4}-[A-Z]{4})$", newest_mail(email).text, re.MULTILINE)
    assert found
    return found[1]


def become_guest(client: Client, key: str = "guest-key-1") -> None:
    from django.core.signing import get_cookie_signer

    name = django_settings.GUEST_COOKIE_NAME
    client.cookies[name] = get_cookie_signer(salt=name + SALT).sign(key)


def sign_up(client: Client, **changes: str) -> None:
    response = client.post("/accounts/signup/", {**NEW_PERSON, **changes})
    assert response.status_code == 302, response.context["form"].errors
    assert response["Location"] == "/accounts/confirm-email/"


# --- Sign-up --------------------------------------------------------------------------------------
def test_sign_up_with_the_typed_code_makes_a_signed_in_student(client: Client) -> None:
    sign_up(client, email="Maya@Example.com")
    response = client.post("/accounts/confirm-email/", {"code": code_sent_to("maya@example.com")})

    assert response.status_code == 302
    user = User.objects.get()
    assert (user.email, user.full_name) == ("maya@example.com", "Maya Cohen")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert user.has_perm("accounts.bookings.create")
    assert not user.has_perm("accounts.availability.manage_own")
    assert Learner.objects.get(manager=user).is_self
    assert EmailAddress.objects.get(user=user).verified


def test_nobody_is_signed_in_before_the_code(client: Client) -> None:
    sign_up(client)
    assert "_auth_user_id" not in client.session
    response = client.post("/accounts/login/", {"login": "maya@example.com", "password": PASSWORD})
    assert response["Location"] == "/accounts/confirm-email/"
    assert "_auth_user_id" not in client.session


def test_code_may_be_typed_without_its_dash_and_in_small_letters(client: Client) -> None:
    sign_up(client)
    code = code_sent_to("maya@example.com").replace("-", " ").lower()
    assert client.post("/accounts/confirm-email/", {"code": code}).status_code == 302
    assert "_auth_user_id" in client.session


def test_wrong_code_answers_422_and_the_third_ends_the_try(client: Client) -> None:
    """Spec: G2."""
    sign_up(client)
    for _ in range(2):
        response = client.post("/accounts/confirm-email/", {"code": "WRONG"})
        assert response.status_code == 422
        assert b"There is a problem" in response.content
    response = client.post("/accounts/confirm-email/", {"code": "WRONG"}, follow=True)
    assert "That code was wrong 3 times." in response.content.decode().replace("&#x27;", "'")
    right = client.post("/accounts/confirm-email/", {"code": code_sent_to("maya@example.com")})
    assert right.status_code == 302
    assert "_auth_user_id" not in client.session


def test_new_code_replaces_the_old_one(client: Client) -> None:
    sign_up(client)
    old = code_sent_to("maya@example.com")
    client.post("/accounts/confirm-email/", {"action": "resend"})
    assert client.post("/accounts/confirm-email/", {"code": old}).status_code == 422
    client.post("/accounts/confirm-email/", {"code": code_sent_to("maya@example.com")})
    assert "_auth_user_id" in client.session


def test_code_ends_after_15_minutes(client: Client) -> None:
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False) as clock:
        sign_up(client)
        code = code_sent_to("maya@example.com")
        clock.shift(15 * 60 + 1)
        client.post("/accounts/confirm-email/", {"code": code})
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("email", "not-an-address", "Enter a valid email address."),
        ("first_name", "", "This field is required."),
        ("first_name", "M\x00", "Remove the characters that can&#x27;t be shown."),
        (
            "first_name",
            "M\r\nBcc: x@example.com",
            "Remove the characters that can&#x27;t be shown.",
        ),
        ("password1", "short", "at least 10 characters"),
        ("password1", "a" * 129, "Use at most 128 characters."),
        ("password1", "maya@example.com", "Don&#x27;t use your name or email"),
        ("password1", "MayaMayaMaya", "Don&#x27;t use your name or email"),
        ("password1", "my-Instainstru-1", "Don&#x27;t use the name of this site"),
        ("password1", "1234567890", "too common"),
        ("password1", "nuttertools", "too common"),
        ("password1", "0000000000D", "found in a data breach"),
        ("terms", "", "Agree to the terms and the privacy notice"),
    ],
)
def test_bad_sign_up_answers_422_and_keeps_the_input(
    client: Client, field: str, value: str, message: str
) -> None:
    """Spec: G2, S17.2."""
    data = {**NEW_PERSON, field: value}
    response = client.post("/accounts/signup/", data)
    page = response.content.decode()

    assert response.status_code == 422
    assert message in page
    assert 'aria-invalid="true"' in page
    assert 'value="Cohen"' in page
    assert re.search(r'name="password1"[^>]*value=', page) is None
    assert not User.objects.exists()


def test_known_address_gets_the_answer_of_a_new_one_and_a_mail(client: Client) -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email="maya@example.com")
    sign_up(client)

    assert User.objects.count() == 1
    assert newest_mail("maya@example.com").kind == "account_already_exists"
    page = client.get("/accounts/confirm-email/")
    assert page.status_code == 200
    assert b"maya@example.com" in page.content


def test_known_address_costs_a_hash_like_a_new_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email="maya@example.com")
    hashed: list[str] = []
    monkeypatch.setattr("accounts.entrance_forms.make_password", hashed.append)
    sign_up(client)
    assert hashed == [PASSWORD]


def test_failed_sign_up_leaves_nothing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(user: User) -> None:
        raise RuntimeError

    monkeypatch.setattr("accounts.forms.register_student", fail)
    with pytest.raises(RuntimeError):
        client.post("/accounts/signup/", NEW_PERSON)
    assert not User.objects.exists()
    assert not OutgoingMail.objects.exists()


def test_sign_up_page_links_to_terms_and_privacy(client: Client) -> None:
    page = client.get("/accounts/signup/").content.decode()
    assert "/legal/terms/" in page
    assert "/legal/privacy/" in page


# --- Sign-in --------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", ["unknown", "wrong", "inactive", "unusable"])
def test_every_failed_sign_in_reads_the_same(client: Client, case: str) -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email="known@example.com", password=PASSWORD)
    VerifiedUserFactory(email="gone@example.com", password=PASSWORD, is_active=False)
    VerifiedUserFactory(email="unusable@example.com")
    email, password = {
        "unknown": ("nobody@example.com", PASSWORD),
        "wrong": ("known@example.com", "another-password"),
        "inactive": ("gone@example.com", PASSWORD),
        "unusable": ("unusable@example.com", PASSWORD),
    }[case]
    response = client.post("/accounts/login/", {"login": email, "password": password})
    page = response.content.decode()

    assert response.status_code == 422
    assert page.count(MISMATCH) == 1
    assert f'value="{email}"' in page
    assert password not in page


def test_sign_in_gives_a_new_session_id(client: Client) -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email="maya@example.com", password=PASSWORD)
    session = client.session
    session["seen"] = True
    session.save()
    before = session.session_key
    client.post("/accounts/login/", {"login": "Maya@Example.com", "password": PASSWORD})

    assert "_auth_user_id" in client.session
    assert client.session.session_key != before
    assert client.session.get_expiry_age() == django_settings.SESSION_COOKIE_AGE


@pytest.mark.parametrize(
    ("next_url", "target"),
    [
        ("/lessons/?tab=cancelled", "/lessons/?tab=cancelled"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("///evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("http://testserver/lessons/", "/"),
        ("lessons/", "/"),
    ],
)
def test_next_leads_only_to_paths_of_this_site(client: Client, next_url: str, target: str) -> None:
    """Spec: S17.10."""
    VerifiedUserFactory(email="maya@example.com", password=PASSWORD)
    data = {"login": "maya@example.com", "password": PASSWORD, "next": next_url}
    assert client.post("/accounts/login/", data)["Location"] == target


def test_next_survives_sign_up_and_code(client: Client) -> None:
    page = client.get("/accounts/login/?next=/book/ABC/").content.decode()
    assert "/accounts/signup/?next=%2Fbook%2FABC%2F" in page
    client.post("/accounts/signup/", {**NEW_PERSON, "next": "/book/ABC/"})
    code = code_sent_to("maya@example.com")
    response = client.post("/accounts/confirm-email/", {"code": code})
    assert response["Location"] == "/book/ABC/"


def test_personal_pages_are_never_stored(client: Client) -> None:
    assert "no-store" in client.get("/accounts/login/")["Cache-Control"]


def test_no_header_turns_answers_into_json(client: Client) -> None:
    headers = {"X-Requested-With": "XMLHttpRequest", "Accept": "application/json"}
    response = client.post("/accounts/login/", {"login": "x"}, headers=headers)
    assert response.status_code == 422
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "path", ["password/set/", "login/code/confirm/", "social/", "confirm-email/key/"]
)
def test_pages_we_do_not_use_do_not_exist(client: Client, path: str) -> None:
    assert client.get(f"/accounts/{path}").status_code == 404


# --- Guests ---------------------------------------------------------------------------------------
@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Record what the hooks are told."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr(sign_in_hooks, "_sign_in", [lambda user, key: calls.append((user, key))])
    monkeypatch.setattr(
        sign_in_hooks, "_verification_started", [lambda key: calls.append(("started", key))]
    )
    return calls


def test_signing_in_hands_the_guest_to_the_account_and_drops_the_cookie(
    client: Client, hooks: list[tuple[object, ...]]
) -> None:
    """Spec: S17.8."""
    user = VerifiedUserFactory(email="maya@example.com", password=PASSWORD)
    become_guest(client)
    data = {"login": "maya@example.com", "password": PASSWORD}
    response = client.post("/accounts/login/", data)

    assert hooks == [(user, "guest-key-1")]
    assert response.cookies[django_settings.GUEST_COOKIE_NAME]["max-age"] == 0


def test_verification_keeps_the_guest_until_the_code_is_right(
    client: Client, hooks: list[tuple[object, ...]]
) -> None:
    """Spec: 02 section 1, S17.8."""
    become_guest(client)
    sign_up(client)
    assert hooks == [("started", "guest-key-1")]
    assert client.cookies[django_settings.GUEST_COOKIE_NAME].value != ""

    client.post("/accounts/confirm-email/", {"code": code_sent_to("maya@example.com")})
    assert hooks[1:] == [(User.objects.get(), "guest-key-1")]


def test_known_address_extends_a_hold_like_a_new_one(
    client: Client, hooks: list[tuple[object, ...]]
) -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email="maya@example.com")
    become_guest(client)
    sign_up(client)
    assert hooks == [("started", "guest-key-1")]


def test_forged_guest_cookie_is_nobody(client: Client, hooks: list[tuple[object, ...]]) -> None:
    VerifiedUserFactory(email="maya@example.com", password=PASSWORD)
    client.cookies[django_settings.GUEST_COOKIE_NAME] = "guest-key-1:forged"
    client.post("/accounts/login/", {"login": "maya@example.com", "password": PASSWORD})
    assert hooks == []


def test_hook_registered_twice_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(sign_in_hooks, "_verification_started", [])
    sign_in_hooks.register_verification_started(calls.append)
    sign_in_hooks.register_verification_started(calls.append)
    sign_in_hooks.verification_started("key")
    assert calls == ["key"]


# --- Sign-out -------------------------------------------------------------------------------------
def test_sign_out_needs_a_post_and_clears_the_browser(client: Client) -> None:
    """Spec: S17.7."""
    client.force_login(VerifiedUserFactory())
    assert client.get("/accounts/logout/").status_code == 200
    assert "_auth_user_id" in client.session

    response = client.post("/accounts/logout/")
    assert response.status_code == 302
    assert response["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert "_auth_user_id" not in client.session


def test_sign_out_refuses_a_missing_token() -> None:
    """Spec: S17.10."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(VerifiedUserFactory())
    assert client.post("/accounts/logout/").status_code == 403


# --- Reset ----------------------------------------------------------------------------------------
def reset_link(client: Client, email: str) -> str:
    response = client.post(
        "/accounts/password/reset/", {"email": email}, headers={"Host": "testserver"}
    )
    assert response["Location"] == reverse("account_reset_password_done")
    found = re.search(r"^http\S+$", newest_mail(email).text, re.MULTILINE)
    assert found
    return found[0]


def test_reset_link_is_on_our_address_and_works_once(client: Client) -> None:
    """Spec: 02 section 1, S17.2."""
    user = VerifiedUserFactory(email="maya@example.com", password=PASSWORD)
    link = reset_link(client, "maya@example.com")
    assert link.startswith(f"{django_settings.SITE_URL}/accounts/password/reset/key/")
    path = link.removeprefix(django_settings.SITE_URL)

    opened = client.get(path)
    assert opened["Referrer-Policy"] == "same-origin"
    page = client.get(opened["Location"])
    assert page["Referrer-Policy"] == "same-origin"
    bad = client.post(opened["Location"], {"password1": "short"})
    assert bad.status_code == 422
    saved = client.post(opened["Location"], {"password1": "brand new harbor"})
    assert saved["Location"] == reverse("account_reset_password_from_key_done")

    user.refresh_from_db()
    assert user.check_password("brand new harbor")
    assert "_auth_user_id" not in client.session
    assert newest_mail("maya@example.com").kind == "password_reset"
    assert b"This link has ended" in Client().get(path).content


def test_reset_link_never_uses_the_host_of_the_request(client: Client, settings: Settings) -> None:
    """Spec: 02 section 1."""
    settings.ALLOWED_HOSTS = ["*"]
    VerifiedUserFactory(email="maya@example.com", password=PASSWORD)
    client.post(
        "/accounts/password/reset/", {"email": "maya@example.com"}, headers={"Host": "evil.example"}
    )
    mail = newest_mail("maya@example.com")
    assert "evil.example" not in mail.text + mail.html + mail.subject


def test_reset_link_ends_after_30_minutes(client: Client) -> None:
    """Spec: S17.2."""
    VerifiedUserFactory(email="maya@example.com", password=PASSWORD)
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False) as clock:
        path = reset_link(client, "maya@example.com").removeprefix(django_settings.SITE_URL)
        clock.shift(1800)
        assert client.get(path).status_code == 302
        clock.shift(2)
        assert b"This link has ended" in Client().get(path).content


def test_reset_of_an_unknown_address_answers_alike(client: Client) -> None:
    """Spec: S17.2."""
    response = client.post("/accounts/password/reset/", {"email": "nobody@example.com"})
    assert response["Location"] == reverse("account_reset_password_done")
    assert newest_mail("nobody@example.com").kind == "unknown_account"


def test_reset_ends_other_sessions(client: Client) -> None:
    """Spec: S17.2."""
    user = VerifiedUserFactory(email="maya@example.com", password=PASSWORD)
    other = Client()
    other.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    path = reset_link(client, "maya@example.com").removeprefix(django_settings.SITE_URL)
    client.post(client.get(path)["Location"], {"password1": "brand new harbor"})
    assert other.get("/accounts/login/").status_code == 200
