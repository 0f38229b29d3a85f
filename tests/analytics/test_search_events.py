"""What a search leaves for the statistics, and of whom (Spec: S2.6, S3.1, S3.2, S8.3, S8.13)."""

import re
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from analytics.models import SearchEvent, SearchImpression, SearchInteraction
from analytics.visitors import remember_guest_choice
from instainstru import clock
from privacy.consents import Browser, Purpose, record_consent
from search.models import HistoryPause, SearchHistory
from tests.factories.accounts import UserFactory, student
from tests.search.builders import fresh_catalogue, pianist

pytestmark = [pytest.mark.django_db, pytest.mark.S3]

PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
RESULT = re.compile(r'class="card-link" href="([^"]+)"')


@pytest.fixture(autouse=True)
def _one_pianist() -> Any:
    pianist()
    with fresh_catalogue():
        yield


@pytest.fixture
def client() -> Client:
    return browser()


def browser(**headers: str) -> Client:
    return Client(headers={"User-Agent": PERSON, **headers})


def agreed(user: User) -> User:
    browser_ = Browser(page="/privacy/")
    record_consent(by=user, purpose=Purpose.ANALYTICS, is_given=True, browser=browser_)
    return user


def agrees_as_guest(client: Client, *, is_given: bool = True) -> None:
    response = HttpResponse()
    remember_guest_choice(response, is_given=is_given)
    client.cookies.update(response.cookies)


@pytest.fixture
def maya() -> User:
    return agreed(student())


@pytest.fixture
def signed_in(client: Client, maya: User) -> Client:
    client.force_login(maya)
    return client


def searched(client: Client, query: str = "piano", **more: Any) -> Any:
    return client.get("/search/", {"q": query, **more})


def results(response: Any) -> list[str]:
    return [url.replace("&amp;", "&") for url in RESULT.findall(response.content.decode())]


# --- The event ------------------------------------------------------------------------------------
def test_a_search_writes_one_event_with_what_was_asked_and_found(
    signed_in: Client, maya: User
) -> None:
    """Spec: S3.1, S8.13"""
    searched(signed_in, "Piano in Park Slope under $90", sort="price_low")
    event = SearchEvent.objects.get()
    assert (event.user, event.guest_key) == (maya, None)
    assert event.query_raw == "Piano in Park Slope under $90"
    assert event.normalized_query == "piano in park slope under $90"
    assert event.search_type == "natural_language"
    assert event.parsed["constraints"] == {"max_price": 90, "location": "Park Slope"}
    assert event.parsed["services"][0] == "Piano"
    assert event.filters == {"sort": ["price_low"]}
    assert (event.results_count, len(event.top_ids)) == (1, 1)
    assert (event.match, event.mode) == ("results", "lexical")
    assert event.confidence > 0
    assert (event.borough, event.neighborhood) == ("Brooklyn", "Park Slope")
    assert event.place_source == "query"
    assert (event.referrer, event.is_excluded) == ("direct", False)
    assert 0 < event.latency_ms < 60_000
    assert event.search_id.version == 7


def test_each_card_is_kept_with_what_its_rank_was_made_of(signed_in: Client) -> None:
    """Spec: S8.3"""
    pianist("Nina")
    searched(signed_in)
    shown = SearchImpression.objects.order_by("position")
    assert [row.position for row in shown] == [1, 2]
    assert {row.instructor.slug for row in shown} == {"maya-c", "nina-c"}
    for row in shown:
        assert {"relevance", "availability", "price", "quality", "score"} <= set(row.factors)
        assert not row.is_close
    assert shown[0].factors["score"] >= shown[1].factors["score"]


