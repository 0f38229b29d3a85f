"""What anonymous visitors get from the store, and what never comes from it (performance D1, D4)."""

import gzip
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import brotli
import pytest
import redis
import time_machine
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from accounts.models import User
from accounts.owners import Owner
from bookings.lessons.models import Booking
from bookings.lessons.services import HoldRequest, hold_slot, release_hold
from catalog.interest import keep_favorite_for_guest, toggle_favorite
from catalog.models import Instructor, Service
from catalog.services import rename_instructor
from instainstru.page_store import middleware, versions
from instainstru.page_store.middleware import memory
from instainstru.page_store.routes import ROUTES
from tests.bookings.lessons.stage import become_guest
from tests.factories.accounts import student
from tests.factories.catalog import InstructorFactory, OfferingFactory, ServiceFactory
from tests.factories.lessons import HoldFactory, tomorrow_at

pytestmark = [pytest.mark.django_db, pytest.mark.S9, pytest.mark.usefixtures("kept_pages")]

Commits = Callable[..., Any]
FIRST, SECOND = "Rosalind", "Zachariah"


@pytest.fixture
def piano() -> Service:
    service: Service = ServiceFactory(name="Piano")
    OfferingFactory(service=service, instructor=InstructorFactory(slug="maya-c"))
    return service


@pytest.fixture
def addresses(piano: Service) -> dict[str, str]:
    category = f"/services/{piano.category.slug}/"
    return {
        "home": "/",
        "catalog:all-services": "/services/",
        "catalog:category": category,
        "catalog:service": f"{category}piano/",
        "instructor-profile": "/i/maya-c/",
        "help:index": "/help/",
        "help:article": "/help/canceling/",
    }


def queries_of(client: Client, address: str, **headers: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address, headers=headers).status_code in (200, 304)
    return len(captured)


def is_kept(client: Client, address: str, **headers: str) -> bool:
    client.get(address, headers=headers)
    return "Age" in client.get(address, headers=headers)


