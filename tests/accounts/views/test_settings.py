"""Settings and notifications, with everything that can be typed wrong."""

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEvent, Learner, NotificationChoice, User
from accounts.profile import parsed_phone, wants_mail
from accounts.role_changes import also_learn
from accounts.roles import Role
from instainstru.errors import ConflictError, ValidationFailedError
from privacy.models import Consent
from tests.factories.accounts import VerifiedUserFactory, student

pytestmark = pytest.mark.django_db

PAGE, NOTIFICATIONS = "/account/", "/account/notifications/"
FIELDS = {
    "first_name": "Maya",
    "last_name": "Cohen",
    "phone": "(212) 555-0123",
    "zone": "America/Chicago",
    "theme": "dark",
}


@pytest.fixture
def maya() -> User:
    return student(email="maya@example.com")


@pytest.fixture
def mine(maya) -> Client:
    client = Client(HTTP_USER_AGENT="Firefox", REMOTE_ADDR="203.0.113.77")
    client.force_login(maya)
    return client


# --- Settings -------------------------------------------------------------------------------------
def test_settings_are_saved_and_shown(maya, mine) -> None:
    """Spec: 02 section 5."""
    done = mine.post(PAGE, {**FIELDS, "first_name": "  Noa "})
    assert (done.status_code, done["Location"]) == (303, "/account/?saved=1")
    maya.refresh_from_db()
    assert (maya.first_name, maya.phone, maya.zone, maya.theme) == (
        "Noa", "+12125550123", "America/Chicago", "dark",
    )  # fmt: skip
    page = mine.get(done["Location"]).content.decode()
    assert 'value="+1 212-555-0123"' in page
    assert "data-theme-saved" in page
    assert '<html lang="en-US" data-theme="dark">' in page


def test_the_theme_of_the_account_is_on_every_page(maya, mine) -> None:
    assert "data-theme=" not in mine.get("/services/").content.decode()[:200]
    User.objects.filter(pk=maya.pk).update(theme="light")
    assert 'data-theme="light"' in mine.get("/services/").content.decode()[:200]


def test_who_teaches_can_book_lessons_too() -> None:
    """Spec: 02 section 2: either role may be added in settings; twice is told, not done."""
    iris = VerifiedUserFactory(role=Role.INSTRUCTOR)
    client = Client()
    client.force_login(iris)
    assert "Book lessons, too" in client.get(PAGE).content.decode()
    assert client.get("/lessons/").status_code == 403
    assert client.post("/account/learning/")["Location"] == PAGE
    assert client.get("/lessons/").status_code == 200
    assert Learner.objects.get(manager=iris).is_self
    assert AuditEvent.objects.get(action="role.added").after == {
        "roles": ["instructor", "student"]
    }  # fmt: skip
    assert "Book lessons, too" not in client.get(PAGE).content.decode()
    assert client.post("/account/learning/").status_code == 409


def test_who_learns_is_led_to_teaching_and_gets_no_role_here(maya, mine) -> None:
    assert 'href="/teach/start/"' in mine.get(PAGE).content.decode().split('id="also-title"')[1]
    staff = VerifiedUserFactory(role=Role.ANALYST)
    with pytest.raises(ConflictError):
        also_learn(by=staff)
    assert not Learner.objects.filter(manager=staff).exists()


def test_what_is_optional_may_be_empty(maya, mine) -> None:
    assert mine.post(PAGE, {"first_name": "Maya"}).status_code == 303
    maya.refresh_from_db()
    assert (maya.last_name, maya.phone, maya.zone, maya.theme) == ("", "", "", "")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("first_name", "", "Enter your first name."),
        ("first_name", "   ", "Enter your first name."),
        ("first_name", "x" * 61, "at most 60 characters"),
        ("first_name", "M\x00", "can&#x27;t be shown"),
        ("last_name", "C\r\nBcc: x@example.com", "can&#x27;t be shown"),
        ("phone", "12", "Enter a phone number"),
        ("phone", "call me", "Enter a phone number"),
        ("phone", "+1 999 999 9999 9999", "Enter a phone number"),
        ("phone", "(212) 555-0123 ext. 4", "Enter a phone number"),
        ("phone", "+999 123456", "Enter a phone number"),
        ("phone", "2" * 41, "at most 40 characters"),
        ("zone", "Mars/Olympus", "Choose a time zone from the list."),
        ("zone", "../../etc/passwd", "Choose a time zone from the list."),
        ("zone", "x" * 65, "at most 64 characters"),
        ("theme", "purple", "Choose one of the three."),
    ],
)
def test_bad_input_answers_422_and_keeps_the_rest(maya, mine, field, value, message) -> None:
    """Spec: G2, S17.3."""
    before = User.objects.filter(pk=maya.pk).values().get()
    answer = mine.post(PAGE, {**FIELDS, "last_name": "Berg", field: value})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert message in page
    assert "There is a problem" in page
    assert 'aria-invalid="true"' in page
    if field != "last_name":
        assert 'value="Berg"' in page
    assert User.objects.filter(pk=maya.pk).values().get() == before


