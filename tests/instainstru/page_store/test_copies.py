"""Copies for one session: seen again within seconds, never by anybody else, never outdated."""

from collections.abc import Callable
from typing import Any

import pytest
import redis
import time_machine
from allauth.account.adapter import get_adapter
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.role_changes import assign_role
from accounts.roles import Role
from accounts.suspension import suspend_account
from bookings.lessons.services import confirm_under_lock
from catalog.models import Instructor
from instainstru import clock
from instainstru.page_store import copies, versions
from instainstru.page_store.routes import ROUTES
from search.snapshot import forget_snapshot
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import HoldFactory, tomorrow_at

pytestmark = [pytest.mark.django_db, pytest.mark.S9, pytest.mark.usefixtures("kept_pages")]

Commits = Callable[..., Any]
WHY = "Because the test says so."


@pytest.fixture
def person() -> User:
    OfferingFactory(instructor=InstructorFactory(slug="maya-c"))
    return student(first_name="Rosalind")


@pytest.fixture
def visitor(person: User) -> Client:
    return signed_in(person)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    client.get("/accessibility/")  # brings the cookie of the token
    return client


def is_copied(client: Client, address: str = "/") -> bool:
    client.get(address)
    return "Age" in client.get(address)


def test_a_page_seen_twice_asks_nothing(visitor: Client, person: User) -> None:
    """Budget D6: 0 queries; S9.3: for no shared cache."""
    category = Instructor.objects.get().offerings.get().service.category.slug
    for address in ("/", "/services/", f"/services/{category}/", "/i/maya-c/", "/help/canceling/"):
        live = visitor.get(address)
        with CaptureQueriesContext(connection) as captured:
            again = visitor.get(address, headers={"Accept-Encoding": "gzip, br"})
        assert len(captured) == 0, address
        assert again["Cache-Control"] == "private, no-store"
        assert again["Content-Encoding"] == "gzip"
        assert "ETag" not in again
        assert not again.cookies
        for name in ("Content-Security-Policy", "X-DB-Tier", "X-Frame-Options"):
            assert again[name] == live[name]
        assert again["X-Request-ID"] != live["X-Request-ID"]
        assert person.email in visitor.get(address).content.decode()


def test_a_form_of_a_copy_works(visitor: Client) -> None:
    """S17.10: it holds the token of this very visitor."""
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = visitor.cookies
    assert is_copied(strict)
    html = strict.get("/").content.decode()
    token = html.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
    answer = strict.post("/accounts/logout/", {"csrfmiddlewaretoken": token})
    assert answer.status_code == 302


def test_two_people_and_two_devices_have_copies_of_their_own(visitor: Client, person: User) -> None:
    other, phone = signed_in(student(first_name="Zachariah")), signed_in(person)
    assert is_copied(visitor)
    first = other.get("/")
    assert "Age" not in first
    assert "Zachariah" in first.content.decode()
    assert "Rosalind" not in first.content.decode()
    assert "Age" not in phone.get("/")


