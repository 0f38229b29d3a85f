"""My Lessons: lists, one lesson, cancelling and the calendar file."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.lessons.my_lessons import cards_of
from bookings.lessons.states import Status
from bookings.payments.models import Refund
from instainstru import clock
from tests.bookings.lessons.stage import hold_of, self_learner
from tests.factories import payments as make
from tests.factories.accounts import LearnerFactory, student
from tests.factories.lessons import BookingFactory, tomorrow_at
from tests.factories.reviews import ReviewFactory

pytestmark = [pytest.mark.S11, pytest.mark.django_db]


@pytest.fixture
def maya() -> User:
    return student()


@pytest.fixture
def signed_in(maya: User) -> Client:
    client = Client()
    client.force_login(maya)
    return client


def lesson_of(maya: User, **fields: Any) -> Booking:
    made: Booking = BookingFactory(
        student=maya,
        **{"learner": self_learner(maya), "start_at": tomorrow_at(10, days=3), **fields},
    )
    return made


def listed(signed_in: Client, tab: str, **query: str) -> list[Booking]:
    page = signed_in.get("/lessons/", {"tab": tab, **query})
    assert page.status_code == 200
    return [card.booking for card in page.context["cards"]]


def test_every_lesson_is_in_its_list_by_the_clock(signed_in: Client, maya: User) -> None:
    """06 section 3, S4.3: also before any job wrote the change down."""
    now = clock.now()
    late = lesson_of(maya, start_at=tomorrow_at(10, days=5))
    soon = lesson_of(maya)
    held = hold_of(maya, start_at=tomorrow_at(10, days=6))
    over = lesson_of(maya, start_at=now - timedelta(hours=3))
    long_over = lesson_of(maya, start_at=now - timedelta(hours=26))
    cancelled = lesson_of(maya, status=Status.CANCELLED_STUDENT)
    hold_of(maya, start_at=tomorrow_at(10, days=7), expires_at=now)
    BookingFactory(start_at=tomorrow_at(12))
    assert listed(signed_in, "upcoming") == [soon, late, held]
    # A completed lesson waits for its review as well, until its window closes (S11.3).
    assert listed(signed_in, "needs-action") == [over, long_over]
    assert listed(signed_in, "completed") == [long_over]
    ReviewFactory(booking=long_over)
    assert listed(signed_in, "needs-action") == [over]
    lesson_of(maya, start_at=now - timedelta(days=16))
    assert listed(signed_in, "needs-action") == [over]
    assert listed(signed_in, "cancelled") == [cancelled]


@pytest.mark.parametrize("tab", ["\x00", "x" * 9000, "🎹", "UPCOMING"])
@pytest.mark.parametrize("page", ["0", "-1", "9" * 3000, "x", "\x00"])
def test_nonsense_shows_the_first_list(signed_in: Client, maya: User, tab: str, page: str) -> None:
    lesson = lesson_of(maya)
    assert listed(signed_in, tab, page=page) == [lesson]


def test_empty_list_leads_on(signed_in: Client) -> None:
    text = signed_in.get("/lessons/").content.decode()
    assert "No lessons booked." in text
    assert "Find an instructor" in text


def test_tabs_count_what_the_filter_leaves(signed_in: Client, maya: User) -> None:
    """06 section 3: learner, instructor and service, each by its public name."""
    leo = LearnerFactory(manager=maya, name="Leo")
    mine = lesson_of(maya)
    his = lesson_of(maya, learner=leo, start_at=tomorrow_at(12, days=3))
    query = {"learner": leo.public_id}
    assert listed(signed_in, "upcoming", **query) == [his]
    page = signed_in.get("/lessons/", query)
    assert [tab["count"] for tab in page.context["tabs"]] == [1, 0, 0, 0]
    assert all(f"learner={leo.public_id}" in tab["url"] for tab in page.context["tabs"])
    assert f'value="{leo.public_id}" selected' in page.content.decode()
    by_service = {"service": mine.offering.service.slug, "instructor": mine.instructor.slug}
    assert listed(signed_in, "upcoming", **by_service) == [mine]


@pytest.mark.parametrize("name", ["learner", "instructor", "service"])
@pytest.mark.parametrize("value", ["\x00", "x" * 9000, "1", "' OR 1=1"])
def test_unknown_filter_is_ignored(signed_in: Client, maya: User, name: str, value: str) -> None:
    lesson = lesson_of(maya)
    assert listed(signed_in, "upcoming", **{name: value}) == [lesson]


def test_strangers_learner_is_no_filter(signed_in: Client, maya: User) -> None:
    """G5"""
    lesson = lesson_of(maya)
    assert listed(signed_in, "upcoming", learner=LearnerFactory().public_id) == [lesson]


def test_list_takes_the_same_queries_for_one_and_for_three(
    signed_in: Client, maya: User, django_assert_num_queries: Any
) -> None:
    """Architecture: no query per row."""
    lesson_of(maya)
    signed_in.get("/lessons/")
    with CaptureQueriesContext(connection) as one:
        signed_in.get("/lessons/")
    for day in (4, 5):
        lesson_of(maya, start_at=tomorrow_at(10, days=day))
    with django_assert_num_queries(len(one)):
        signed_in.get("/lessons/")


# --- It happened (T12) ----------------------------------------------------------------------------
def test_student_completes_an_ended_lesson_once(signed_in: Client, maya: User) -> None:
    """T11, T12: also before the clock's job wrote the end down."""
    lesson = lesson_of(maya, start_at=clock.now() - timedelta(hours=2))
    assert "It happened" in signed_in.get("/lessons/?tab=needs-action").content.decode()
    for _ in range(2):
        answer = signed_in.post(f"/lessons/{lesson.code}/confirm/")
        assert answer["Location"] == f"/lessons/{lesson.code}/"
    lesson.refresh_from_db()
    assert lesson.status == Status.COMPLETED
    assert lesson.completed_at is not None
    assert listed(signed_in, "completed") == [lesson]


