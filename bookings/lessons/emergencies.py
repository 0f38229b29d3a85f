"""Asking staff for the money of a lesson that an emergency kept the student from (Spec: C8)."""

from datetime import datetime, timedelta

from accounts.audit import record_event
from accounts.models import User
from bookings.lessons import mails
from bookings.lessons.cancellation import find_for_staff
from bookings.lessons.goodwill import decided_loss, emergency_offer
from bookings.lessons.locks import lesson_transaction
from bookings.lessons.models import Booking, EmergencyRequest
from bookings.lessons.selectors import find_lesson
from bookings.lessons.transitions import lesson_changed
from instainstru.errors import ConflictError, ValidationFailedError

ASK_DAYS = 14  # "two weeks" in the help
WORDS_MIN, STATEMENT_MAX, ANSWER_MAX = 20, 2000, 1000


def find_request(booking: Booking) -> EmergencyRequest | None:
    """Return what the student asked about the lesson, or ``None``."""
    return EmergencyRequest.objects.filter(booking=booking).first()


def ask_until(booking: Booking, now: datetime) -> datetime | None:
    """Return until when the student may ask, ``None`` when there is nothing to ask for.

    Within 14 days after the money was lost, once, while something can be given back. Spec: C8
    """
    loss = decided_loss(booking)
    if loss is None or find_request(booking) is not None:
        return None
    last_at = loss[1] + timedelta(days=ASK_DAYS)
    return last_at if now <= last_at and emergency_offer(booking, now) else None


def ask_to_be_excused(
    *, by: User, code: str, statement: str, now: datetime | None = None
) -> EmergencyRequest:
    """Tell staff what kept the student from the lesson; nothing moves until they decide.

    Raises ``ValidationFailedError`` for fewer than 20 or more than 2,000 characters,
    ``LessonChangedError`` when there is nothing to ask for, or not any more. Spec: C8
    """
    words = _checked(statement, STATEMENT_MAX, "text")
    with lesson_transaction(find_lesson(by=by, code=code), now) as at:
        booking = find_lesson(by=by, code=code)
        if ask_until(booking, at) is None:
            raise lesson_changed(booking, "C8", "There is nothing to ask for.")
        return EmergencyRequest.objects.create(booking=booking, statement=words, created_at=at)


def decline_request(
    *, by: User, code: str, answer: str, reason: str, now: datetime | None = None
) -> EmergencyRequest:
    """Answer as staff that the lesson stays as it was settled; the student reads ``answer``.

    Raises ``ForbiddenError`` without ``bookings.manage_all`` and for one's own lesson,
    ``ValidationFailedError``, ``ConflictError`` when it is decided already. Spec: C8, S5.9
    """
    found = find_for_staff(by=by, code=code)
    words = _checked(answer, ANSWER_MAX, "answer")
    with lesson_transaction(found, now) as at:
        booking = Booking.objects.with_people().get(pk=found.pk)
        asked = find_request(booking)
        if asked is None or asked.outcome:
            raise ConflictError("This was decided already.", code="decided_already")
        asked.outcome, asked.answer = EmergencyRequest.Outcome.DECLINED, words
        asked.decided_at = at
        asked.save(update_fields=["outcome", "answer", "decided_at"])
        record_event(
            "booking.not_excused", by=by, on=booking, subject=booking.student, reason=reason
        )
        mails.queue_not_excused(booking, asked)
    return asked


def _checked(words: str, most: int, field: str) -> str:
    words = words.strip()
    if WORDS_MIN <= len(words) <= most:
        return words
    text = f"Write {WORDS_MIN} to {most:,} characters."
    raise ValidationFailedError(text, fields={field: text})
