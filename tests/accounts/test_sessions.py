"""How long a session lasts, and what is noted of it."""

import pytest
import time_machine
from allauth.usersessions.models import UserSession
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from accounts.roles import Role
from accounts.sessions import BEGAN, devices_of, end_sessions, words_of
from tests.factories.accounts import UserFactory, VerifiedUserFactory, student

pytestmark = [pytest.mark.django_db, pytest.mark.S17]

PASSWORD = "quiet-harbor-lamp"
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
MAC = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/120.0.0.0 Safari/537.36"
)
PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def moving_clock():
    with time_machine.travel("2026-03-02T15:00:00Z", tick=False) as moved:
        yield moved


def is_in(client: Client) -> bool:
    return client.get("/account/security/").status_code == 200


def enter(user, password: str = PASSWORD, **environment: str) -> Client:
    client = Client(**environment)
    data = {"login": user.email, "password": password}
    assert client.post("/accounts/login/", data).status_code == 302
    return client


# --- Limits ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(("role", "idle"), [(Role.STUDENT, 14 * DAY), (Role.SUPPORT, 30 * MINUTE)])
def test_an_idle_session_ends(moving_clock, role: Role, idle: int) -> None:
    """Spec: S17.2."""
    user = VerifiedUserFactory(role=role)
    client, other = Client(), Client()
    client.force_login(user)
    other.force_login(user)
    moving_clock.shift(idle)
    assert is_in(client)
    moving_clock.shift(1)
    assert not is_in(other)
    assert is_in(client), "it was used a second ago"


@pytest.mark.parametrize(
    ("role", "step", "absolute"),
    [(Role.STUDENT, 5 * DAY, 30 * DAY), (Role.ADMIN, 20 * MINUTE, 12 * HOUR)],
)
def test_a_session_ends_however_busy_it_was(moving_clock, role: Role, step, absolute) -> None:
    """Spec: S17.2."""
    client = Client()
    client.force_login(VerifiedUserFactory(role=role))
    for _ in range(absolute // step):
        moving_clock.shift(step)
        assert is_in(client)
    moving_clock.shift(1)
    assert not is_in(client)


def test_short_pauses_of_staff_never_add_up(moving_clock) -> None:
    """Spec: S17.2."""
    client = Client()
    client.force_login(VerifiedUserFactory(role=Role.ADMIN))
    for _ in range(20):
        moving_clock.shift(59)
        assert is_in(client)
    moving_clock.shift(29 * MINUTE)
    assert is_in(client)


def test_becoming_staff_shortens_the_session_at_once(moving_clock) -> None:
    user = student()
    client = Client()
    client.force_login(user)
    moving_clock.shift(HOUR)
    type(user).objects.filter(pk=user.pk).update(is_staff=True)
    assert not is_in(client)


def test_an_ended_session_leads_to_sign_in_and_back(moving_clock) -> None:
    """Spec: G4."""
    user = VerifiedUserFactory(role=Role.STUDENT, password=PASSWORD)
    client = enter(user)
    moving_clock.shift(14 * DAY + 1)
    answer = client.get("/lessons/")
    assert answer["Location"] == "/accounts/login/?next=%2Flessons%2F"
    assert not UserSession.objects.exists()
    fragment = client.get("/lessons/", headers={"HX-Request": "true"})
    assert fragment.status_code == 401


def test_pages_that_ask_nobody_touch_no_session(client: Client) -> None:
    client.force_login(student())
    assert "Cookie" not in client.get("/healthz").get("Vary", "")


# --- What is noted --------------------------------------------------------------------------------
def test_signing_in_notes_browser_and_network(moving_clock) -> None:
    """Spec: 02 section 1."""
    user = VerifiedUserFactory(role=Role.STUDENT, password=PASSWORD)
    enter(user, REMOTE_ADDR="203.0.113.77", HTTP_USER_AGENT=MAC)
    enter(user, REMOTE_ADDR="2001:db8:1:2:3:4:5:6", HTTP_USER_AGENT="x" * 500)
    rows = UserSession.objects.order_by("pk")
    assert [row.ip for row in rows] == ["203.0.113.0", "2001:db8:1::"]
    assert [len(row.user_agent) for row in rows] == [len(MAC), 200]


def test_a_client_without_an_address_can_sign_in() -> None:
    user = VerifiedUserFactory(role=Role.STUDENT, password=PASSWORD)
    enter(user, REMOTE_ADDR="")
    assert UserSession.objects.get().ip == "::"


def test_use_is_noted_at_most_once_in_5_minutes(
    moving_clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Spec: 02 section 1."""
    client = enter(VerifiedUserFactory(role=Role.STUDENT, password=PASSWORD))
    first = UserSession.objects.get().last_seen_at
    moving_clock.shift(5 * MINUTE - 1)
    client.get("/lessons/")
    assert UserSession.objects.get().last_seen_at == first
    moving_clock.shift(1)
    client.get("/lessons/")
    assert UserSession.objects.get().last_seen_at > first


def test_a_session_without_a_row_gets_one(moving_clock) -> None:
    client = Client()
    client.force_login(student())
    assert not UserSession.objects.exists()
    moving_clock.shift(5 * MINUTE)
    client.get("/lessons/")
    assert UserSession.objects.count() == 1


def test_a_session_that_says_nothing_begins_now(moving_clock) -> None:
    client = Client()
    client.force_login(student())
    session = client.session
    for key in list(session.keys()):
        if not key.startswith("_"):
            del session[key]
    session.save()
    assert is_in(client)
    assert client.session[BEGAN]


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (MAC, "Chrome on Mac"),
        (PHONE, "Safari on iPhone or iPad"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
         "Firefox on Linux"),
        ("curl/8.0", "curl"),
        ("", "Unknown browser"),
        ("<script>alert(1)</script>", "Unknown browser"),
    ],
)  # fmt: skip
def test_browsers_are_named_in_words(user_agent: str, words: str) -> None:
    assert words_of(user_agent) == words


# --- Ending ---------------------------------------------------------------------------------------
def test_devices_are_of_the_person_alone(moving_clock) -> None:
    user, other = (
        VerifiedUserFactory(role=Role.STUDENT, password=PASSWORD),
        VerifiedUserFactory(role=Role.STUDENT, password=PASSWORD),
    )
    here = enter(user, HTTP_USER_AGENT=MAC)
    moving_clock.shift(10)
    enter(user, HTTP_USER_AGENT=PHONE)
    enter(other)
    devices = devices_of(user, here.session.session_key)
    assert [(device.words, device.is_current) for device in devices] == [
        ("Chrome on Mac", True),
        ("Safari on iPhone or iPad", False),
    ]


def test_all_sessions_end_at_once() -> None:
    user = VerifiedUserFactory(role=Role.STUDENT, password=PASSWORD)
    clients = [enter(user) for _ in range(3)]
    assert end_sessions(user) == 3
    assert not any(is_in(client) for client in clients)
    assert end_sessions(UserFactory()) == 0


def test_suspension_ends_sessions_at_once() -> None:
    """Spec: S17.2."""
    user = VerifiedUserFactory(role=Role.STUDENT, password=PASSWORD)
    client = enter(user)
    type(user).objects.filter(pk=user.pk).update(is_active=False)
    assert not is_in(client)