def test_close_matches_stand_behind_and_say_so(signed_in: Client) -> None:
    """Spec: S8.5"""
    searched(signed_in, "piano under $80")
    row = SearchImpression.objects.get()
    assert (row.position, row.is_close) == (1, True)
    assert SearchEvent.objects.get().results_count == 0


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ({"q": "piano"}, "service"),
        ({"q": "music"}, "category"),
        ({"q": "piano saturday"}, "natural_language"),
        ({"price_max": "200"}, "filter"),
        ({"q": "piano", "view": "map"}, "map"),
        ({"q": "piano", "via": "history"}, "history"),
        ({"q": "piano", "via": "suggestion"}, "suggestion"),
        ({"q": "piano", "via": "nowhere"}, "service"),
    ],
)
def test_the_way_of_a_search(signed_in: Client, query: dict[str, str], kind: str) -> None:
    """Spec: S3.1"""
    assert signed_in.get("/search/", query).status_code == 200
    assert SearchEvent.objects.get().search_type == kind


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("", "direct"),
        ("http://testserver/", "internal"),
        ("https://www.google.com/", "organic"),
        ("https://mail.google.com/", "email"),
        ("https://l.facebook.com/", "social"),
        ("not an address", "direct"),
    ],
)
def test_where_somebody_came_from(signed_in: Client, address: str, kind: str) -> None:
    """Spec: S3.1"""
    signed_in.get("/search/?q=piano", headers={"Referer": address})
    assert SearchEvent.objects.get().referrer == kind


@pytest.mark.parametrize("query", ["x\0y piano", "🎹" * 300, "'; DROP TABLE", "\u202epiano"])
def test_no_words_break_the_event(signed_in: Client, query: str) -> None:
    """Spec: S8.1"""
    assert searched(signed_in, query).status_code == 200
    assert len(SearchEvent.objects.get().query_raw) <= 200


def test_what_is_no_search_writes_no_event(signed_in: Client) -> None:
    signed_in.head("/search/?q=piano")
    signed_in.get("/search/")
    signed_in.get("/search/count/?q=piano")
    signed_in.get("/search/suggest/?q=piano")
    assert not SearchEvent.objects.exists()


def test_a_wrong_price_still_searched(signed_in: Client) -> None:
    """The unfiltered list of a 422 is a search; no history is kept of it. Spec: S8.5"""
    assert searched(signed_in, price_max="cheap").status_code == 422
    assert SearchEvent.objects.count() == 1
    assert not SearchHistory.objects.exists()


def test_the_event_is_one_statement_beside_the_history(signed_in: Client) -> None:
    """Spec: S3.9, performance D5"""
    searched(signed_in)
    with CaptureQueriesContext(connection) as found:
        searched(signed_in)
    writes = [query["sql"] for query in found if "INSERT" in query["sql"]]
    assert len(writes) == 2
    assert sum("analytics_searchevent" in sql for sql in writes) == 1


def test_a_failing_event_never_fails_the_search(signed_in: Client, caplog: Any) -> None:
    """Spec: S2.7"""
    with patch.object(SearchEvent.objects, "record", side_effect=OperationalError("gone")):
        assert searched(signed_in).status_code == 200
    assert "search_event_not_written" in caplog.text
    assert SearchHistory.objects.exists()


# --- Of whom --------------------------------------------------------------------------------------
def assert_nameless(event: SearchEvent) -> None:
    assert (event.user_id, event.guest_key) == (None, None)
    assert (event.borough, event.neighborhood, event.place_source, event.ip_hash) == ("",) * 4


def test_without_consent_an_event_names_nobody(client: Client) -> None:
    """Spec: S3.2, S6.4"""
    client.force_login(student())
    searched(client, "piano in park slope")
    assert_nameless(SearchEvent.objects.get())
    assert SearchHistory.objects.exists()


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC"])
def test_a_browser_that_refuses_is_believed(signed_in: Client, header: str) -> None:
    """Spec: S3.2, S6.4"""
    signed_in.get("/search/?q=piano+in+park+slope", headers={header: "1"})
    assert_nameless(SearchEvent.objects.get())


def test_consent_that_was_taken_back_counts_at_once(signed_in: Client, maya: User) -> None:
    """Spec: S6.4"""
    browser_ = Browser(page="/privacy/")
    record_consent(by=maya, purpose=Purpose.ANALYTICS, is_given=False, browser=browser_)
    searched(signed_in)
    assert_nameless(SearchEvent.objects.get())


@pytest.mark.parametrize("choice", [True, False, None])
def test_guests_are_counted_by_their_key_only_if_they_agreed(
    client: Client, choice: bool | None
) -> None:
    """Spec: S3.2, S6.4"""
    if choice is not None:
        agrees_as_guest(client, is_given=choice)
    searched(client)
    event, history = SearchEvent.objects.get(), SearchHistory.objects.get()
    assert event.guest_key == (history.guest_key if choice else None)
    assert bool(event.ip_hash) is bool(choice)


