"""The signed-in homepage: each module, their order, failures and who sees what."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.roles import Role
from catalog.interest import save_preferences, toggle_favorite
from catalog.models import LearningPreferences
from instainstru import clock
from instainstru.pages import personal_home as module
from instainstru.pages.personal_home import personal_home
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.catalog import (
    CategoryFactory,
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    ServiceFactory,
)
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at
from tests.factories.reviews import ReviewFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S9]


def past_lesson(user: Any, offering: Any, *, days: int = 7) -> Any:
    """Return a lesson that was taught ``days`` ago."""
    return BookingFactory(
        student=user, offering=offering, start_at=tomorrow_at(10, days=-days), status="completed"
    )


def test_modules_come_in_the_order_of_the_specification(client: Client) -> None:
    """S9.2."""
    user = student()
    offer = OfferingFactory()
    past_lesson(user, offer)
    BookingFactory(student=user, start_at=tomorrow_at(12, days=3))
    HoldFactory(student=user, start_at=tomorrow_at(15))
    toggle_favorite(by=user, instructor=offer.instructor)
    for days in (1, 2):
        BookingFactory(start_at=tomorrow_at(9, days=days))
    client.force_login(user)
    html = client.get("/").content.decode()
    titles = [
        "Next lesson", "Needs you", "Book again", "Popular in Brooklyn", "Saved</h2>",
        "New in Park Slope", "Browse by what you love",
    ]  # fmt: skip
    places = [html.index(title) for title in titles]
    assert places == sorted(places)


def test_empty_modules_vanish_and_new_people_get_three_questions(client: Client) -> None:
    """S9.2."""
    client.force_login(student())
    html = client.get("/").content.decode()
    for title in ("Next lesson", "Needs you", "Book again", "Popular in", "New in"):
        assert title not in html
    assert "Three quick questions" in html


def test_people_who_cannot_book_are_asked_nothing(client: Client) -> None:
    """S5.2: the questions lead to a page for students."""
    for role in (Role.INSTRUCTOR, Role.SUPPORT):
        client.force_login(VerifiedUserFactory(role=role))
        html = client.get("/").content.decode()
        assert "Three quick questions" not in html
        assert "What do you want to learn?" in html


def test_skipping_and_answering_end_the_questions(client: Client) -> None:
    """S9.2."""
    user = student()
    client.force_login(user)
    assert client.post("/preferences/", {"skip": "1"})["Location"] == "/"
    assert "Three quick questions" not in client.get("/").content.decode()
    data = {
        "category": CategoryFactory().slug,
        "learners": "child",
        "neighborhood": NeighborhoodFactory().slug,
    }
    assert client.post("/preferences/", data).status_code == 302
    assert client.post("/preferences/", {"skip": "1"}).status_code == 302
    answers = LearningPreferences.objects.of(user)
    assert (answers.learners, answers.neighborhood.slug) == ("child", "park-slope")


@pytest.mark.parametrize("field", ["category", "learners", "neighborhood"])
@pytest.mark.parametrize("value", ["nowhere", "\x00", "x" * 10_000, "🎻"])
def test_unknown_answers_are_422(client: Client, field: str, value: str) -> None:
    """G2."""
    client.force_login(student())
    assert client.post("/preferences/", {field: value}).status_code == 422


def test_book_again_offers_the_last_instructor_of_each_service() -> None:
    """S9.2: with the same weekday's next open time."""
    user, piano = student(), ServiceFactory(name="Piano")
    older = OfferingFactory(service=piano)
    latest = OfferingFactory(service=piano)
    past_lesson(user, older, days=14)
    lesson = past_lesson(user, latest, days=6)
    own = personal_home(user, clock.now())
    assert [card["slug"] for card in own.again.value] == [latest.instructor.slug]
    start = own.again.value[0]["start_at"].astimezone(clock.NEW_YORK)
    assert start.weekday() == lesson.start_at.astimezone(clock.NEW_YORK).weekday()


def test_book_again_leaves_out_who_cannot_be_booked() -> None:
    user = student()
    past_lesson(user, OfferingFactory(instructor__status="paused"))
    assert not personal_home(user, clock.now()).again


def test_popular_counts_the_lessons_of_the_borough_and_says_so() -> None:
    """S9.2: one true reason each."""
    user, offer = student(), OfferingFactory()
    for days in (1, 2, 3):
        BookingFactory(offering=offer, start_at=tomorrow_at(9, days=days))
    queens = NeighborhoodFactory(name="Astoria", borough="Queens")
    elsewhere = OfferingFactory(instructor=InstructorFactory(base_neighborhood=queens))
    BookingFactory(offering=elsewhere)
    old = BookingFactory(confirmed_at=clock.now() - timedelta(days=31))
    save_preferences(by=user, neighborhood=NeighborhoodFactory())
    cards = personal_home(user, clock.now()).popular.value
    assert [card["slug"] for card in cards] == [offer.instructor.slug]
    assert cards[0]["reason"] == "Booked 3 times in Brooklyn in the last 30 days"
    assert old.instructor.slug not in {card["slug"] for card in cards}


