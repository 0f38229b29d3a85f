"""What a search leaves behind, and the page where people rule over it (Spec: S2.5-S2.7)."""

from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from accounts.sign_in_hooks import guest_signed_in
from instainstru import clock
from search.models import HistoryPause, SearchHistory
from tests.factories.accounts import UserFactory, student
from tests.search.builders import fresh_catalogue, pianist

pytestmark = [pytest.mark.django_db, pytest.mark.S2]

HX = {"HX-Request": "true"}
PAGE = "/privacy/history/"


@pytest.fixture(autouse=True)
def _one_pianist() -> Any:
    pianist()
    with fresh_catalogue():
        yield


@pytest.fixture
def maya() -> User:
    return student()


@pytest.fixture
def signed_in(client: Client, maya: User) -> Client:
    client.force_login(maya)
    return client


def searched(client: Client, query: str = "piano", **more: Any) -> Any:
    return client.get("/search/", {"q": query, **more})


# --- Searching ------------------------------------------------------------------------------------
def test_a_search_is_kept_with_its_number_of_results(signed_in: Client, maya: User) -> None:
    searched(signed_in, "Piano")
    row = SearchHistory.objects.get()
    assert (row.user, row.guest_key, row.query_text) == (maya, None, "Piano")
    assert (row.search_count, row.results_count) == (1, 1)


def test_a_guest_gets_a_signed_key_for_thirty_days(client: Client) -> None:
    """Spec: S2.7"""
    answer = searched(client)
    cookie = next(iter(answer.cookies.values()))
    assert cookie["httponly"]
    assert cookie["max-age"] == 30 * 24 * 3600
    row = SearchHistory.objects.get()
    assert row.guest_key
    assert row.guest_key not in {cookie.value, ""}
    searched(client, "violin")
    assert SearchHistory.objects.filter(guest_key=row.guest_key).count() == 2


def test_pages_filters_and_sorting_of_one_search_count_once(
    signed_in: Client, time_machine: Any
) -> None:
    """Spec: S2.6"""
    time_machine.move_to(clock.now(), tick=False)
    searched(signed_in)
    for change in ({"page": 2}, {"sort": "price"}, {"price_max": 200}):
        searched(signed_in, **change)
    assert SearchHistory.objects.get().search_count == 1
    time_machine.shift(timedelta(seconds=31))
    searched(signed_in)
    assert SearchHistory.objects.get().search_count == 2


@pytest.mark.parametrize("query", ["", "  ", "?!"])
def test_nothing_is_kept_of_nothing(signed_in: Client, query: str) -> None:
    searched(signed_in, query)
    assert not SearchHistory.objects.exists()


def test_what_was_not_asked_for_is_not_kept(signed_in: Client) -> None:
    signed_in.head("/search/?q=piano")
    signed_in.get("/search/?q=piano", headers={"Sec-Purpose": "prefetch;prerender"})
    searched(signed_in, price_max="cheap")
    assert not SearchHistory.objects.exists()


def test_a_failing_history_never_fails_the_search(signed_in: Client, caplog: Any) -> None:
    """Spec: S2.7"""
    with patch.object(SearchHistory.objects, "record", side_effect=OperationalError("gone")):
        answer = searched(signed_in)
    assert answer.status_code == 200
    assert "history_not_written" in caplog.text


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.ANALYST])
def test_people_without_the_permission_have_no_history(client: Client, role: Role) -> None:
    """Spec: P5"""
    client.force_login(_with_role(role))
    searched(client)
    assert not SearchHistory.objects.exists()
    assert client.get(PAGE).status_code == 403
    assert client.post(f"{PAGE}clear/").status_code == 403


def _with_role(role: Role) -> User:
    from django.contrib.auth.models import Group

    user: User = UserFactory()
    user.groups.set([Group.objects.get(name=role.value)])
    return user


def test_signing_in_brings_the_guest_searches_along(client: Client, maya: User) -> None:
    """Spec: S2.4, S17.8"""
    searched(client)
    guest_key = SearchHistory.objects.get().guest_key
    guest_signed_in(maya, guest_key)
    assert SearchHistory.objects.get().user == maya


# --- The page -------------------------------------------------------------------------------------
def test_the_page_lists_searches_and_leads_back_to_them(signed_in: Client) -> None:
    searched(signed_in, "piano & more")
    page = signed_in.get(PAGE)
    assert page["Cache-Control"] == "private, no-store"
    assert "/search/?q=piano%20%26%20more" in page.content.decode()


