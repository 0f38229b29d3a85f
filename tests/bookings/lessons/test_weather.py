"""A lesson outdoors is called off for the weather when both sides agree (Spec: C8)."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from bookings.lessons.errors import LessonChangedError
from bookings.lessons.models import Strike, WeatherQuestion
from bookings.lessons.models.changes import Side
from bookings.lessons.moves import move_lesson
from bookings.lessons.states import Status
from bookings.lessons.weather import answer_weather, ask_for_weather
from bookings.notifications.models import OutgoingMail
from bookings.payments.selectors import ledger_imbalances, payment_summary
from instainstru.errors import ConflictError, NotFoundError
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.bookings.payments.conftest import in_parallel
from tests.factories.accounts import student
from tests.factories.lessons import tomorrow_at

pytestmark = [pytest.mark.S13, pytest.mark.django_db]
HOUR = timedelta(hours=1)


@pytest.fixture
def stage() -> Stage:
    return set_stage(modality="public")


def ask(stage: Stage, side: Side = Side.INSTRUCTOR, **fields: Any) -> WeatherQuestion:
    by = stage.andre if side is Side.INSTRUCTOR else stage.maya
    return ask_for_weather(by=by, code=stage.code, side=side, **fields)


def answer(stage: Stage, side: Side = Side.STUDENT, *, agrees: bool, **fields: Any) -> Any:
    by = stage.andre if side is Side.INSTRUCTOR else stage.maya
    return answer_weather(by=by, code=stage.code, side=side, agrees=agrees, **fields)


def given_back(stage: Stage) -> tuple[int, int]:
    paid = payment_summary(stage.lesson.pk)
    assert paid is not None
    return paid.refunded_cents, paid.returned_credit_cents


@pytest.mark.parametrize("side", [Side.STUDENT, Side.INSTRUCTOR])
def test_agreeing_an_hour_before_gives_everything_back(stage: Stage, side: Side) -> None:
    """C8: 100 % to the card, nothing to the instructor and no strike, whoever asked."""
    other = Side.STUDENT if side is Side.INSTRUCTOR else Side.INSTRUCTOR
    now = stage.lesson.start_at - HOUR
    ask(stage, side, now=now)
    assert stage.fresh().status == Status.CONFIRMED
    due = answer(stage, other, agrees=True, now=now)
    assert (due.case, due.card_refund_cents, due.instructor_cents) == ("C8", 9500, 0)
    assert stage.fresh().status == Status.CANCELLED_STUDENT
    assert given_back(stage) == (9500, 0)
    assert not Strike.objects.exists()
    assert ledger_imbalances() == []
    told = OutgoingMail.objects.filter(kind="lesson_cancelled")
    assert {mail.to for mail in told} == {stage.maya.email, stage.andre.email}
    assert all("agreed to cancel this lesson for the weather" in mail.text for mail in told)


def test_a_no_keeps_the_lesson_and_is_told(stage: Stage) -> None:
    """Who was refused does not ask again about the same time; the other side may."""
    ask(stage)
    assert answer(stage, agrees=False) is None
    assert stage.fresh().status == Status.CONFIRMED
    told = OutgoingMail.objects.filter(kind="lesson_weather").order_by("pk")
    assert [mail.to for mail in told] == [stage.maya.email, stage.andre.email]
    assert "rather keep this lesson" in told[1].text
    with pytest.raises(ConflictError, match="answer was no"):
        ask(stage)
    ask(stage, Side.STUDENT)
    answer(stage, Side.INSTRUCTOR, agrees=True)
    assert given_back(stage) == (9500, 0)


def test_nobody_answers_themselves_and_strangers_see_nothing(stage: Stage) -> None:
    """G5"""
    ask(stage)
    with pytest.raises(LessonChangedError):
        answer(stage, Side.INSTRUCTOR, agrees=True)
    with pytest.raises(NotFoundError):
        answer_weather(by=student(), code=stage.code, side=Side.STUDENT, agrees=True)
    assert stage.fresh().status == Status.CONFIRMED


def test_only_lessons_outdoors_that_are_to_come(stage: Stage) -> None:
    with pytest.raises(LessonChangedError):
        ask(stage, now=stage.lesson.start_at)
    ask(stage)
    with pytest.raises(LessonChangedError):
        answer(stage, agrees=True, now=stage.lesson.start_at)
    indoors = set_stage(start_at=tomorrow_at(10, days=6))
    with pytest.raises(LessonChangedError):
        ask(indoors)


def test_a_move_brings_other_weather(stage: Stage) -> None:
    """The question was about the old time; agreeing to it cancels nothing."""
    ask(stage)
    move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(14, days=6))
    with pytest.raises(LessonChangedError):
        answer(stage, agrees=True)
    ask(stage)


def test_the_database_keeps_one_open_question_and_whole_answers(stage: Stage) -> None:
    ask(stage)
    with pytest.raises(IntegrityError, match="weather_question_one_open"), transaction.atomic():
        WeatherQuestion.objects.create(booking=stage.lesson, revision=0, asked_by="student")
    with pytest.raises(IntegrityError, match="answered_once"), transaction.atomic():
        WeatherQuestion.objects.update(answer="agreed")


@pytest.mark.django_db(transaction=True)
def test_both_ask_and_answer_at_once(stage: Stage) -> None:
    """One question, one cancellation, one refund."""

    def asks(side: Side) -> Any:
        try:
            return ask(stage, side)
        except ConflictError as error:
            return error

    found = in_parallel([lambda: asks(Side.STUDENT), lambda: asks(Side.INSTRUCTOR)] * 4)
    questions = [one for one in found if isinstance(one, WeatherQuestion)]
    assert len(questions) == 1
    other = Side.INSTRUCTOR if questions[0].asked_by == Side.STUDENT else Side.STUDENT

    def agrees() -> Any:
        try:
            return answer(stage, other, agrees=True)
        except LessonChangedError as error:
            return error

    done = in_parallel([agrees] * 6)
    assert sum(not isinstance(one, LessonChangedError) for one in done) == 1
    assert given_back(stage) == (9500, 0)


def browser(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def test_both_sides_do_it_on_their_pages(stage: Stage) -> None:
    """G1, R14: plain forms; a second click gets the first answer; the page says how it stands."""
    maya, andre = browser(stage.maya), browser(stage.andre)
    mine, theirs = f"/lessons/{stage.code}/weather/", f"/teach/lessons/{stage.code}/weather/"
    assert "Bad weather" in maya.get(f"/lessons/{stage.code}/").content.decode()
    assert "Bad weather" in andre.get(f"/teach/lessons/{stage.code}/").content.decode()
    assert maya.post(mine, {"answer": "ask", "idempotency_key": "a"}).status_code == 303
    assert "Until they agree" in maya.get(mine).content.decode()
    again = maya.post(mine, {"answer": "ask", "idempotency_key": "b"})
    assert again.status_code == 409
    assert "asked already" in again.content.decode()
    assert "asks to cancel this lesson" in andre.get(theirs).content.decode()
    question = WeatherQuestion.objects.get().pk
    sent = {"answer": "agree", "question": question, "idempotency_key": "c"}
    assert [andre.post(theirs, sent).status_code for _ in range(2)] == [303, 303]
    assert stage.fresh().status == Status.CANCELLED_STUDENT
    for client, path in ((maya, "/lessons/"), (andre, "/teach/lessons/")):
        assert "Canceled for the weather" in client.get(f"{path}{stage.code}/").content.decode()
    assert maya.get(mine).status_code == 409
    assert browser(student()).get(mine).status_code == 404


def test_agreement_is_for_the_time_that_was_read(stage: Stage) -> None:
    """G3, C8: a tab that shows the question about an earlier date cancels no later one."""
    ask(stage)
    maya, path = browser(stage.maya), f"/lessons/{stage.code}/weather/"
    first = WeatherQuestion.objects.get().pk
    assert f'name="question" value="{first}"' in maya.get(path).content.decode()
    move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(14, days=6))
    later = ask(stage)
    answer_to_first = maya.post(path, {"answer": "agree", "question": first})
    assert answer_to_first.status_code == 409
    assert stage.fresh().status == Status.CONFIRMED
    assert maya.post(path, {"answer": "agree", "question": later.pk}).status_code == 303
    assert stage.fresh().status == Status.CANCELLED_STUDENT


@pytest.mark.parametrize("said", ["", "nonsense", "agree"])
def test_an_answer_to_nothing_is_409(stage: Stage, said: str) -> None:
    response = browser(stage.maya).post(f"/lessons/{stage.code}/weather/", {"answer": said})
    assert response.status_code == 409
    assert stage.fresh().status == Status.CONFIRMED