def test_nothing_else_of_the_account_can_be_set(maya, mine) -> None:
    """Spec: S17.3."""
    extra = {"email": "x@example.com", "is_staff": "on", "is_superuser": "on", "is_demo": "on"}
    mine.post(PAGE, {**FIELDS, **extra})
    maya.refresh_from_db()
    assert (maya.email, maya.is_staff, maya.is_demo) == ("maya@example.com", False, False)


@pytest.mark.parametrize("is_renamed", [False, True])
def test_the_own_learner_follows_the_name_unless_it_has_another(maya, mine, is_renamed) -> None:
    if is_renamed:
        Learner.objects.filter(manager=maya).update(name="Grandma")
    mine.post(PAGE, {**FIELDS, "first_name": "Noa"})
    assert Learner.objects.get(manager=maya).name == ("Grandma" if is_renamed else "Noa")


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("2125550123", "+12125550123"),
        ("1-212-555-0123", "+12125550123"),
        ("+1 (212) 555.0123", "+12125550123"),
        ("+44 20 7946 0123", "+442079460123"),
        ("٢١٢٥٥٥٠١٢٣", "+12125550123"),
    ],
)
def test_numbers_are_kept_as_e164(text: str, phone: str) -> None:
    """Spec: 02 section 5."""
    assert parsed_phone(text) == phone


@pytest.mark.parametrize("text", ["", "0", "+", "911", "tel:2125550123;ext=1", "\x00", "٠"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValidationFailedError):
        parsed_phone(text)


@pytest.mark.parametrize(
    "wrong", [{"phone": "2125550123"}, {"phone": "+0123456789"}, {"theme": "pink"}]
)
def test_the_database_refuses_impossible_settings(maya, wrong: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=maya.pk).update(**wrong)


# --- Notifications --------------------------------------------------------------------------------
def test_kinds_of_mail_are_switched(maya, mine) -> None:
    """Spec: S13.5."""
    assert [wants_mail(maya, kind) for kind in ("reminder", "review", "message", "digest")] == [
        True, True, True, False,
    ]  # fmt: skip
    assert mine.post(NOTIFICATIONS, {"review": "on", "digest": "on"}).status_code == 303
    assert [wants_mail(maya, kind) for kind in ("reminder", "review", "message", "digest")] == [
        False, True, False, True,
    ]  # fmt: skip
    page = mine.get(NOTIFICATIONS).content.decode()
    assert 'name="digest" id="id_digest" checked' in page
    assert 'name="reminder" id="id_reminder" checked' not in page
    assert 'name="message" id="id_message"' in page


def test_unknown_kinds_are_ignored(maya, mine) -> None:
    """Spec: S17.3."""
    mine.post(NOTIFICATIONS, {"cancellation": "off", "security": "off"})
    assert set(NotificationChoice.objects.of(maya)) == {"reminder", "review", "message", "digest"}


def test_news_is_an_agreement_that_can_be_taken_back(maya, mine) -> None:
    """Spec: S6.4."""
    for marketing in ({"marketing": "on"}, {}):
        mine.post(NOTIFICATIONS, marketing)
        assert Consent.objects.in_force(maya)["marketing"] is bool(marketing)
    assert Consent.objects.filter(purpose="marketing").count() == 2


def test_a_choice_is_kept_once_per_kind(maya, mine) -> None:
    for _ in range(2):
        mine.post(NOTIFICATIONS, {"review": "on"})
    assert NotificationChoice.objects.filter(user=maya).count() == 4
    with pytest.raises(IntegrityError), transaction.atomic():
        NotificationChoice.objects.create(user=maya, kind="review", is_on=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        NotificationChoice.objects.create(user=maya, kind="security", is_on=False)


@pytest.mark.parametrize("address", [PAGE, NOTIFICATIONS, "/account/learners/"])
def test_the_pages_are_private_and_need_a_token(maya, address: str) -> None:
    """Spec: S6.13, S17.10."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(maya)
    assert "no-store" in strict.get(address)["Cache-Control"]
    assert strict.post(address, {"first_name": "Eve"}).status_code == 403