def test_a_paused_history_goes_on_without_the_person(signed_in: Client, maya: User) -> None:
    """Spec: S2.5"""
    signed_in.post("/privacy/history/pause/", {"paused": "yes"})
    searched(signed_in)
    signed_in.get("/search/?price_max=200")
    assert HistoryPause.objects.filter(user=maya).exists()
    assert SearchEvent.objects.count() == 2
    for event in SearchEvent.objects.all():
        assert_nameless(event)


def test_filters_without_words_have_an_owner(signed_in: Client, maya: User) -> None:
    """Nothing is kept in the history of no words; that is no pause."""
    signed_in.get("/search/?price_max=200")
    assert SearchEvent.objects.get().user == maya


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"User-Agent": ""},
    ],
)
def test_programs_and_pages_fetched_ahead_are_marked(
    signed_in: Client, headers: dict[str, str]
) -> None:
    """Spec: S3.2"""
    signed_in.get("/search/?q=piano", headers=headers)
    assert SearchEvent.objects.get().is_excluded


def test_staff_are_marked(client: Client) -> None:
    """Spec: S3.2"""
    client.force_login(agreed(UserFactory(is_staff=True)))
    searched(client)
    assert SearchEvent.objects.get().is_excluded


def test_the_digest_is_of_the_network_and_of_the_day(time_machine: Any, maya: User) -> None:
    """Spec: S3.1"""
    time_machine.move_to(clock.now())

    def digest(address: str) -> str:
        client = browser()
        client.force_login(maya)
        client.get("/search/?q=piano", REMOTE_ADDR=address)
        return str(SearchEvent.objects.order_by("pk").last().ip_hash)

    one, neighbour, other = digest("203.0.113.7"), digest("203.0.113.9"), digest("198.51.100.1")
    assert one == neighbour != other
    assert "203.0.113" not in one
    time_machine.shift(timedelta(days=1))
    assert digest("203.0.113.7") not in {one, ""}


# --- Pages of one search --------------------------------------------------------------------------
def many(number: int) -> None:
    for each in range(number):
        pianist(f"Person{each}")


def link_to_page(response: Any, rel: str) -> str:
    found = re.search(rf'rel="{rel}" href="([^"]+)"', response.content.decode())
    assert found
    return found[1].replace("&amp;", "&")


def test_other_pages_belong_to_the_same_search(signed_in: Client) -> None:
    """Spec: S2.6, S3.1, S3.3"""
    many(22)
    first = searched(signed_in)
    second = signed_in.get(link_to_page(first, "next"))
    signed_in.get(link_to_page(second, "prev"))
    event = SearchEvent.objects.get()
    shown = list(SearchImpression.objects.order_by("position").values_list("position", flat=True))
    assert shown == list(range(1, 24))
    assert SearchImpression.objects.values("instructor").distinct().count() == 23
    turned = SearchInteraction.objects.filter(search=event, type="page_next")
    assert turned.count() == 2
    third = signed_in.get(link_to_page(first, "next"))
    assert third.status_code == 200
    assert turned.count() == 2


@pytest.mark.parametrize("change", [("q=piano", "q=Pianos"), ("page=2", "page=2&price_max=200")])
def test_another_question_is_another_search(signed_in: Client, change: tuple[str, str]) -> None:
    many(22)
    address = link_to_page(searched(signed_in), "next").replace(*change)
    assert signed_in.get(address).status_code == 200
    assert SearchEvent.objects.count() == 2


def test_a_shared_address_begins_a_search_of_its_own(signed_in: Client) -> None:
    """Spec: S3.3, S8.5"""
    many(22)
    address = link_to_page(searched(signed_in), "next")
    other = browser()
    other.force_login(agreed(student()))
    assert other.get(address).status_code == 200
    assert SearchEvent.objects.values("user").distinct().count() == 2


# --- Clicks ---------------------------------------------------------------------------------------
def clicks() -> list[tuple[str, int | None]]:
    return list(SearchInteraction.objects.order_by("type").values_list("type", "position"))