def test_answers_narrow_what_is_popular() -> None:
    """S9.2: every answer has an effect."""
    user, arts = student(), CategoryFactory(name="Arts")
    music = OfferingFactory()
    drawing = OfferingFactory(service=ServiceFactory(name="Drawing", category=arts), age_from=18)
    for offer in (music, drawing):
        BookingFactory(offering=offer)
    slope = NeighborhoodFactory()

    def shown() -> list[str]:
        return [card["slug"] for card in personal_home(user, clock.now()).popular.value]

    save_preferences(by=user, neighborhood=slope, category=arts)
    assert shown() == [drawing.instructor.slug]
    save_preferences(by=user, neighborhood=slope, learners="child")
    assert shown() == [music.instructor.slug]


def test_new_shows_who_joined_lately_and_comes_there() -> None:
    """S9.2."""
    user, slope = student(), NeighborhoodFactory()
    hill = NeighborhoodFactory(name="Boerum Hill")
    fresh = OfferingFactory(instructor=InstructorFactory(serves=[slope]))
    OfferingFactory(instructor=InstructorFactory(serves=[hill]))
    OfferingFactory(
        instructor=InstructorFactory(serves=[slope], created_at=clock.now() - timedelta(days=61))
    )
    save_preferences(by=user, neighborhood=slope)
    cards = personal_home(user, clock.now()).new.value
    assert [card["slug"] for card in cards] == [fresh.instructor.slug]


@pytest.mark.parametrize("broken", ["read_habits", "read_offers", "next_times"])
def test_a_section_that_fails_leaves_the_rest(
    client: Client, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """G11."""
    user, offer = student(), OfferingFactory()
    past_lesson(user, offer)
    BookingFactory(student=user)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(module, broken, fail)
    client.force_login(user)
    answer = client.get("/")
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "load this." in html
    assert "Next lesson" in html
    assert "Browse by what you love" in html


def test_needs_you_can_be_continued_or_released(client: Client) -> None:
    """S9.2."""
    user = student()
    hold = HoldFactory(student=user)
    client.force_login(user)
    html = client.get("/").content.decode()
    assert f'action="/book/{hold.hold_id}/release/"' in html
    assert "data-expires-at" in html


def test_needs_you_asks_for_the_review_until_it_is_written(client: Client) -> None:
    """S9.2: with its last day; a lesson reviewed or too old asks for nothing."""
    user, offer = student(), OfferingFactory()
    lesson = past_lesson(user, offer, days=2)
    past_lesson(user, offer, days=40)
    client.force_login(user)
    html = client.get("/").content.decode()
    assert html.count(f"Review {lesson.service_name} with Maya C.</strong>") == 1
    assert f'href="/lessons/{lesson.code}/review/"' in html
    assert "Review until" in html
    ReviewFactory(booking=lesson)
    assert "Needs you" not in client.get("/").content.decode()


def test_needs_you_asks_how_an_ended_lesson_went(client: Client) -> None:
    """S9.2, T12: before the clock completes it, one press answers."""
    user = student()
    lesson = BookingFactory(student=user, start_at=clock.now() - timedelta(hours=3))
    client.force_login(user)
    html = client.get("/").content.decode()
    assert "How did it go?" in html
    assert f'action="/lessons/{lesson.code}/confirm/"' in html


def test_needs_you_names_three_and_leads_to_the_rest(client: Client) -> None:
    """S9.2: what ends first comes first."""
    user, offer = student(), OfferingFactory()
    for days in (2, 3, 4):
        past_lesson(user, offer, days=days)
    hold = HoldFactory(student=user)
    needs = personal_home(user, clock.now()).needs.value
    assert needs.rows[0].booking == hold
    assert (len(needs.rows), needs.has_more) == (3, True)
    client.force_login(user)
    assert "/lessons/?tab=needs-action" in client.get("/").content.decode()


@pytest.mark.parametrize("rows", [1, 3])
def test_more_cards_cost_no_more_queries(
    client: Client, django_assert_max_num_queries: Any, rows: int
) -> None:
    user = student()
    for number in range(rows):
        offer = OfferingFactory()
        past_lesson(user, offer, days=7 + number)
        toggle_favorite(by=user, instructor=offer.instructor)
        BookingFactory(start_at=tomorrow_at(9, days=number + 1))
    client.force_login(user)
    with django_assert_max_num_queries(16):
        assert client.get("/").status_code == 200