@pytest.mark.parametrize(
    "fields",
    [
        {"start_at": tomorrow_at(10, days=3)},
        {"start_at": tomorrow_at(10), "status": Status.CANCELLED_STUDENT},
    ],
    ids=["coming", "cancelled"],
)
def test_other_lessons_cannot_be_completed(
    signed_in: Client, maya: User, fields: dict[str, Any]
) -> None:
    """T15"""
    lesson = lesson_of(maya, **fields)
    answer = signed_in.post(f"/lessons/{lesson.code}/confirm/")
    assert answer.status_code == 409
    assert "This lesson changed" in answer.content.decode()
    before = lesson.status
    lesson.refresh_from_db()
    assert lesson.status == before


def test_strangers_lesson_cannot_be_completed(signed_in: Client) -> None:
    """G5"""
    lesson = BookingFactory(start_at=clock.now() - timedelta(hours=2))
    assert signed_in.post(f"/lessons/{lesson.code}/confirm/").status_code == 404


def test_actions_follow_the_state(signed_in: Client, maya: User) -> None:
    """06 section 3: nothing is offered that would be refused."""
    now = clock.now()

    def labels(**fields: Any) -> list[object]:
        card = cards_of([lesson_of(maya, **fields)], now)[0]
        return [action["label"] for action in card.actions]

    calendar, late = "Add to calendar", "Running late"
    assert labels() == ["Message", calendar, "Reschedule", "Cancel"]
    soon = {"modality": "online", "neighborhood": None, "start_at": now + timedelta(hours=20)}
    online = ["Message", "Join online", calendar]
    assert labels(**soon) == [*online, "Reschedule", "Cancel", late]
    near = {**soon, "start_at": now + timedelta(hours=7)}
    assert labels(**near) == [*online, "Ask to move", "Cancel", late]
    there = {"modality": "at_instructor", "start_at": tomorrow_at(10, days=4)}
    assert labels(**there) == ["Message", "Directions", calendar, "Reschedule", "Cancel"]
    running = labels(start_at=now - timedelta(minutes=20))
    assert running == ["Message", calendar, "Report a problem"]
    assert labels(start_at=now - timedelta(hours=2)) == [
        "It happened",
        "Leave a tip",
        "Report a problem",
        "Book again",
    ]
    assert labels(start_at=now - timedelta(hours=60)) == ["Review", "Leave a tip", "Book again"]
    assert labels(start_at=now - timedelta(days=16)) == ["Book again"]
    assert labels(status=Status.CANCELLED_STUDENT) == ["Book again"]


