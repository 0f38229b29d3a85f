"""The pages of new times, reports, promises and teaching, as both sides use them."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from bookings.lessons.models import Booking, LessonReport, Proposal
from bookings.lessons.moves import decline_proposal, propose_move
from instainstru import clock
from instainstru.ratelimit import REPORTS, count_use
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.bookings.lessons.stage import slot_value
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S11, pytest.mark.django_db]
HOUR = timedelta(hours=1)
WORDS = "I waited at the door for half an hour."


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def browser(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def new_time(stage: Stage, **fields: Any) -> dict[str, Any]:
    return {"start": slot_value(tomorrow_at(14, days=6)), "wants": "move", **fields}


def test_student_moves_a_lesson_and_reads_when_it_is_now(stage: Stage) -> None:
    """S11.1: shows the moves left, the deadline, and does it once."""
    client = browser(stage.maya)
    page = client.get(f"/lessons/{stage.code}/reschedule/?date={tomorrow_at(14, days=6).date()}")
    text = page.content.decode()
    assert "2 of 2 moves left" in text
    assert f'value="{slot_value(tomorrow_at(14, days=6))}"' in text
    fields = new_time(stage, idempotency_key="k1", reason="School trip")
    answers = [client.post(f"/lessons/{stage.code}/reschedule/", fields) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert stage.fresh().start_at == tomorrow_at(14, days=6)
    assert stage.fresh().revision == 1
    text = client.get(f"/lessons/{stage.code}/").content.decode()
    assert "Moved 1 time" in text
    assert "School trip" in text


def test_taken_time_is_409_and_loses_nothing(stage: Stage) -> None:
    """R12, G2"""
    BookingFactory(offering=stage.lesson.offering, start_at=tomorrow_at(14, days=6))
    answer = browser(stage.maya).post(
        f"/lessons/{stage.code}/reschedule/", new_time(stage, reason="School trip")
    )
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "School trip" in text
    assert text.count('class="slot-face" href="?start=') == 3


def test_too_late_to_move_is_409_with_asking_as_the_way_out(stage: Stage) -> None:
    """S11.1"""
    soon = set_stage(start_at=clock.now().replace(second=0, microsecond=0) + 5 * HOUR)
    answer = browser(soon.maya).post(f"/lessons/{soon.code}/reschedule/", new_time(soon))
    assert answer.status_code == 409
    assert 'value="ask"' in answer.content.decode()
    asked = browser(soon.maya).post(
        f"/lessons/{soon.code}/reschedule/", new_time(soon, wants="ask")
    )
    assert asked.status_code == 303
    assert Proposal.objects.get().opened_by == "student"


@pytest.mark.parametrize("start", ["", "soon", "2026-13-01T10:00:00Z", "\x00"])
def test_nonsense_as_a_time_is_422(stage: Stage, start: str) -> None:
    answer = browser(stage.maya).post(
        f"/lessons/{stage.code}/reschedule/", new_time(stage, start=start)
    )
    assert answer.status_code == 422


def test_instructor_proposes_and_the_student_accepts(stage: Stage) -> None:
    """T6, T7"""
    teacher, learner = browser(stage.andre), browser(stage.maya)
    fields = new_time(stage, wants="ask", reason="My train is late.")
    assert teacher.post(f"/teach/lessons/{stage.code}/new-time/", fields).status_code == 303
    page = learner.get(f"/lessons/{stage.code}/").content.decode()
    assert "My train is late." in page
    assert "Accept the new time" in page
    assert stage.code in learner.get("/lessons/?tab=needs-action").content.decode()
    assert (
        "Accept the new time" not in teacher.get(f"/teach/lessons/{stage.code}/").content.decode()
    )
    for address in ("/lessons/", f"/lessons/{stage.code}/"):
        assert "New time proposed" in learner.get(address).content.decode()
    sent = {"answer": "accept", "proposal": Proposal.objects.get().pk}
    answer = learner.post(f"/lessons/{stage.code}/proposal/", sent)
    assert answer.status_code == 303
    assert stage.fresh().start_at == tomorrow_at(14, days=6)
    again = learner.post(f"/lessons/{stage.code}/proposal/", sent)
    assert again.status_code == 409
    assert "Nothing was done" in again.content.decode()


def test_declined_stays(stage: Stage) -> None:
    asked = propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(14, days=6))
    sent = {"answer": "decline", "proposal": asked.pk}
    browser(stage.maya).post(f"/lessons/{stage.code}/proposal/", sent)
    assert stage.fresh().start_at == stage.lesson.start_at
    assert Proposal.objects.get().status == "declined"


@pytest.mark.parametrize("said", ["accept", "decline"])
def test_answer_is_for_the_time_that_was_read(stage: Stage, said: str) -> None:
    """T7, G3: a tab that shows an earlier wish answers no later one."""
    first = propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(14, days=6))
    client = browser(stage.maya)
    page = client.get(f"/lessons/{stage.code}/").content.decode()
    assert f'name="proposal" value="{first.pk}"' in page
    decline_proposal(by=stage.maya, code=stage.code)
    later = propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(16, days=7))
    sent = {"answer": said, "proposal": first.pk}
    assert client.post(f"/lessons/{stage.code}/proposal/", sent).status_code == 409
    later.refresh_from_db()
    assert later.status == "open"
    assert stage.fresh().start_at == stage.lesson.start_at


@pytest.mark.parametrize(
    "change", [{"answer": ""}, {"answer": "maybe"}, {"proposal": ""}, {"proposal": "9" * 30}]
)
def test_nonsense_answers_nothing(stage: Stage, change: dict[str, str]) -> None:
    """T7: a no lets the student cancel for everything, so it is never taken for granted."""
    asked = propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(14, days=6))
    sent = {"answer": "decline", "proposal": str(asked.pk), **change}
    answer = browser(stage.maya).post(f"/lessons/{stage.code}/proposal/", sent)
    assert answer.status_code == 409
    asked.refresh_from_db()
    assert asked.status == "open"


def test_teaching_page_lists_lessons_under_their_day(stage: Stage) -> None:
    """S15.9: only their own."""
    other = set_stage(start_at=tomorrow_at(9, days=7))
    text = browser(stage.andre).get("/teach/").content.decode()
    assert stage.code in text
    assert other.code not in text
    assert "45 Carroll Street" in text
    assert stage.maya.email not in text


def test_teaching_page_asks_the_same_number_of_queries_for_one_and_three_lessons(
    stage: Stage, django_assert_max_num_queries: Any
) -> None:
    client = browser(stage.andre)
    client.get("/teach/")
    with django_assert_max_num_queries(30) as one:
        client.get("/teach/")
    for day in (7, 8):
        BookingFactory(offering=stage.lesson.offering, start_at=tomorrow_at(9, days=day))
    with django_assert_max_num_queries(len(one.captured_queries)):
        client.get("/teach/")


def test_canceled_list_asks_the_same_number_of_queries_for_one_and_three_lessons(
    stage: Stage, django_assert_max_num_queries: Any
) -> None:
    """Only what was lost in the last two days can be waived; the rest costs no look at money."""
    teacher = browser(stage.andre)
    offering = stage.lesson.offering

    def lose(days: int) -> None:
        at = clock.now() - timedelta(days=days)
        BookingFactory(offering=offering, status="cancelled_student", start_at=at, cancelled_at=at)

    lose(5)
    teacher.get("/teach/?tab=cancelled")
    with django_assert_max_num_queries(30) as one:
        teacher.get("/teach/?tab=cancelled")
    lose(6)
    lose(7)
    with django_assert_max_num_queries(len(one.captured_queries)):
        assert "Canceled" in teacher.get("/teach/?tab=cancelled").content.decode()


def test_lesson_reported_while_it_runs_stays_in_a_list(stage: Stage) -> None:
    """T13 from start + 15 min: the student did not come, and the lesson is not over."""
    lesson = BookingFactory(
        offering=stage.lesson.offering,
        status="reported",
        start_at=clock.now() - timedelta(minutes=20),
    )
    assert str(lesson.code) in browser(stage.andre).get("/teach/").content.decode()


def test_instructor_cancels_with_the_consequence_shown_first(stage: Stage) -> None:
    """T9, S15.9"""
    soon = set_stage(start_at=tomorrow_at(10))
    client = browser(soon.andre)
    page = client.get(f"/teach/lessons/{soon.code}/cancel/").content.decode()
    assert "$95.00" in page
    assert ("strike" in page) == (soon.lesson.start_at - clock.now() < 24 * HOUR)
    refused = client.post(f"/teach/lessons/{soon.code}/cancel/", {"reason": "ill"})
    assert refused.status_code == 422
    fields = {"reason": "I am ill today, I am sorry.", "idempotency_key": "c"}
    assert client.post(f"/teach/lessons/{soon.code}/cancel/", fields).status_code == 303
    assert soon.fresh().status == "cancelled_instructor"
    again = client.post(f"/teach/lessons/{soon.code}/cancel/", {**fields, "idempotency_key": "d"})
    assert again.status_code == 409


def test_report_answer_and_what_both_sides_see(stage: Stage) -> None:
    """S11.8, T13, T14"""
    Booking.objects.filter(pk=stage.lesson.pk).update(
        start_at=clock.now() - HOUR / 2, end_at=clock.now() + HOUR / 2
    )
    learner, teacher = browser(stage.maya), browser(stage.andre)
    short = learner.post(
        f"/lessons/{stage.code}/report/", {"kind": "late", "statement": "too short"}
    )
    assert short.status_code == 422
    fields = {"kind": "instructor_no_show", "statement": WORDS}
    assert learner.post(f"/lessons/{stage.code}/report/", fields).status_code == 303
    page = teacher.get(f"/teach/lessons/{stage.code}/report/").content.decode()
    assert WORDS in page
    assert "accept it" in page
    answer = {"statement": "I was there and nobody opened the door."}
    assert teacher.post(f"/teach/lessons/{stage.code}/report/", answer).status_code == 303
    assert answer["statement"] in learner.get(f"/lessons/{stage.code}/report/").content.decode()
    assert teacher.post(f"/teach/lessons/{stage.code}/report/", answer).status_code == 409


def test_the_21st_report_of_a_day_waits_and_keeps_the_words(stage: Stage) -> None:
    """S17.4: reports of lessons and of profiles share a limit."""
    for _ in range(20):
        count_use(REPORTS, f"user {stage.maya.pk}")
    Booking.objects.filter(pk=stage.lesson.pk).update(
        start_at=clock.now() - HOUR / 2, end_at=clock.now() + HOUR / 2
    )
    fields = {"kind": "late", "statement": WORDS}
    answer = browser(stage.maya).post(f"/lessons/{stage.code}/report/", fields)
    assert answer.status_code == 429
    assert answer["Retry-After"]
    assert WORDS in answer.content.decode()
    assert stage.fresh().status == "confirmed"


def test_missed_lesson_is_accepted_with_one_button(stage: Stage) -> None:
    """T14"""
    Booking.objects.filter(pk=stage.lesson.pk).update(
        start_at=clock.now() - HOUR / 2, end_at=clock.now() + HOUR / 2
    )
    browser(stage.maya).post(
        f"/lessons/{stage.code}/report/", {"kind": "instructor_no_show", "statement": WORDS}
    )
    answer = browser(stage.andre).post(f"/teach/lessons/{stage.code}/report/", {"agree": "1"})
    assert answer.status_code == 303
    assert stage.fresh().status == "no_show_instructor"


def test_report_before_its_time_is_409(stage: Stage) -> None:
    """S11.8"""
    fields = {"kind": "late", "statement": WORDS}
    answer = browser(stage.maya).post(f"/lessons/{stage.code}/report/", fields)
    assert answer.status_code == 409
    assert not LessonReport.objects.exists()


def test_good_fit_page_gives_the_credit_once(stage: Stage) -> None:
    """C9"""
    Booking.objects.filter(pk=stage.lesson.pk).update(
        start_at=clock.now() - 2 * HOUR, end_at=clock.now() - HOUR
    )
    client = browser(stage.maya)
    assert "$95.00" in client.get(f"/lessons/{stage.code}/good-fit/").content.decode()
    assert "good-fit" in client.get(f"/lessons/{stage.code}/").content.decode()
    assert client.post(f"/lessons/{stage.code}/good-fit/").status_code == 303
    assert client.post(f"/lessons/{stage.code}/good-fit/").status_code == 409
    assert "not covered" in client.get(f"/lessons/{stage.code}/good-fit/").content.decode()


def test_student_chooses_credit_when_cancelling(stage: Stage) -> None:
    """C2: the choice is on the page, and what it says is what happens."""
    Booking.objects.filter(pk=stage.lesson.pk).update(confirmed_at=clock.now() - HOUR)
    client = browser(stage.maya)
    page = client.get(f"/lessons/{stage.code}/cancel/").content.decode()
    assert "As lesson credit" in page
    fields = {
        "reason": "schedule",
        "card_refund_cents": 9500,
        "credit_cents": 0,
        "refund_to": "credit",
    }
    assert client.post(f"/lessons/{stage.code}/cancel/", fields).status_code == 303
    assert stage.maya.credits.get().remaining_cents == 9500


STUDENT_PATHS = ["reschedule/", "report/", "good-fit/"]
TEACHER_PATHS = ["", "new-time/", "cancel/", "report/", "waive/"]


@pytest.mark.parametrize("path", [f"/lessons/{{}}/{path}" for path in STUDENT_PATHS])
def test_strangers_and_the_other_side_find_no_lesson(stage: Stage, path: str) -> None:
    """G5"""
    for person in (student(), set_stage(start_at=tomorrow_at(9, days=8)).maya):
        assert browser(person).get(path.format(stage.code)).status_code == 404


@pytest.mark.parametrize("path", [f"/teach/lessons/{{}}/{path}" for path in TEACHER_PATHS])
def test_other_instructors_find_no_lesson(stage: Stage, path: str) -> None:
    """S15.9: 404-hide."""
    other = set_stage(start_at=tomorrow_at(9, days=8)).andre
    assert browser(other).get(path.format(stage.code)).status_code == 404
    assert browser(stage.maya).get(path.format(stage.code)).status_code == 403


def test_second_click_on_an_answer_gets_the_first_one(stage: Stage) -> None:
    """R14: accepting moves the lesson once, and the page carries the key of its form."""
    asked = propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(14, days=6))
    client = browser(stage.maya)
    page = client.get(f"/lessons/{stage.code}/").content.decode()
    key = page.split('name="idempotency_key" value="')[1].split('"')[0]
    sent = {"answer": "accept", "proposal": asked.pk, "idempotency_key": key}
    answers = [client.post(f"/lessons/{stage.code}/proposal/", sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert stage.fresh().revision == 1
    sent = {"answer": "decline", "proposal": asked.pk}
    late = client.post(f"/lessons/{stage.code}/proposal/", sent)
    assert late.status_code == 409


def test_instructor_declines_once(stage: Stage) -> None:
    """R14, from the other side."""
    near = BookingFactory(
        student=stage.maya, offering=stage.lesson.offering, start_at=clock.now() + 8 * HOUR
    )
    asked = propose_move(by=stage.maya, code=str(near.code), start_at=tomorrow_at(16, days=6))
    client = browser(stage.andre)
    page = client.get(f"/teach/lessons/{near.code}/").content.decode()
    assert 'name="idempotency_key"' in page
    sent = {"answer": "decline", "proposal": asked.pk, "idempotency_key": "once"}
    answers = [client.post(f"/teach/lessons/{near.code}/proposal/", sent) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