def test_opening_a_result_is_tied_to_its_search(signed_in: Client) -> None:
    """Spec: S2.6"""
    [address] = results(searched(signed_in))
    assert "sid=" in address
    for _ in range(2):
        assert signed_in.get(address).status_code == 200
    assert clicks() == [("profile_view", 1), ("result_click", 1)]
    row = SearchInteraction.objects.first()
    assert row.search == SearchEvent.objects.get()
    assert row.instructor.slug == "maya-c"


def test_a_time_of_a_result_is_tied_to_its_search(signed_in: Client) -> None:
    """Spec: S2.6"""
    page = searched(signed_in).content.decode()
    time_ = re.search(r'href="(/i/maya-c/book/[^"]*start=[^"]*)"', page)[1].replace("&amp;", "&")
    assert "sid=" in time_
    signed_in.get(time_)
    assert [kind for kind, _ in clicks()] == ["availability_view", "result_click", "slot_select"]


def test_guests_who_agreed_are_counted_too(client: Client) -> None:
    agrees_as_guest(client)
    [address] = results(searched(client))
    client.get(address)
    assert len(clicks()) == 2


def test_a_kept_page_counts_the_click_and_holds_no_sid(kept_pages: None, client: Client) -> None:
    """Whoever is answered from the store is counted; the same bytes serve every search."""
    agrees_as_guest(client)
    [address] = results(searched(client))
    plain = browser().get(re.sub(r"&?sid=[^&]*", "", address))
    with CaptureQueriesContext(connection) as found:
        answer = client.get(address)
    assert "Age" in answer
    assert answer.content == plain.content
    assert b"sid=" not in answer.content
    assert len(found) == 1
    assert len(clicks()) == 2


@pytest.mark.parametrize("header", ["DNT", "Sec-GPC", "Sec-Purpose", "User-Agent"])
def test_clicks_of_nobody_are_not_written(signed_in: Client, header: str) -> None:
    """Spec: S3.2"""
    value = {"Sec-Purpose": "prefetch", "User-Agent": "curl/8"}.get(header, "1")
    [address] = results(searched(signed_in))
    assert signed_in.get(address, headers={header: value}).status_code == 200
    assert not clicks()


def test_clicks_on_a_nameless_search_are_dropped(client: Client) -> None:
    """Spec: S3.2"""
    client.force_login(student())
    [address] = results(searched(client))
    client.get(address)
    assert not clicks()


def test_a_link_that_was_passed_on_counts_for_nobody(signed_in: Client) -> None:
    """Spec: S3.3"""
    [address] = results(searched(signed_in))
    other = browser()
    other.force_login(agreed(student()))
    assert other.get(address).status_code == 200
    assert browser().get(address).status_code == 200
    assert not clicks()


@pytest.mark.parametrize("sid", ["", "x", "A" * 28, "é", "%00", "A" * 500, "=" * 28])
def test_a_made_up_sid_is_ignored(signed_in: Client, sid: str) -> None:
    """Spec: S2.6, G11"""
    searched(signed_in)
    assert signed_in.get(f"/i/maya-c/?service=piano&sid={sid}").status_code == 200
    assert signed_in.get(f"/search/?q=piano&page=2&sid={sid}").status_code == 200
    assert not clicks()


def test_a_search_cannot_be_credited_with_what_it_did_not_show(signed_in: Client) -> None:
    [address] = results(searched(signed_in))
    pianist("Nina")
    assert signed_in.get(address.replace("maya-c", "nina-c")).status_code == 200
    assert not clicks()


def test_a_sid_lasts_seven_days(signed_in: Client, time_machine: Any) -> None:
    """Spec: S3.4"""
    time_machine.move_to(clock.now())
    [address] = results(searched(signed_in))
    time_machine.shift(timedelta(days=7, minutes=1))
    signed_in.get(address)
    assert not clicks()


def test_a_failing_click_never_fails_the_page(signed_in: Client, caplog: Any) -> None:
    [address] = results(searched(signed_in))
    with patch.object(SearchInteraction.objects, "click", side_effect=OperationalError("gone")):
        assert signed_in.get(address).status_code == 200
    assert "search_click_not_written" in caplog.text


def test_ids_of_searches_sort_by_time() -> None:
    from instainstru.identifiers import time_ordered_id

    one, other = time_ordered_id(1_000), time_ordered_id(2_000)
    assert one < other
    assert isinstance(one, UUID)
    assert (one.version, one.variant) == (7, "specified in RFC 4122")
