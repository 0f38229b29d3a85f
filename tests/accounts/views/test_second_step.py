"""Signing in with a second step, setting it up, and staff who have to."""

import re

import pytest
import redis
import time_machine
from django.test import Client

from accounts import second_step
from accounts.enrolment import STAFF_PERMISSIONS
from accounts.roles import Role
from accounts.services import grant_role
from instainstru import ratelimit
from tests.factories.accounts import UserFactory, VerifiedUserFactory
from tests.factories.second_step import code_of, enrol

pytestmark = [pytest.mark.django_db, pytest.mark.S17]

PASSWORD = "quiet-harbor-lamp"
ENTER, ASK = "/accounts/2fa/authenticate/", "/accounts/2fa/reauthenticate/"
ACTIVATE, DEACTIVATE = "/accounts/2fa/totp/activate/", "/accounts/2fa/totp/deactivate/"
CODES = "/accounts/2fa/recovery-codes/"


@pytest.fixture
def clock():
    with time_machine.travel("2026-03-02T15:00:10Z", tick=False) as moved:
        yield moved


@pytest.fixture
def maya():
    return VerifiedUserFactory(email="maya@example.com", role=Role.STUDENT, password=PASSWORD)


def give_password(email: str = "maya@example.com", **more: str) -> Client:
    client = Client()
    data = {"login": email, "password": PASSWORD, **more}
    assert client.post("/accounts/login/", data).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


# --- Signing in -----------------------------------------------------------------------------------
def test_the_password_alone_signs_nobody_in(maya, clock) -> None:
    """Spec: S17.2."""
    seed = enrol(maya)
    client = give_password(next="/lessons/")
    assert not is_in(client)
    assert client.get("/lessons/").status_code == 302
    done = client.post(ENTER, {"code": code_of(seed)})
    assert done["Location"] == "/lessons/"
    assert is_in(client)


def test_the_code_gives_a_new_session_id(maya, clock) -> None:
    """Spec: S17.2."""
    seed = enrol(maya)
    client = give_password()
    before = client.session.session_key
    client.post(ENTER, {"code": code_of(seed)})
    assert client.session.session_key != before


@pytest.mark.parametrize("code", ["", "000000", "\x00", "x" * 30])
def test_wrong_codes_answer_422(maya, clock, code: str) -> None:
    """Spec: G2."""
    enrol(maya)
    client = give_password()
    answer = client.post(ENTER, {"code": code})
    assert answer.status_code == 422
    assert b"There is a problem" in answer.content
    assert not is_in(client)
    assert client.post(ENTER).status_code == 422


def test_a_recovery_code_signs_in_once(maya, clock) -> None:
    """Spec: S17.2."""
    enrol(maya)
    code = second_step.unused_recovery_codes(maya)[0]
    client, again = give_password(), give_password()
    client.post(ENTER, {"code": code})
    assert is_in(client)
    assert again.post(ENTER, {"code": code}).status_code == 422


def test_a_used_code_does_not_sign_in_again(maya, clock) -> None:
    """Spec: S17.2."""
    seed = enrol(maya)
    give_password().post(ENTER, {"code": code_of(seed)})
    again = give_password()
    assert again.post(ENTER, {"code": code_of(seed)}).status_code == 422


@pytest.mark.parametrize("is_valkey_away", [False, True])
def test_guessing_codes_is_limited(maya, clock, monkeypatch, is_valkey_away) -> None:
    """Spec: S17.2: like wrong passwords, and a right password forgives nothing."""
    if is_valkey_away:

        def lost(_name):
            raise redis.exceptions.ConnectionError

        monkeypatch.setattr(ratelimit, "get_redis_connection", lost)
    seed = enrol(maya)
    answers = [give_password().post(ENTER, {"code": "000000"}).status_code for _ in range(6)]
    assert answers == [422] * 5 + [429]
    client = give_password()
    assert client.post(ENTER, {"code": code_of(seed)})["Retry-After"] == "900"
    clock.shift(901)
    client = give_password()
    client.post(ENTER, {"code": code_of(seed)})
    assert is_in(client)


