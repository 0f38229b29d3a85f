"""What a person may mean while still typing (Spec: S8.6)."""

import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Block
from catalog.importer import import_catalog
from catalog.models import Instructor
from instainstru.ratelimit import SUGGESTIONS
from search.snapshot import current_snapshot
from search.suggestions import suggest, suggest_places
from tests.factories.catalog import expired_check_on
from tests.search.builders import fresh_catalogue, pianist

pytestmark = [pytest.mark.django_db, pytest.mark.S8]


@pytest.fixture(autouse=True)
def _catalogue():
    import_catalog()
    with fresh_catalogue():
        yield


def found(text: str) -> dict[str, list[str]]:
    groups = suggest(text, current_snapshot(), today=date(2026, 3, 4))
    return {group.label: [item.text for item in group.items] for group in groups}


def test_groups_come_in_order_and_hold_at_most_eight():
    for text in ("pi", "ba", "s", "sp", "ma", "art", "music"):
        groups = found(text)
        assert sum(len(items) for items in groups.values()) <= 8
        order = ["Services", "Categories", "Instructors", "Neighborhoods"]
        assert list(groups) == [label for label in order if label in groups]


def test_names_that_begin_with_the_letters_come_first():
    services = found("pian")["Services"]
    assert services[0] == "Piano"
    assert "Jazz Piano" in services
    assert found("jazz pi")["Services"][0] == "Jazz Piano"


def test_accents_case_and_keywords_do_not_matter():
    assert found("PIANO")["Services"][0] == "Piano"
    assert found("español")["Services"]
    assert found("musi")["Categories"] == ["Music"]


def test_places_complete_the_last_words():
    assert found("park sl")["Neighborhoods"] == ["Park Slope"]
    assert found("piano in park sl")["Neighborhoods"] == ["piano in Park Slope"]
    assert found("violin brookl")["Neighborhoods"][0] == "violin in Brooklyn"


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("$45 piano in bronx", "$45 piano in Bronx"),
        ("Piano at 4:30 in brookl", "Piano at 4:30 in Brooklyn"),
        ("piano under $60.50 in que", "piano under $60.50 in Queens"),
        ("C++, brookl", "C++ in Brooklyn"),
    ],
)
def test_what_was_said_before_a_place_stays_letter_by_letter(text, first):
    """Spec: S8.6: a suggestion loses no part of the question."""
    assert found(text)["Neighborhoods"][0] == first


def test_boroughs_come_before_neighborhoods():
    offered = found("piano under $80 in br")["Neighborhoods"]
    assert offered[:2] == ["piano under $80 in Bronx", "piano under $80 in Brooklyn"]
    assert len(offered) == 3


def test_instructors_are_those_who_can_be_found():
    """Spec: S8.7"""
    pianist("Maya")
    pianist("Mayra", instructor__status=Instructor.Status.PAUSED)
    pianist("Mayumi", instructor__background_checked_on=expired_check_on())
    assert found("may")["Instructors"] == ["Maya C."]


def test_nobody_is_offered_themselves_or_whom_a_block_parts_from_them(client):
    """Spec: S5.8, S8.7"""
    maya, mayra, mayumi, maylin = (
        pianist(name).instructor.user for name in ("Maya", "Mayra", "Mayumi", "Maylin")
    )
    Block.objects.create(by=maya, person=mayra)
    Block.objects.create(by=mayumi, person=maya)
    for person, offered in (
        (maya, ["Maylin"]),
        (mayra, ["Maylin", "Mayumi"]),
        (maylin, ["Maya", "Mayra"]),
    ):
        client.force_login(person)
        text = client.get("/search/suggest/?q=may").content.decode()
        assert re.findall(r"<span>(\w+) C\.</span>", text) == offered


@pytest.mark.parametrize("text", ["", "p", " ", "!!", "\x00", "🎹", "zzzzzz"])
def test_too_little_or_nothing_known_gives_nothing(text):
    assert found(text) == {}


def test_every_suggestion_leads_somewhere(client):
    pianist("Maya")
    for text in ("pian", "music", "may", "piano in park sl"):
        for group in suggest(text, current_snapshot(), today=date(2026, 3, 4)):
            for item in group.items:
                assert client.get(item.url).status_code == 200


def test_answers_from_memory_and_one_query(client):
    current_snapshot()
    with CaptureQueriesContext(connection) as queries:
        response = client.get("/search/suggest/?q=pian")
    assert len(queries) <= 1
    assert response.content.count(b'role="option"') == len(found("pian")["Services"])


def test_places_are_found_by_any_name_and_the_beginning_comes_first(client):
    """The neighborhood box of chips and filters: values, no links."""
    places = dict(suggest_places("brookl", current_snapshot()))
    assert next(iter(places.items())) == ("Brooklyn", "Borough")
    assert "Brooklyn Heights" in places
    assert "Park Slope" in dict(suggest_places("slope", current_snapshot()))
    assert dict(suggest_places("UWS", current_snapshot())) == {"Upper West Side": "Manhattan"}
    assert len(suggest_places("st", current_snapshot())) <= 8
    for nothing in ("", "p", "\x00", "zzzz"):
        assert suggest_places(nothing, current_snapshot()) == []
    html = client.get("/search/suggest/places/?q=park+sl").content.decode()
    assert 'data-value="Park Slope"' in html
    assert "href" not in html


def test_long_and_hostile_letters_are_safe(client):
    for text in ("a" * 10_000, "<script>alert(1)</script>", "%' OR 1=1 --", "ص" * 300):
        for address in ("/search/suggest/", "/search/suggest/places/"):
            response = client.get(address, {"q": text})
            assert response.status_code == 200
            assert b"<script" not in response.content


def test_too_many_answer_429_with_the_wait(client):
    """Spec: S17.4, G6"""
    for _ in range(SUGGESTIONS.uses):
        assert client.get("/search/suggest/?q=z").status_code == 200
    response = client.get("/search/suggest/?q=z", headers={"HX-Request": "true"})
    assert response.status_code == 429
    assert int(response["Retry-After"]) <= 60