class TestWhoIsAnswered:
    def test_every_page_of_the_list_is_kept_and_asks_nothing(
        self, addresses: dict[str, str]
    ) -> None:
        """Budget D6: 0 queries for a kept page."""
        assert addresses.keys() == ROUTES.keys()
        for address in addresses.values():
            made = Client().get(address)
            with CaptureQueriesContext(connection) as captured:
                kept = Client().get(address)
            assert (kept.status_code, len(captured)) == (200, 0), address
            assert kept.content == made.content

    def test_not_one_byte_is_personal(
        self, addresses: dict[str, str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """S9.3: people and guests come first, and leave nothing behind.

        What a guest would get from the view is what everybody gets.
        """
        people = [student(first_name=FIRST), student(first_name=SECOND)]
        maya = Instructor.objects.get(slug="maya-c")
        guest, browsers = Client(), [Client(), Client()]
        become_guest(guest, "a-guest")
        keep_favorite_for_guest(guest_key="a-guest", instructor=maya)
        HoldFactory(student=None, learner=None, guest_key="a-guest", instructor=maya)
        for browser, person in zip(browsers, people, strict=True):
            browser.force_login(person)
            toggle_favorite(by=person, instructor=maya)
        for address in addresses.values():
            for browser, person in zip(browsers, people, strict=True):
                assert person.email in browser.get(address).content.decode()
            answers = [visitor.get(address) for visitor in (guest, Client(), Client())]
            assert len({answer.content for answer in answers}) == 1, address
            with monkeypatch.context() as patch:
                patch.setattr(middleware.PageStoreMiddleware, "is_on", False)
                live = [visitor.get(address).content for visitor in (guest, Client())]
            assert live[0] == live[1], address
            assert not answers[-1].cookies
            text = answers[-1].content.decode()
            found = [word for person in people for word in (person.first_name, person.email)]
            assert not [word for word in [*found, "csrfmiddlewaretoken"] if word in text]

    @pytest.mark.parametrize("cookie", ["sessionid", "messages"])
    def test_a_cookie_of_a_person_asks_the_view(self, cookie: str, piano: Service) -> None:
        browser = Client()
        assert is_kept(browser, "/services/")
        browser.cookies[cookie] = "anything"
        answer = browser.get("/services/")
        assert "Age" not in answer
        assert answer.headers.get("Cache-Control", "") != "public, max-age=0, s-maxage=30"

    @pytest.mark.parametrize("cookie", ["csrftoken", "guest"])
    def test_other_cookies_do_not_matter(self, cookie: str, piano: Service) -> None:
        """A guest has looked at times already; what is theirs shows on no kept page."""
        browser = Client()
        browser.cookies[cookie] = "a" * 32
        assert is_kept(browser, "/services/")

    def test_signing_in_and_out_changes_the_page_at_once(self, piano: Service) -> None:
        browser, person = Client(), student(first_name=FIRST)
        assert "Log in" in browser.get("/").content.decode()
        browser.force_login(person)
        assert FIRST in browser.get("/").content.decode()
        browser.logout()
        assert FIRST not in browser.get("/").content.decode()

    @pytest.mark.parametrize(
        "address",
        ["/?utm_source=mail", "/services/?q=piano", "/help/?q=card", "/i/maya-c/?search=abc",
         "/i/maya-c/?week=2027-01-01", "/i/maya-c/?page=1&page=2", "/about/", "/search/"],
    )  # fmt: skip
    def test_what_is_not_on_the_list_is_live(self, address: str, piano: Service) -> None:
        assert not is_kept(Client(), address)

    def test_only_reading_is_answered(self, piano: Service) -> None:
        assert is_kept(Client(), "/services/")
        assert Client().post("/services/").status_code == 405

    def test_head_is_answered_without_a_body(self, piano: Service) -> None:
        page = Client().get("/services/", headers={"Accept-Encoding": "br"})
        head = Client().head("/services/", headers={"Accept-Encoding": "br"})
        assert head.content == b""
        for name in ("ETag", "Content-Length", "Content-Encoding", "Content-Type"):
            assert head[name] == page[name]

    def test_a_fragment_and_its_page_are_two(self, addresses: dict[str, str]) -> None:
        """S7.1: the categories that come into view later are kept too."""
        address, told = addresses["catalog:category"], {"HX-Request": "true"}
        page = Client().get(address).content
        fragment = Client().get(address, headers=told)
        assert b"<html" in page
        assert b"<html" not in fragment.content
        assert queries_of(Client(), address, **told) == 0
        assert not is_kept(Client(), addresses["instructor-profile"], **told)
        assert not is_kept(Client(), address, **told, **{"HX-Boosted": "true"})

    def test_parameters_in_another_order_are_the_same_page(self, piano: Service) -> None:
        Client().get("/i/maya-c/?service=piano&duration=60")
        assert queries_of(Client(), "/i/maya-c/?duration=60&service=piano") == 0
        assert queries_of(Client(), "/i/maya-c/?duration=45&service=piano") > 0

    def test_a_page_with_a_form_is_not_kept(self, piano: Service) -> None:
        """S17.10: the token of one visitor is never shown to another."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("catalog.views._finish", lambda request, _response: _add_token(request))
            browser = Client()
            assert not is_kept(browser, "/services/")
            assert not is_kept(browser, "/services/")


def _add_token(request: Any) -> Any:
    from django.http import HttpResponse
    from django.middleware.csrf import get_token

    return HttpResponse(get_token(request))


class TestAnswers:
    def test_security_headers_are_kept(self, addresses: dict[str, str]) -> None:
        """S17.1, S1.7, S16.2."""
        for address in addresses.values():
            Client().get(address)
            live = Client(headers={"Cookie": "messages=none"}).get(address)
            kept = Client().get(address)
            for name in live.headers:
                if name not in ("X-Request-ID", "Content-Length", "Vary", "ETag"):
                    assert kept.headers[name] == live.headers[name], name
            assert "Content-Security-Policy" in kept.headers
            assert kept["X-DB-Tier"] == "INT"
            assert kept["Cache-Control"] == "public, max-age=0, s-maxage=30"
            varies = {name.strip() for name in kept["Vary"].split(",")}
            assert {"Accept-Encoding", "Cookie"} <= varies

    def test_every_answer_has_an_id_of_its_own(self, piano: Service) -> None:
        """S16.2."""
        ids = {Client().get("/services/")["X-Request-ID"] for _ in range(3)}
        assert len(ids) == 3
        told = Client().get("/services/", headers={"X-Request-ID": "abcd-1234"})
        assert told["X-Request-ID"] == "abcd-1234"

    @pytest.mark.parametrize(
        ("accepted", "coding"),
        [("gzip, deflate, br, zstd", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip"),
         ("", ""), ("identity", "")],
    )  # fmt: skip
    def test_bodies_are_packed_as_the_client_takes_them(
        self, accepted: str, coding: str, piano: Service
    ) -> None:
        plain = Client().get("/services/").content
        answer = Client().get("/services/", headers={"Accept-Encoding": accepted})
        unpack = {"br": brotli.decompress, "gzip": gzip.decompress, "": bytes}[coding]
        assert answer.headers.get("Content-Encoding", "") == coding
        assert unpack(answer.content) == plain
        assert answer["Content-Length"] == str(len(answer.content))

    def test_who_has_the_page_gets_304_and_no_query(self, piano: Service) -> None:
        """S7.2: one tag for each coding, also after the page was made anew."""
        for accepted in ("br", "gzip", ""):
            told = {"Accept-Encoding": accepted}
            tag = Client().get("/services/", headers=told)["ETag"]
            for known in (tag, f'"other", W/{tag}', "*"):
                answer = Client().get("/services/", headers=told | {"If-None-Match": known})
                assert (answer.status_code, answer.content) == (304, b"")
                assert answer["ETag"] == tag
            assert "Content-Security-Policy" in answer.headers
            memory.forget()
            cache.clear()
            versions.forget()
            anew = Client().get("/services/", headers=told | {"If-None-Match": tag})
            assert anew.status_code == 304
        other = {"Accept-Encoding": "gzip", "If-None-Match": '"other"'}
        assert Client().get("/services/", headers=other).status_code == 200


class TestFreshness:
    def test_a_changed_catalogue_is_seen_at_once(
        self, piano: Service, django_capture_on_commit_callbacks: Commits
    ) -> None:
        """S7.6."""
        assert Client().get("/i/maya-c/").status_code == 200
        maya = Instructor.objects.get(slug="maya-c")
        with django_capture_on_commit_callbacks(execute=True):
            rename_instructor(instructor_id=maya.pk, slug="maya-cohen")
        assert Client().get("/i/maya-c/").status_code == 301

    def test_another_process_follows_within_a_second(
        self, piano: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Performance D1: looked at once a second at most."""
        assert is_kept(Client(), "/services/")
        key = cache.make_key(f"page-version:{versions.CATALOGUE}")
        versions.get_redis_connection("default").set(key, "changed elsewhere")
        assert queries_of(Client(), "/services/") == 0
        monkeypatch.setattr(versions, "LOOK_SECONDS", -1.0)
        assert queries_of(Client(), "/services/") > 0

    def test_a_booked_time_outdates_the_profile_alone(
        self, piano: Service, django_capture_on_commit_callbacks: Commits
    ) -> None:
        """S9.1: hold and release, seen by the next visitor."""
        other = InstructorFactory(slug="ada-b")
        OfferingFactory(service=piano, instructor=other)
        offering = Instructor.objects.get(slug="maya-c").offerings.get()
        owner = Owner(guest_key="somebody")
        for address in ("/i/maya-c/", "/i/ada-b/"):
            assert is_kept(Client(), address)
        with django_capture_on_commit_callbacks(execute=True):
            hold = hold_slot(
                by=owner,
                wanted=HoldRequest(offering.pk, tomorrow_at(10, days=3), 60, "at_student"),
            )
        assert queries_of(Client(), "/i/maya-c/") > 0
        assert queries_of(Client(), "/i/ada-b/") == 0
        assert is_kept(Client(), "/i/maya-c/")
        with django_capture_on_commit_callbacks(execute=True):
            release_hold(by=owner, hold_id=hold.hold_id)
        assert queries_of(Client(), "/i/maya-c/") > 0
        assert Booking.objects.get().status == Booking.Status.EXPIRED

    def test_pages_with_times_are_kept_for_half_a_minute_at_most(
        self, addresses: dict[str, str]
    ) -> None:
        """S9.1, and a minute or so for the others."""
        with time_machine.travel(datetime(2027, 2, 24, 17, tzinfo=UTC), tick=False) as clock:
            for address in addresses.values():
                assert is_kept(Client(), address)
            clock.shift(19)
            assert [queries_of(Client(), address) for address in addresses.values()] == [0] * 7
            clock.shift(11)
            for name in ("home", "catalog:service", "instructor-profile"):
                assert ROUTES[name].kept_seconds == 30
                assert queries_of(Client(), addresses[name]) > 0
            assert queries_of(Client(), "/services/") == 0
            clock.shift(60)
            assert queries_of(Client(), "/services/") > 0

    def test_one_makes_the_page_anew_while_others_get_the_old_one(self, piano: Service) -> None:
        """Performance D1: single flight."""
        with time_machine.travel(datetime(2027, 2, 24, 17, tzinfo=UTC), tick=False) as clock:
            assert is_kept(Client(), "/")
            clock.shift(25)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(middleware, "begin_making", lambda _key: False)
                answer = Client().get("/")
                assert answer["Age"] == "25"
            assert queries_of(Client(), "/") > 0
            assert Client().get("/")["Age"] == "0"

    def test_a_new_process_starts_with_the_pages_of_the_others(self, piano: Service) -> None:
        assert is_kept(Client(), "/services/")
        memory.forget()
        assert queries_of(Client(), "/services/") == 0


class TestWithoutValkey:
    @pytest.fixture(autouse=True)
    def _away(self, kept_pages: None, monkeypatch: pytest.MonkeyPatch, piano: Service) -> None:
        def lost(_name: str) -> None:
            raise redis.exceptions.ConnectionError

        assert is_kept(Client(), "/services/")
        monkeypatch.setattr(versions, "get_redis_connection", lost)
        monkeypatch.setattr(versions, "LOOK_SECONDS", -1.0)

    def test_pages_are_live_and_right(self) -> None:
        """S16.4: slower, never wrong."""
        ServiceFactory(name="Zither", category=Service.objects.get(name="Piano").category)
        answer = Client().get("/services/")
        assert "Zither" in answer.content.decode()
        assert "Age" not in answer
        assert "Content-Security-Policy" in answer.headers

    def test_a_change_is_committed_all_the_same(
        self, django_capture_on_commit_callbacks: Commits
    ) -> None:
        maya = Instructor.objects.get(slug="maya-c")
        with django_capture_on_commit_callbacks(execute=True):
            rename_instructor(instructor_id=maya.pk, slug="maya-cohen")
        assert Client().get("/i/maya-cohen/").status_code == 200


def test_a_lost_version_makes_all_pages_anew(piano: Service) -> None:
    """After Valkey lost its data no old page counts as current."""
    assert is_kept(Client(), "/services/")
    cache.clear()
    versions.forget()
    assert queries_of(Client(), "/services/") > 0


def test_kept_answers_are_counted_in_the_log(
    piano: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S16.2: a line for each minute."""
    assert is_kept(Client(), "/services/")
    monkeypatch.setattr(middleware, "COUNTED_SECONDS", 0.0)
    with capture_logs() as captured:
        Client().get("/services/")
    lines = [line for line in captured if line["event"] == "pages_from_store"]
    assert [line["pages"] for line in lines] == [{"catalog:all-services": 1}]


def test_words_of_one_visitor_never_reach_another(piano: Service) -> None:
    """A key holds the whole query: what is typed shows for whoever typed it."""
    odd = "x" * 50
    Client().get(f"/i/maya-c/?service={odd}")
    assert odd not in Client().get("/i/maya-c/").content.decode()


def test_nobody_signed_in_is_answered_from_the_store(addresses: dict[str, str]) -> None:
    person: User = student(first_name=FIRST)
    browser = Client()
    browser.force_login(person)
    for address in addresses.values():
        Client().get(address)
        answer = browser.get(address)
        assert "Age" not in answer
        assert "private" in answer["Cache-Control"]
        assert not re.search(r"public|s-maxage", answer["Cache-Control"])