def test_a_guest_rules_over_their_searches_too(client: Client) -> None:
    searched(client)
    assert "piano" in client.get(PAGE).content.decode()
    client.post(f"{PAGE}clear/")
    assert "No searches kept" in client.get(PAGE).content.decode()


def test_one_search_is_deleted_with_and_without_scripts(signed_in: Client) -> None:
    searched(signed_in)
    searched(signed_in, "violin")
    one, other = SearchHistory.objects.order_by("pk")
    answer = signed_in.post(f"{PAGE}{one.pk}/delete/")
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    fragment = signed_in.post(f"{PAGE}{other.pk}/delete/", headers=HX).content.decode()
    assert "No searches kept" in fragment
    assert "<html" not in fragment


def test_the_searches_of_others_do_not_exist(signed_in: Client) -> None:
    """Spec: G5, S2.5"""
    searched(Client(), "violin")
    theirs = SearchHistory.objects.get()
    assert signed_in.post(f"{PAGE}{theirs.pk}/delete/").status_code == 404
    assert signed_in.post(f"{PAGE}{theirs.pk + 1}/delete/").status_code == 404
    signed_in.post(f"{PAGE}clear/")
    assert SearchHistory.objects.get().deleted_at is None


def test_clearing_offers_an_undo_that_ends(signed_in: Client, time_machine: Any) -> None:
    """Spec: S2.5"""
    time_machine.move_to(clock.now())
    searched(signed_in)
    leads_to = signed_in.post(f"{PAGE}clear/")["Location"]
    page = signed_in.get(leads_to)
    assert "Undo" in page.content.decode()
    cleared = page.context["cleared"]
    signed_in.post(f"{PAGE}undo/", {"cleared": cleared})
    assert SearchHistory.objects.get().deleted_at is None
    leads_to = signed_in.post(f"{PAGE}clear/")["Location"]
    time_machine.shift(timedelta(minutes=1))
    assert "Undo" not in signed_in.get(leads_to).content.decode()
    cleared = SearchHistory.objects.get().deleted_at.isoformat()
    assert signed_in.post(f"{PAGE}undo/", {"cleared": cleared}).status_code == 303
    assert SearchHistory.objects.get().deleted_at is not None


@pytest.mark.parametrize("cleared", ["", "yesterday", "2026-13-99T00:00Z", "2026-03-04T10:00:00"])
def test_an_undo_of_nothing_changes_nothing(signed_in: Client, cleared: str) -> None:
    assert signed_in.post(f"{PAGE}undo/", {"cleared": cleared}).status_code == 303
    assert signed_in.get(PAGE, {"cleared": cleared}).status_code == 200


def test_pausing_stops_keeping_and_says_so(signed_in: Client) -> None:
    """Spec: S2.5"""
    signed_in.post(f"{PAGE}pause/", {"paused": "yes"})
    assert "Paused" in signed_in.get(PAGE).content.decode()
    searched(signed_in)
    assert not SearchHistory.objects.exists()
    signed_in.post(f"{PAGE}pause/", {"paused": "no"})
    searched(signed_in)
    assert SearchHistory.objects.exists()
    assert not HistoryPause.objects.exists()


def test_nothing_changes_by_looking(signed_in: Client) -> None:
    """Spec: S17.10"""
    for address in ("clear/", "undo/", "pause/", "1/delete/"):
        assert signed_in.get(PAGE + address).status_code == 405


# --- Where they are shown -------------------------------------------------------------------------
def test_the_homepage_shows_ten_and_leads_to_the_rest(signed_in: Client) -> None:
    """Spec: S2.5, S9.2"""
    for number in range(12):
        searched(signed_in, f"piano {number}")
    page = signed_in.get("/").content.decode()
    assert page.count("Delete the search") == 10
    assert "piano 11" in page
    assert f'href="{PAGE}"' in page


def test_the_search_box_suggests_recent_searches_first(signed_in: Client) -> None:
    """Spec: S8.6"""
    searched(signed_in, "piano saturday")
    searched(signed_in, "chess")
    typed = signed_in.get("/search/suggest/", {"q": "pia"}).content.decode()
    assert "piano saturday" in typed
    assert typed.index("Recent") < typed.index("Services")
    assert "chess" not in typed
    empty = signed_in.get("/search/suggest/", {"q": ""}).content.decode()
    assert empty.index("chess") < empty.index("piano saturday")


def test_a_guest_without_searches_gets_no_key_for_typing(client: Client) -> None:
    """Spec: S2.7"""
    answer = client.get("/search/suggest/", {"q": ""})
    assert not answer.cookies
    assert not answer.content.strip()
