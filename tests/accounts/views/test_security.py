"""Passwords and sessions on the pages of the account, and being asked again."""

import pytest
import time_machine
from django.test import Client

from accounts.reauthentication import is_fresh
from accounts.roles import Role
from accounts.sessions import reference_of
from tests.accounts.conftest import newest_mail
from tests.factories.accounts import VerifiedUserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S17]

PASSWORD, NEW = "quiet-harbor-lamp", "brand-new-harbor"
CHANGE, ASK, PLACES = (
    "/accounts/password/change/",
    "/accounts/reauthenticate/",
    "/accounts/sessions/",
)


@pytest.fixture
def maya():
    return VerifiedUserFactory(email="maya@example.com", role=Role.STUDENT, password=PASSWORD)


def enter(password: str = PASSWORD, email: str = "maya@example.com") -> Client:
    client = Client()
    data = {"login": email, "password": password}
    assert client.post("/accounts/login/", data).status_code == 302
    assert "_auth_user_id" in client.session
    return client


def is_in(client: Client) -> bool:
    return client.get("/account/security/").status_code == 200


# --- Password -------------------------------------------------------------------------------------
def test_a_new_password_ends_every_session_and_is_told(maya) -> None:
    """Spec: S17.2, 02 section 1."""
    here, there = enter(), enter()
    saved = here.post(CHANGE, {"oldpassword": PASSWORD, "password1": NEW})
    assert saved["Location"] == "/accounts/login/"
    assert not is_in(here)
    assert not is_in(there)
    assert newest_mail(maya.email).kind == "password_changed"
    assert is_in(enter(NEW))
    assert (
        Client().post("/accounts/login/", {"login": maya.email, "password": PASSWORD}).status_code
        == 422
    )


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("oldpassword", "", "This field is required."),
        ("oldpassword", "another-password", "That isn&#x27;t your current password."),
        ("password1", "", "This field is required."),
        ("password1", "short", "at least 10 characters"),
        ("password1", "x" * 129, "at most 128 characters"),
        ("password1", "maya-is-learning", "Don&#x27;t use your name or email"),
        ("password1", "password123", "too common"),
    ],
)
def test_bad_input_answers_422_and_changes_nothing(maya, field, value, message) -> None:
    """Spec: G2."""
    client = enter()
    response = client.post(CHANGE, {"oldpassword": PASSWORD, "password1": NEW, field: value})
    page = response.content.decode()
    assert response.status_code == 422
    assert message in page
    assert "There is a problem" in page
    assert PASSWORD not in page
    assert NEW not in page
    assert is_in(client)
    maya.refresh_from_db()
    assert maya.check_password(PASSWORD)


def test_guessing_the_current_password_is_limited(maya) -> None:
    """Spec: S17.2."""
    client = enter()
    data = {"oldpassword": "another-password", "password1": NEW}
    assert [client.post(CHANGE, data).status_code for _ in range(6)] == [422] * 5 + [429]
    assert client.post(ASK, {"password": PASSWORD}).status_code == 429
    assert (
        Client().post("/accounts/login/", {"login": maya.email, "password": PASSWORD}).status_code
        == 429
    )


def test_an_account_without_a_password_gets_one_by_mail(client: Client) -> None:
    client.force_login(VerifiedUserFactory(role=Role.STUDENT))
    for address in (CHANGE, ASK):
        assert client.get(address)["Location"] == "/accounts/password/reset/"


def test_the_password_page_needs_a_token(maya) -> None:
    """Spec: S17.10."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(maya)
    assert client.post(CHANGE, {"oldpassword": PASSWORD, "password1": NEW}).status_code == 403


# --- Asking again ---------------------------------------------------------------------------------
def freshness(client: Client) -> bool:
    request = client.get("/account/security/").wsgi_request
    return is_fresh(request)


def test_a_sign_in_is_fresh_for_15_minutes(maya) -> None:
    """Spec: S17.2."""
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False) as clock:
        client = enter()
        assert freshness(client)
        clock.shift(900)
        assert freshness(client)
        clock.shift(1)
        assert not freshness(client)
        again = client.post(ASK, {"password": PASSWORD, "next": "/privacy/"})
        assert again["Location"] == "/privacy/"
        assert freshness(client)


def test_a_wrong_password_does_not_make_it_fresh(maya) -> None:
    client = Client()
    client.force_login(maya)
    wrong = client.post(ASK, {"password": "another-password", "next": "/privacy/"})
    assert wrong.status_code == 422
    assert "That password isn&#x27;t right." in wrong.content.decode()
    assert 'value="/privacy/"' in wrong.content.decode()
    assert not freshness(client)


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example"])
def test_asking_again_leads_nowhere_else(maya, target: str) -> None:
    """Spec: S17.10."""
    client = Client()
    client.force_login(maya)
    assert client.post(ASK, {"password": PASSWORD, "next": target})["Location"] == "/"


# --- Places ---------------------------------------------------------------------------------------
def test_the_list_shows_every_place_and_no_key(maya) -> None:
    """Spec: S17.2."""
    here, there = enter(), enter()
    page = here.get(PLACES).content.decode()
    assert page.count("This browser") == 1
    assert reference_of(there.session.session_key) in page
    assert here.session.session_key not in page
    assert there.session.session_key not in page


def test_one_place_is_ended(maya) -> None:
    """Spec: S17.2."""
    here, there, third = enter(), enter(), enter()
    data = {"session": reference_of(there.session.session_key)}
    assert here.post(PLACES, data)["Location"] == PLACES
    assert [is_in(client) for client in (here, there, third)] == [True, False, True]
    assert here.post(PLACES, data).status_code == 404


def test_all_others_are_ended(maya) -> None:
    """Spec: S17.2."""
    here, there, third = enter(), enter(), enter()
    here.post(PLACES, {"others": "1"})
    assert [is_in(client) for client in (here, there, third)] == [True, False, False]
    assert "Log out everywhere else" not in here.get(PLACES).content.decode()


def test_ending_this_place_is_signing_out(maya) -> None:
    """Spec: S17.7."""
    here = enter()
    answer = here.post(PLACES, {"session": reference_of(here.session.session_key)})
    assert answer["Clear-Site-Data"]
    assert not is_in(here)


@pytest.mark.parametrize("reference", ["", "nonsense", "\x00", "1"])
def test_nonsense_ends_nothing(maya, reference: str) -> None:
    here, there = enter(), enter()
    assert here.post(PLACES, {"session": reference}).status_code == 404
    assert is_in(there)


def test_other_peoples_places_are_hidden(maya) -> None:
    """Spec: G5."""
    VerifiedUserFactory(email="leo@example.com", role=Role.STUDENT, password=PASSWORD)
    here, theirs = enter(), enter(email="leo@example.com")
    answer = here.post(PLACES, {"session": reference_of(theirs.session.session_key)})
    assert answer.status_code == 404
    here.post(PLACES, {"others": "1"})
    assert is_in(theirs)


def test_the_pages_are_for_people_who_are_signed_in(client: Client) -> None:
    """Spec: G4."""
    for address in (CHANGE, ASK, PLACES, "/account/security/"):
        assert client.get(address)["Location"].startswith("/accounts/login/?next=")
