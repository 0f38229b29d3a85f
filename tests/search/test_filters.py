"""Filters as plain values, and how they win over the words (Spec: S8.5)."""

from datetime import date, time

import pytest
import time_machine
from django.http import QueryDict

from bookings.availability.minutes import origin_of
from bookings.lessons.starts import Starts
from instainstru.clock import NEW_YORK
from search.demand import IN_PERSON, Demand, demand_of
from search.filters import Filters, FiltersForm, filter_pairs
from search.page_state import read_state
from search.windows import wanted_starts
from tests.search.catalogue import WEDNESDAY_IN_MARCH, gazetteer, read

pytestmark = pytest.mark.S8

NOON, FIVE = time(12), time(17)


def form(query: str) -> FiltersForm:
    state = read_state(QueryDict(query))
    data = {name: state.first(name) for name in FiltersForm.base_fields}
    data |= {name: state.all(name) for name in ("day", "time", "where")}
    return FiltersForm(data, gazetteer=gazetteer())


def asked(query: str, filters: Filters) -> Demand:
    return demand_of(read(query, WEDNESDAY_IN_MARCH), filters)


@time_machine.travel(WEDNESDAY_IN_MARCH)
def test_every_filter_becomes_a_value():
    chosen = form(
        "price_min=40&price_max=62.50&on=2026-03-07&day=sat&day=sun&time=evening&where=online"
        "&place=UWS&level=beginner&age=9&rating=4.5&language=Spanish"
    ).filters()
    assert chosen == Filters(
        min_cents=4000,
        max_cents=6250,
        on=date(2026, 3, 7),
        weekdays=frozenset({"sat", "sun"}),
        parts=("evening",),
        modalities=frozenset({"online"}),
        place="Upper West Side",
        level="beginner",
        age=9,
        rating_hundredths=450,
        language="Spanish",
    )


def test_nothing_chosen_is_no_filter():
    assert form("q=piano").filters() == Filters()
    assert form("price_min=&on=&place=+&level=").filters() == Filters()


@pytest.mark.parametrize(
    "query", ["level=master", "day=someday", "time=midnight", "where=mars", "rating=9", "x=1"]
)
def test_unknown_values_are_ignored(query):
    """Spec: S8.5"""
    checked = form(query)
    assert checked.is_valid()
    assert checked.filters() == Filters()


@time_machine.travel(WEDNESDAY_IN_MARCH)
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("price_max=cheap", "price_max"),
        ("price_max=-5", "price_max"),
        ("price_min=NaN", "price_min"),
        ("price_min=Infinity", "price_min"),
        ("price_min=1e9", "price_min"),
        ("price_min=90&price_max=60", "price_max"),
        ("price_max=12.345", "price_max"),
        ("on=yesterday", "on"),
        ("on=2026-03-03", "on"),
        ("on=2099-01-01", "on"),
        ("on=2026-02-30", "on"),
        ("place=Atlantis", "place"),
        ("place=%00", "place"),
        ("age=nine", "age"),
        ("age=500", "age"),
    ],
)
def test_wrong_values_name_their_field_and_filter_nothing(query, field):
    """Spec: S8.5"""
    checked = form(f"{query}&level=beginner")
    if query == "place=%00":
        assert checked.filters().place is None
        return
    assert list(checked.errors) == [field]
    assert checked.filters() == Filters()


@pytest.mark.parametrize(
    ("parts", "hours"),
    [
        (("morning",), ((None, NOON),)),
        (("morning", "afternoon"), ((None, FIVE),)),
        (("afternoon", "evening"), ((NOON, None),)),
        (("morning", "evening"), ((None, NOON), (FIVE, None))),
        (("morning", "afternoon", "evening"), ()),
    ],
)
def test_neighbouring_parts_of_the_day_are_one_span(parts, hours):
    assert Filters(parts=parts).hours == hours