class TestOutdated:
    def test_by_a_form_that_the_person_sends(
        self, visitor: Client, django_capture_on_commit_callbacks: Commits
    ) -> None:
        """Read your own writes, whichever process answers next."""
        assert is_copied(visitor)
        assert "Saved</h2>" not in visitor.get("/").content.decode()
        with django_capture_on_commit_callbacks(execute=True):
            visitor.post("/favorites/maya-c/")
        answer = visitor.get("/")
        assert "Age" not in answer
        assert "Saved</h2>" in answer.content.decode()

    def test_by_a_form_sent_from_another_device(
        self, visitor: Client, person: User, django_capture_on_commit_callbacks: Commits
    ) -> None:
        phone = signed_in(person)
        assert is_copied(visitor)
        with django_capture_on_commit_callbacks(execute=True):
            phone.post("/favorites/maya-c/")
        assert "Saved</h2>" in visitor.get("/").content.decode()

    def test_by_signing_out(self, visitor: Client) -> None:
        old = Client()
        old.cookies = visitor.cookies.copy()
        assert is_copied(visitor)
        visitor.logout()
        answer = old.get("/")
        assert "Age" not in answer
        assert "Rosalind" not in answer.content.decode()

    def test_by_a_suspension_with_the_next_request(
        self, visitor: Client, person: User, django_capture_on_commit_callbacks: Commits
    ) -> None:
        """S17.2."""
        admin = VerifiedUserFactory(role=Role.ADMIN)
        assert is_copied(visitor)
        with django_capture_on_commit_callbacks(execute=True):
            suspend_account(by=admin, person=person, reason=WHY)
        assert "Rosalind" not in visitor.get("/").content.decode()

    def test_by_a_new_role(
        self, visitor: Client, person: User, django_capture_on_commit_callbacks: Commits
    ) -> None:
        admin = VerifiedUserFactory(role=Role.ADMIN)
        assert is_copied(visitor)
        with django_capture_on_commit_callbacks(execute=True):
            assign_role(by=admin, to=person, role=Role.SUPPORT, reason=WHY)
        assert "Age" not in visitor.get("/")

    def test_by_a_new_password(
        self, visitor: Client, person: User, django_capture_on_commit_callbacks: Commits
    ) -> None:
        """S17.2: whoever is signed in with the old one is out."""
        assert is_copied(visitor)
        with django_capture_on_commit_callbacks(execute=True):
            get_adapter().set_password(person, "a-quiet-harbor-lamp")
        assert "Rosalind" not in visitor.get("/").content.decode()

    def test_by_a_job_that_confirms_the_lesson(
        self, visitor: Client, person: User, django_capture_on_commit_callbacks: Commits
    ) -> None:
        """S14.13: the next lesson is on the page as soon as it is paid."""
        hold = HoldFactory(student=person)
        with django_capture_on_commit_callbacks(execute=True):
            confirm_under_lock(hold, clock.now())
        assert "Next lesson" in visitor.get("/").content.decode()
        assert is_copied(visitor)
        other = HoldFactory(student=person, start_at=tomorrow_at(17))
        with django_capture_on_commit_callbacks(execute=True):
            confirm_under_lock(other, clock.now())
        assert "Age" not in visitor.get("/")

    def test_by_a_search(
        self, visitor: Client, django_capture_on_commit_callbacks: Commits
    ) -> None:
        """S2.5: the homepage names it at once."""
        forget_snapshot()
        assert is_copied(visitor)
        with django_capture_on_commit_callbacks(execute=True):
            visitor.get("/search/?q=accordion+lessons")
        assert "accordion lessons" in visitor.get("/").content.decode()

    def test_by_the_clock(self, visitor: Client) -> None:
        """S9.1: a copy shows times too."""
        with time_machine.travel(clock.now(), tick=False) as now:
            assert is_copied(visitor)
            now.shift(ROUTES["home"].fresh_seconds)
            assert "Age" not in visitor.get("/")

    def test_by_a_change_of_the_session(self, visitor: Client) -> None:
        assert is_copied(visitor)
        session = visitor.session
        session["anything"] = "new"
        session.save()
        assert "Age" not in visitor.get("/")


class TestNeverCopied:
    def test_what_runs_out_while_it_is_looked_at(self, visitor: Client, person: User) -> None:
        """S9.2: the countdown of a hold starts from the server's clock."""
        HoldFactory(student=person)
        assert not is_copied(visitor)
        assert is_copied(visitor, "/services/")

    def test_words_that_are_shown_once(self, visitor: Client) -> None:
        visitor.post("/preferences/", {"learners": "self"})
        assert "Your home page follows it" in visitor.get("/").content.decode()
        assert "Your home page follows it" not in visitor.get("/").content.decode()

    @pytest.mark.parametrize(
        "address", ["/lessons/", "/favorites/", "/preferences/", "/search/", "/?next=1"]
    )
    def test_other_pages(self, visitor: Client, address: str) -> None:
        assert not is_copied(visitor, address)

    def test_a_session_that_is_not_in_the_cache(self, visitor: Client) -> None:
        """It may have ended: the database decides."""
        assert is_copied(visitor)
        cache.delete(f"{copies._SESSION_PREFIX}{visitor.session.session_key}")
        assert "Age" not in visitor.get("/")

    def test_a_page_with_another_token(self, visitor: Client) -> None:
        """A browser that lost the token's cookie gets a new one with a new page."""
        assert is_copied(visitor)
        del visitor.cookies["csrftoken"]
        answer = visitor.get("/")
        assert "Age" not in answer
        assert "csrftoken" in answer.cookies

    def test_anything_while_valkey_is_away(
        self, visitor: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """S16.4."""

        def lost(_name: str) -> None:
            raise redis.exceptions.ConnectionError

        assert is_copied(visitor)
        monkeypatch.setattr(versions, "get_redis_connection", lost)
        answer = visitor.get("/")
        assert "Age" not in answer
        assert "Rosalind" in answer.content.decode()


def test_the_heart_somebody_pressed_is_filled_when_they_come_back(
    visitor: Client, django_capture_on_commit_callbacks: Commits
) -> None:
    """S9.5."""
    assert is_copied(visitor, "/i/maya-c/")
    assert 'aria-pressed="false"' in visitor.get("/i/maya-c/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        visitor.post("/favorites/maya-c/", headers={"HX-Request": "true"})
    assert 'aria-pressed="true"' in visitor.get("/i/maya-c/").content.decode()


def test_owners_get_their_page_as_owners() -> None:
    """S10.5."""
    teacher = VerifiedUserFactory(role=Role.INSTRUCTOR, first_name="Maya")
    OfferingFactory(instructor=InstructorFactory(user=teacher, slug="own-page"))
    owner, other = signed_in(teacher), signed_in(student())
    for _ in range(2):
        assert "This is how students see you" in owner.get("/i/own-page/").content.decode()
        assert "This is how students" not in other.get("/i/own-page/").content.decode()