def test_many_lessons_are_paged(signed_in: Client, maya: User) -> None:
    for day in range(1, 22):
        lesson_of(maya, start_at=tomorrow_at(10, days=day))
    assert len(listed(signed_in, "upcoming")) == 20
    assert len(listed(signed_in, "upcoming", page="2")) == 1


def test_htmx_gets_the_fragment(signed_in: Client) -> None:
    """G1"""
    part = signed_in.get("/lessons/", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "No lessons booked." in part


def test_detail_shows_what_was_paid(signed_in: Client, maya: User) -> None:
    """S11.6"""
    lesson = lesson_of(maya)
    make.pay(lesson)
    text = signed_in.get(f"/lessons/{lesson.code}/").content.decode()
    for words in (lesson.service_name, "$85.00", "4242", ">Cancel<"):
        assert words in text
    assert text.count("Add to calendar") == 1


def test_done_page_of_a_cancelled_lesson_leads_to_the_lesson(signed_in: Client, maya: User) -> None:
    lesson = lesson_of(maya, status=Status.CANCELLED_STUDENT)
    answer = signed_in.get(f"/lessons/{lesson.code}/confirmed/")
    assert answer["Location"] == f"/lessons/{lesson.code}/"


# --- In the dialog --------------------------------------------------------------------------------
def test_cancel_opens_in_the_dialog_and_leads_the_page_on(signed_in: Client, maya: User) -> None:
    """06 section 3: every dialog has its own URL."""
    lesson = lesson_of(maya)
    make.pay(lesson)
    htmx = {"HX-Request": "true"}
    part = signed_in.get(f"/lessons/{lesson.code}/cancel/", headers=htmx).content.decode()
    assert 'id="dialog-title"' in part
    assert "<html" not in part
    answer = signed_in.post(f"/lessons/{lesson.code}/cancel/", form(8500), headers=htmx)
    assert answer["HX-Redirect"] == f"/lessons/{lesson.code}/"
    late = signed_in.post(
        f"/lessons/{lesson.code}/cancel/", form(8500, idempotency_key="later"), headers=htmx
    )
    assert late.status_code == 409
    assert "This lesson changed" in late.content.decode()


# --- Cancelling -----------------------------------------------------------------------------------
def form(card: int, credit: int = 0, **changes: Any) -> dict[str, Any]:
    amounts = {"card_refund_cents": card, "credit_cents": credit}
    return {"reason": "schedule", **amounts, "idempotency_key": "k", **changes}


@pytest.mark.parametrize(
    ("hours", "words"),
    [(30, "$85.00 back to Visa"), (13, "$85.00 as lesson credit"), (3, "$0.00 back")],
)
def test_preview_names_the_money(signed_in: Client, maya: User, hours: int, words: str) -> None:
    """S11.2, C2-C4"""
    now = clock.now()
    lesson = lesson_of(
        maya, start_at=now + timedelta(hours=hours), confirmed_at=now - timedelta(days=1)
    )
    make.pay(lesson)
    page = signed_in.get(f"/lessons/{lesson.code}/cancel/")
    assert words in page.content.decode()


def test_double_click_cancels_and_refunds_once(signed_in: Client, maya: User) -> None:
    """R13, R14"""
    lesson = lesson_of(maya)
    make.pay(lesson)
    address = f"/lessons/{lesson.code}/cancel/"
    first, second = (signed_in.post(address, form(8500)) for _ in range(2))
    assert first["Location"] == second["Location"] == f"/lessons/{lesson.code}/"
    assert Refund.objects.count() == 1
    other_tab = signed_in.post(address, form(8500, idempotency_key="other"))
    assert other_tab.status_code == 409
    assert "This lesson changed" in other_tab.content.decode()
    assert "Given back" in signed_in.get(f"/lessons/{lesson.code}/").content.decode()


def test_changed_amount_is_409_with_the_new_one_and_the_reason_kept(
    signed_in: Client, maya: User
) -> None:
    """S11.2"""
    lesson = lesson_of(maya)
    make.pay(lesson)
    answer = signed_in.post(f"/lessons/{lesson.code}/cancel/", form(1, reason="illness"))
    text = answer.content.decode()
    assert answer.status_code == 409
    assert 'name="card_refund_cents" value="8500"' in text
    assert answer.context["form"]["reason"].value() == "illness"
    lesson.refresh_from_db()
    assert lesson.status == Status.CONFIRMED


@pytest.mark.parametrize(
    "change",
    [{"reason": ""}, {"reason": "\x00"}, {"card_refund_cents": "x"}, {"credit_cents": "-1"}],
    ids=str,
)
def test_bad_cancel_form_is_422(signed_in: Client, maya: User, change: dict[str, str]) -> None:
    """S11.2"""
    lesson = lesson_of(maya)
    make.pay(lesson)
    answer = signed_in.post(f"/lessons/{lesson.code}/cancel/", {**form(8500), **change})
    assert answer.status_code == 422
    lesson.refresh_from_db()
    assert lesson.status == Status.CONFIRMED


def test_started_lesson_is_409_on_both_requests(signed_in: Client, maya: User) -> None:
    """05 section 2"""
    lesson = lesson_of(maya, start_at=clock.now() - timedelta(minutes=1))
    make.pay(lesson)
    assert signed_in.get(f"/lessons/{lesson.code}/cancel/").status_code == 409
    assert signed_in.post(f"/lessons/{lesson.code}/cancel/", form(8500)).status_code == 409


# --- The calendar file and others -----------------------------------------------------------------
def test_calendar_file_downloads(signed_in: Client, maya: User) -> None:
    """S11.7, D17"""
    lesson = lesson_of(maya)
    answer = signed_in.get(f"/lessons/{lesson.code}/lesson.ics")
    assert answer["Content-Type"].startswith("text/calendar")
    assert f"lesson-{lesson.code}.ics" in answer["Content-Disposition"]
    assert str(lesson.ics_uid) in answer.content.decode()


PATHS = ["", "confirmed/", "cancel/", "lesson.ics"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("code", ["nothing", "%00", "a%00b", "x" * 3000, "%F0%9F%8E%B9", "'--"])
def test_nonsense_as_a_code_does_not_exist(signed_in: Client, path: str, code: str) -> None:
    assert signed_in.get(f"/lessons/{code}/{path}").status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_strangers_lesson_does_not_exist_and_guests_sign_in(signed_in: Client, path: str) -> None:
    """G5, S5"""
    lesson = BookingFactory()
    assert signed_in.get(f"/lessons/{lesson.code}/{path}").status_code == 404
    assert Client().get(f"/lessons/{lesson.code}/{path}").status_code == 302


def test_strangers_lesson_is_not_cancelled(signed_in: Client) -> None:
    """G5"""
    lesson = BookingFactory()
    assert signed_in.post(f"/lessons/{lesson.code}/cancel/", form(8500)).status_code == 404
    lesson.refresh_from_db()
    assert lesson.status == Status.CONFIRMED