def test_a_filter_wins_over_the_words_about_the_same_thing():
    """Spec: S8.5"""
    words = "piano under $80 in brooklyn saturday morning online beginner for my 6 year old"
    plain = asked(words, Filters())
    assert plain.max_cents == 8000
    assert plain.places == ("Brooklyn",)
    assert asked(words, Filters(min_cents=5000)).max_cents is None
    assert asked(words, Filters(place="Chelsea")).places == ("Chelsea",)
    assert asked(words, Filters(modalities=IN_PERSON)).modalities == IN_PERSON
    assert asked(words, Filters(age=40)).ages == (40, 40)
    assert asked(words, Filters(level="advanced")).level == "advanced"
    on_sunday = asked(words, Filters(on=date(2026, 3, 8)))
    assert on_sunday.window.dates == {date(2026, 3, 8)}
    assert on_sunday.window.hours == ((None, NOON),)
    assert asked(words, Filters(parts=("evening",))).window.hours == ((FIVE, None),)


def test_filters_about_other_things_leave_the_words_alone():
    words = "piano under $80 a lesson in brooklyn saturday"
    assert asked(words, Filters(level="advanced")).max_cents == 8000
    assert asked(words, Filters(level="advanced")).price_basis == "lesson"
    assert asked(words, Filters(max_cents=6000)).price_basis == "hour"


@pytest.mark.parametrize(
    ("words", "dollars", "cents"),
    [
        ("guitar $30 per half hour", 30, 6000),
        ("guitar $20/half hour", 20, 4000),
        ("guitar $30 per 30 minutes", 30, 6000),
        ("guitar 30 bucks the half hour", 30, 6000),
        ("guitar $25 per 1/2 hour", 25, 5000),
        ("guitar $40 for a half hour", 40, 8000),
        ("guitar 30 min lesson for $40", 40, 8000),
        ("guitar $80 for 45 minutes", 80, 10667),
        ("guitar $60 an hour for 90 minutes", 60, 6000),
        ("guitar $30 a lesson, half an hour", 30, 3000),
        ("guitar half an hour, $30", 30, 3000),
    ],
)
def test_a_price_for_another_length_is_compared_per_hour(words, dollars, cents):
    """Spec: S8.1: the constraint keeps the dollars as said."""
    assert asked(words, Filters()).max_cents == cents
    assert read(words).constraints["max_price"] == dollars


def test_whoever_is_twelve_and_a_half_is_twelve():
    """Spec: S8.1: offers name ages in whole years."""
    assert asked("piano for my 12 and a half year old", Filters()).ages == (12, 12)


def test_the_window_knows_hours_in_several_spans():
    window = asked("piano", Filters(parts=("morning", "evening"))).window
    on = date(2026, 3, 5)
    wanted = Starts(origin_of(on), wanted_starts(window, NEW_YORK, on, on, 60))
    hours = {start.astimezone(NEW_YORK).hour for start in wanted if not start.minute}
    assert hours == {*range(12), *range(17, 24)}


class TestState:
    def test_the_address_is_kept_in_one_order(self):
        state = read_state(QueryDict("page=3&sort=price_low&level=beginner&q=piano&junk=1"))
        assert state.url() == "/search/?q=piano&level=beginner&sort=price_low"
        assert state.url(page=2).endswith("&sort=price_low&page=2")

    def test_unknown_orders_and_views_are_ignored(self):
        assert read_state(QueryDict("q=a&sort=drop&view=grid&exact=yes")).url() == "/search/?q=a"

    def test_changes_leave_the_rest(self):
        state = read_state(QueryDict("q=piano&without=location&day=sat&day=sun"))
        assert state.without(["time"]).all("without") == ["location", "time"]
        assert state.drop("day").url() == "/search/?q=piano&without=location"

    def test_no_value_is_an_error(self):
        query = QueryDict(mutable=True)
        query.setlist("without", ["x" * 10_000, "\x00", ""] * 50)
        query.setlist("day", ["sat"] * 500)
        query["q"] = "\x00" + "é" * 10_000
        state = read_state(query)
        assert len(state.all("day")) == 1
        assert len(state.first("q")) == 200
        assert len(state.url()) < 3000
        assert filter_pairs(QueryDict("price_min=%F0%9F%8E%B9")) == (("price_min", "🎹"),)