def test_nobody_gets_to_the_code_without_the_password(client: Client) -> None:
    assert client.get(ENTER)["Location"] == "/accounts/login/"
    assert client.post(ENTER, {"code": "000000"})["Location"] == "/accounts/login/"


def test_a_password_reset_does_not_skip_the_second_step(maya, clock) -> None:
    """Spec: S17.2."""
    from tests.accounts.conftest import newest_mail

    seed = enrol(maya)
    client = Client()
    client.post("/accounts/password/reset/", {"email": maya.email})
    link = re.search(r"^http\S+$", newest_mail(maya.email).text, re.MULTILINE)[0]
    form = client.get(link[link.index("/accounts") :])["Location"]
    client.post(form, {"password1": "brand-new-harbor"})
    assert not is_in(client)
    client.post("/accounts/login/", {"login": maya.email, "password": "brand-new-harbor"})
    assert not is_in(client)
    client.post(ENTER, {"code": code_of(seed)})
    assert is_in(client)


# --- Setting up -----------------------------------------------------------------------------------
def test_a_person_sets_it_up_and_sees_recovery_codes(maya, clock) -> None:
    client = give_password()
    page = client.get(ACTIVATE).content.decode()
    assert 'src="data:image/svg+xml;base64,' in page
    seed = second_step.pending_seed(client.session)
    assert seed in page.replace(" ", "")
    assert "issuer=InstaInstru" in page
    done = client.post(ACTIVATE, {"code": code_of(seed)})
    assert (done.status_code, done["Location"]) == (303, CODES)
    shown = client.get(CODES)
    assert "no-store" in shown["Cache-Control"]
    assert all(code in shown.content.decode() for code in second_step.unused_recovery_codes(maya))
    assert second_step.PENDING_SEED not in client.session
    assert client.get(ACTIVATE)["Location"] == "/account/security/"


def test_a_wrong_code_keeps_the_picture(maya, clock) -> None:
    """Spec: G2."""
    client = give_password()
    client.get(ACTIVATE)
    seed = second_step.pending_seed(client.session)
    for code in ("", "000000", "\x00"):
        answer = client.post(ACTIVATE, {"code": code})
        assert answer.status_code == 422
        assert seed in answer.content.decode().replace(" ", "")
    assert not second_step.has_second_step(maya)


def test_it_is_turned_off_after_a_question(maya, clock) -> None:
    seed = enrol(maya)
    client = give_password()
    client.post(ENTER, {"code": code_of(seed)})
    assert client.get(DEACTIVATE).status_code == 200
    assert second_step.has_second_step(maya)
    assert client.post(DEACTIVATE)["Location"] == "/account/security/"
    assert not second_step.has_second_step(maya)


def test_codes_are_downloaded_as_a_file(maya, clock) -> None:
    seed = enrol(maya)
    client = give_password()
    client.post(ENTER, {"code": code_of(seed)})
    file = client.get(f"{CODES}download/")
    assert file["Content-Disposition"].startswith("attachment")
    assert all(code in file.content.decode() for code in second_step.unused_recovery_codes(maya))


def test_new_codes_replace_the_old_ones(maya, clock) -> None:
    seed = enrol(maya)
    client = give_password()
    client.post(ENTER, {"code": code_of(seed)})
    old = second_step.unused_recovery_codes(maya)
    assert client.post(f"{CODES}generate/")["Location"] == CODES
    assert client.get(f"{CODES}generate/").status_code == 405
    assert not set(old) & set(second_step.unused_recovery_codes(maya))


