"""Writing a review: who, when, how often, and what is asked."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.reviews.models import Review
from instainstru import clock
from tests.factories.accounts import student
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import BookingFactory, tomorrow_at
from tests.factories.reviews import CompletedLessonFactory, ReviewFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S11]

GOOD = {
    "overall": "5",
    "clarity": "4",
    "text": "She hears what I cannot hear yet.",
    "punctuality": "",
}


@pytest.fixture
def writer(client: Client) -> User:
    user = student()
    client.force_login(user)
    return user


@pytest.fixture
def lesson(writer: User) -> Booking:
    return CompletedLessonFactory(student=writer)


def page_of(lesson: Booking) -> str:
    return f"/lessons/{lesson.code}/review/"


def test_review_is_written_and_becomes_public_at_the_end_of_the_window(
    client: Client, lesson: Booking
) -> None:
    """S11.3, S11.11."""
    html = client.get(page_of(lesson)).content.decode()
    assert "How was your lesson?" in html
    response = client.post(page_of(lesson), {**GOOD, "staff_note": "The room was cold."})
    assert (response.status_code, response["Location"]) == (303, f"/lessons/{lesson.code}/")
    review = Review.objects.get(booking=lesson)
    assert (review.overall, review.clarity, review.punctuality) == (5, 4, None)
    assert (review.student, review.instructor) == (lesson.student, lesson.instructor)
    assert review.service == lesson.offering.service
    assert review.staff_note == "The room was cold."
    assert lesson.completed_at is not None
    assert review.revealed_at == lesson.completed_at + timedelta(days=14)
    assert not Review.objects.published(clock.now()).exists()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"overall": ""}, "Choose how the lesson was."),
        ({"overall": "6"}, "valid choice"),
        ({"overall": "3", "text": ""}, "Please say what was missing"),
        ({"overall": "3", "text": "   "}, "Please say what was missing"),
        ({"text": "Too short."}, "Write at least 20 characters"),
        ({"text": "x" * 1501}, "at most 1500"),
        ({"clarity": "9"}, "valid choice"),
        ({"staff_note": "x" * 1001}, "at most 1000"),
        ({"text": "null\x00 byte in these words"}, "Null characters"),
    ],
)
def test_bad_input_is_named_and_kept(
    client: Client, lesson: Booking, fields: dict[str, str], words: str
) -> None:
    """S11.3, G2."""
    response = client.post(page_of(lesson), {**GOOD, "staff_note": "Keep me.", **fields})
    html = response.content.decode()
    assert response.status_code == 422
    assert words in html
    assert "data-error-summary" in html
    if "staff_note" not in fields:
        assert "Keep me." in html
    assert not Review.objects.exists()


def test_stars_alone_are_enough_for_a_happy_one(client: Client, lesson: Booking) -> None:
    """S11.3: optional at 4 and 5."""
    assert client.post(page_of(lesson), {"overall": "4"}).status_code == 303


def test_second_answer_changes_the_first_for_a_while(client: Client, lesson: Booking) -> None:
    """S11.11: one per lesson, editable 48 hours until revealed."""
    now = clock.now()
    client.post(page_of(lesson), GOOD)
    assert "She hears what I cannot hear yet." in client.get(page_of(lesson)).content.decode()
    assert client.post(page_of(lesson), {"overall": "4"}).status_code == 303
    review = Review.objects.get()
    assert (review.overall, review.text) == (4, "")
    assert review.edited_at is not None
    with time_machine.travel(now + timedelta(hours=49)):
        assert client.get(page_of(lesson)).status_code == 409
        assert client.post(page_of(lesson), {"overall": "5"}).status_code == 409
    assert Review.objects.get().overall == 4


def test_a_revealed_review_stays_as_it_is(client: Client, writer: User, lesson: Booking) -> None:
    """S11.11."""
    now = clock.now()
    ReviewFactory(booking=lesson, created_at=now, revealed_at=now)
    assert client.post(page_of(lesson), GOOD).status_code == 409


@pytest.mark.parametrize(
    "fields",
    [
        {"start_at": "tomorrow", "status": "confirmed", "completed_at": None},
        {"status": "cancelled_student"},
        {"status": "no_show_student"},
        {"status": "reported"},
    ],
)
def test_only_completed_lessons_can_be_reviewed(
    client: Client, writer: User, fields: dict[str, Any]
) -> None:
    """S11.11: 409, nothing written."""
    if fields.get("start_at") == "tomorrow":
        fields = {**fields, "start_at": tomorrow_at(10)}
    lesson = CompletedLessonFactory(student=writer, **fields)
    assert client.get(page_of(lesson)).status_code == 409
    assert client.post(page_of(lesson), GOOD).status_code == 409
    assert not Review.objects.exists()


def test_a_missed_lesson_is_reviewed_with_a_mark(client: Client, writer: User) -> None:
    """S11.11."""
    lesson = CompletedLessonFactory(student=writer, status="no_show_instructor", completed_at=None)
    assert client.post(page_of(lesson), {**GOOD, "overall": "1"}).status_code == 303
    assert Review.objects.get().is_no_show


def test_window_closes_after_fourteen_days(client: Client, lesson: Booking) -> None:
    """S11.3: the last instant counts, later is 409."""
    assert lesson.completed_at is not None
    end = lesson.completed_at + timedelta(days=14)
    with time_machine.travel(end, tick=False):
        assert client.get(page_of(lesson)).status_code == 200
    with time_machine.travel(end + timedelta(seconds=1), tick=False):
        response = client.post(page_of(lesson), GOOD)
        assert response.status_code == 409
        assert "The time to review this lesson is over." in response.content.decode()
        assert f"/lessons/{lesson.code}/" in response.content.decode()


def test_the_clock_completes_a_lesson_that_no_job_has_seen(client: Client, writer: User) -> None:
    """S4.3."""
    lesson = BookingFactory(student=writer, start_at=tomorrow_at(10, days=-3), status="ended")
    assert client.post(page_of(lesson), GOOD).status_code == 303


def test_somebody_elses_lesson_is_hidden(client: Client, writer: User) -> None:
    """G5."""
    assert client.get(page_of(CompletedLessonFactory())).status_code == 404
    assert client.post(page_of(CompletedLessonFactory()), GOOD).status_code == 404


def test_nobody_reviews_themselves(client: Client) -> None:
    """S11.3: not own lessons."""
    me = student()
    client.force_login(me)
    lesson = CompletedLessonFactory(student=me, offering=OfferingFactory(instructor__user=me))
    assert client.get(page_of(lesson)).status_code == 409


def test_my_lessons_offers_the_review_while_it_can_be_written(
    client: Client, lesson: Booking
) -> None:
    """06 section 3: Review by …, Edit review."""
    address = f'href="{page_of(lesson)}"'
    for page in ("/lessons/?tab=completed", f"/lessons/{lesson.code}/"):
        html = client.get(page).content.decode()
        assert address in html
        assert "Review until" in html
    client.post(page_of(lesson), GOOD)
    assert "Change review" in client.get("/lessons/?tab=completed").content.decode()
    with time_machine.travel(clock.now() + timedelta(days=3)):
        client.force_login(lesson.student)  # type: ignore[arg-type]
        assert address not in client.get("/lessons/?tab=completed").content.decode()


def test_actions_cost_one_query_for_all_lessons(
    client: Client, writer: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(3):
        CompletedLessonFactory(student=writer, start_at=tomorrow_at(10, days=-12 + number))
    from bookings.reviews.lesson_actions import review_actions

    rows = list(Booking.objects.of_student(writer).select_related("policy"))
    with django_assert_max_num_queries(1):
        assert len(review_actions(rows, clock.now())) == 3


def test_the_21st_change_of_a_day_waits_and_keeps_the_words(
    client: Client, lesson: Booking
) -> None:
    """S17.4: a review can be changed again and again while its hours run."""
    answers = [client.post(page_of(lesson), GOOD) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [303] * 20 + [429]
    assert answers[-1]["Retry-After"]
    assert GOOD["text"] in answers[-1].content.decode()
    assert client.head(page_of(lesson)).status_code == 200
