"""Calling a lesson outdoors off for the weather, which both sides agree on (Spec: C8)."""

from datetime import datetime

from accounts.models import User
from bookings.lessons import mails
from bookings.lessons.cancellation import cancel_excused
from bookings.lessons.locks import lesson_transaction
from bookings.lessons.models import Booking, WeatherQuestion
from bookings.lessons.models.booking import CALLED_OFF
from bookings.lessons.models.changes import Side
from bookings.lessons.policies import Outcome
from bookings.lessons.selectors import find_on_side
from bookings.lessons.states import Status
from bookings.lessons.transitions import current_status, lesson_changed
from catalog.models import Modality
from instainstru.errors import ConflictError


def depends_on_weather(booking: Booking, now: datetime) -> bool:
    """Tell whether a lesson is to come and takes place outdoors: in a public place. Spec: C8"""
    is_coming = current_status(booking, now) is Status.CONFIRMED and now < booking.start_at
    return is_coming and booking.modality == Modality.PUBLIC


def open_question(booking: Booking) -> WeatherQuestion | None:
    """Return the question that waits for an answer, asked about the lesson's present time."""
    rows = booking.weather_questions.filter(revision=booking.revision)
    return rows.filter(answer=WeatherQuestion.Answer.OPEN).first()


def ask_for_weather(
    *, by: User, code: str, side: Side, now: datetime | None = None
) -> WeatherQuestion:
    """Ask the other side to cancel for the weather; the lesson stands until they agree.

    Raises ``LessonChangedError`` for a lesson that is not outdoors or not to come, and
    ``ConflictError`` while a question is open or after this side's was declined. Spec: C8
    """
    with lesson_transaction(find_on_side(by=by, code=code, side=side), now) as at:
        booking = find_on_side(by=by, code=code, side=side)
        if not depends_on_weather(booking, at):
            raise lesson_changed(booking, "C8", "This lesson can't be called off for the weather.")
        if open_question(booking) is not None:
            raise ConflictError("This was asked already.", code="asked_already")
        asked = booking.weather_questions.filter(revision=booking.revision, asked_by=side)
        if asked.exists():
            raise ConflictError("You asked before, and the answer was no.", code="declined_before")
        question = WeatherQuestion.objects.create(
            booking=booking, revision=booking.revision, asked_by=side, asked_at=at
        )
        mails.queue_weather(booking, question)
    return question


def answer_weather(
    *,
    by: User,
    code: str,
    side: Side,
    agrees: bool,
    question_id: int | None = None,
    now: datetime | None = None,
) -> Outcome | None:
    """Answer the other side's question: to agree cancels the lesson, and everything goes back.

    ``question_id`` is the one that was read: it may be about a time that the lesson had before.
    Returns what goes back, ``None`` after a no. Raises ``LessonChangedError`` when nothing waits
    for this side's answer, another question does, or the lesson has begun. Spec: C8, T8
    """
    with lesson_transaction(find_on_side(by=by, code=code, side=side), now) as at:
        booking = find_on_side(by=by, code=code, side=side)
        question = open_question(booking)
        is_mine = question is not None and question.asked_by != side
        is_read = question is not None and question_id in {None, question.pk}
        if question is None or not (is_mine and is_read and depends_on_weather(booking, at)):
            raise lesson_changed(booking, "C8", "There is nothing to answer any more.")
        answer = WeatherQuestion.Answer.AGREED if agrees else WeatherQuestion.Answer.DECLINED
        question.answer, question.answered_at = answer, at
        question.save(update_fields=["answer", "answered_at"])
        if not agrees:
            mails.queue_weather(booking, question)
            return None
        return cancel_excused(booking, CALLED_OFF, at)