@pytest.mark.parametrize(
    ("method", "address", "back"),
    [
        ("get", ACTIVATE, ACTIVATE),
        ("post", ACTIVATE, ACTIVATE),
        ("get", DEACTIVATE, DEACTIVATE),
        ("post", DEACTIVATE, DEACTIVATE),
        ("get", CODES, CODES),
        ("get", f"{CODES}download/", f"{CODES}download/"),
        ("post", f"{CODES}generate/", CODES),
    ],
)
def test_changes_ask_again_who_it_is(maya, method: str, address: str, back: str) -> None:
    """Spec: S17.2."""
    from urllib.parse import quote_plus

    enrol(maya)
    client = Client()
    client.force_login(maya)
    target = f"/accounts/reauthenticate/?next={quote_plus(back)}"
    assert getattr(client, method)(address)["Location"] == target
    fragment = getattr(client, method)(address, headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (200, target)
    assert second_step.has_second_step(maya)


def test_a_code_proves_it_too(maya, clock) -> None:
    """Spec: S17.2."""
    seed = enrol(maya)
    client = Client()
    client.force_login(maya)
    assert (
        "2fa/reauthenticate/?next="
        in client.get(
            "/accounts/reauthenticate/?next=/accounts/2fa/recovery-codes/"
        ).content.decode()
    )
    assert client.post(ASK, {"code": "000000", "next": CODES}).status_code == 422
    done = client.post(ASK, {"code": code_of(seed), "next": CODES})
    assert done["Location"] == CODES
    assert client.get(CODES).status_code == 200
    assert client.post(ASK, {"code": code_of(seed), "next": CODES}).status_code == 422


def test_asking_for_a_code_needs_a_second_step(maya) -> None:
    client = Client()
    client.force_login(maya)
    assert client.get(ASK)["Location"] == "/accounts/reauthenticate/"


# --- Staff ----------------------------------------------------------------------------------------
def of_role(role: Role, **fields: object):
    user = UserFactory(**fields)
    grant_role(user, role)
    return user


def test_staff_pages_are_those_that_ask_for_what_only_staff_may_do() -> None:
    assert len(STAFF_PERMISSIONS) == 13
    assert "bookings.create" not in STAFF_PERMISSIONS


@pytest.mark.parametrize("address", ["/dev/gallery/", "/staff/inbox/messages/"])
def test_staff_set_it_up_before_any_staff_page_answers(client: Client, address: str) -> None:
    """Spec: S17.2."""
    admin = of_role(Role.ADMIN)
    client.force_login(admin)
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/2fa/totp/activate/?next=%2F")
    fragment = client.get(address, headers={"HX-Request": "true"})
    assert (fragment.status_code, fragment["HX-Redirect"]) == (200, answer["Location"])
    assert client.get("/lessons/").status_code == 200, "no staff page"
    enrol(admin)
    assert client.get(address).status_code == 200


def test_a_missing_permission_is_refused_before(client: Client) -> None:
    """Spec: S5.2."""
    client.force_login(of_role(Role.ANALYST))
    assert client.get("/dev/gallery/").status_code == 403


def test_setting_it_up_leads_to_the_page_that_asked(clock) -> None:
    staff = of_role(Role.ADMIN, email="ada@example.com", password=PASSWORD)
    from allauth.account.models import EmailAddress

    EmailAddress.objects.create(user=staff, email=staff.email, verified=True, primary=True)
    client = give_password(staff.email)
    client.get(f"{ACTIVATE}?next=/dev/gallery/")
    seed = second_step.pending_seed(client.session)
    done = client.post(ACTIVATE, {"code": code_of(seed), "next": "/dev/gallery/"})
    assert done["Location"] == f"{CODES}?next=%2Fdev%2Fgallery%2F"
    assert 'href="/dev/gallery/"' in client.get(done["Location"]).content.decode()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/"])
def test_it_leads_nowhere_else(maya, clock, target: str) -> None:
    """Spec: S17.10."""
    client = give_password()
    assert "evil" not in client.get(f"{ACTIVATE}?next={target}").content.decode()
    seed = second_step.pending_seed(client.session)
    assert client.post(ACTIVATE, {"code": code_of(seed), "next": target})["Location"] == CODES


def test_staff_see_no_way_to_turn_it_off_and_find_none(clock) -> None:
    """Spec: S17.2, S5.2."""
    staff = VerifiedUserFactory(email="ada@example.com", role=Role.SUPPORT, password=PASSWORD)
    seed = code = None
    from allauth.mfa.models import Authenticator

    seed = second_step.decrypt(Authenticator.objects.get(user=staff, type="totp").data["secret"])
    client = give_password(staff.email)
    code = code_of(seed)
    client.post(ENTER, {"code": code})
    assert "Turn off" not in client.get("/account/security/").content.decode()
    assert client.get(DEACTIVATE)["Location"] == "/account/security/"
    assert client.post(DEACTIVATE).status_code == 403
    assert second_step.has_second_step(staff)
