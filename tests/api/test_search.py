"""Searching for programs: the page's search, with its history and event (Spec: S8.4, S17.14)."""

import re
from collections.abc import Iterator

import pytest
import time_machine
from django.test import Client

from analytics.models import SearchEvent
from instainstru.ratelimit import MINUTE, Limit
from search.models import SearchHistory
from tests.factories.accounts import student
from tests.search.builders import fresh_catalogue, pianist
from tests.search.test_results import WEDNESDAY

pytestmark = [pytest.mark.django_db, pytest.mark.S8, pytest.mark.S17]
SEARCH = "/api/v1/search/"


@pytest.fixture(autouse=True)
def _wednesday() -> Iterator[None]:
    with time_machine.travel(WEDNESDAY, tick=False), fresh_catalogue():
        yield


def test_program_finds_what_the_page_finds(client: Client) -> None:
    offering = pianist()
    query = {"q": "piano in park slope saturday under $90"}
    body = client.get(SEARCH, query).json()
    assert (body["match"], body["count"], body["next_page"]) == ("results", 1, None)
    hit = body["results"][0]
    assert (hit["instructor"], hit["service"]) == ("maya-c", offering.service.slug)
    assert all(re.fullmatch(r"2026-03-07T\d\d:\d\d:00Z", start) for start in hit["starts"])
    assert "/i/maya-c/" in client.get("/search/", query).content.decode()


@pytest.mark.S2
@pytest.mark.S3
def test_search_is_remembered_and_leaves_its_event(client: Client) -> None:
    person = student()
    client.force_login(person)
    pianist()
    client.get(SEARCH, {"q": "piano"})
    assert SearchHistory.objects.get(user=person).query_text == "piano"
    event = SearchEvent.objects.get()
    assert (event.query_raw, event.results_count) == ("piano", 1)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "q"),
        ({"q": "piano", "price_max": "cheap"}, "price_max"),
        ({"q": "piano", "colour": "blue"}, "colour"),
    ],
)
def test_wrong_value_is_named_and_nothing_is_written(
    client: Client, query: dict[str, str], field: str
) -> None:
    answer = client.get(SEARCH, query)
    assert answer.status_code == 422
    assert set(answer.json()["error"]["fields"]) == {field}
    assert not SearchEvent.objects.exists()


def test_searches_share_the_limit_of_the_page(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.api.SEARCH", Limit("search", 1, MINUTE))
    client.force_login(student())
    answers = [client.get(SEARCH, {"q": "piano"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert int(answers[1]["Retry-After"]) > 0
