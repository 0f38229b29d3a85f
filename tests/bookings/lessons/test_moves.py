"""Moving a lesson (Spec: T5, R16, R17, S11.1)."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from bookings.lessons.cancellation import preview_cancellation
from bookings.lessons.errors import LearnerBusyError, LessonChangedError, SlotTakenError
from bookings.lessons.models import Booking
from bookings.lessons.moves import move_lesson, move_terms
from bookings.lessons.services import hold_slot
from bookings.notifications.models import OutgoingMail
from bookings.notifications.transport import as_message, attachment_bytes
from catalog.models import OfferingPrice
from instainstru.errors import ConflictError, NotFoundError, ValidationFailedError
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.bookings.lessons.stage import guest, owner, self_learner, wanted
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S11, pytest.mark.django_db]
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def test_move_keeps_everything_but_the_time(stage: Stage) -> None:
    """T5, S11.1: same id, code, price; the old time stays in the record."""
    target = tomorrow_at(14, days=6)
    moved = move_lesson(by=stage.maya, code=stage.code, start_at=target, reason="School trip")
    assert (moved.pk, moved.code, moved.price_cents) == (
        stage.lesson.pk,
        stage.lesson.code,
        stage.lesson.price_cents,
    )
    assert (moved.start_at, moved.end_at) == (target, target + HOUR)
    assert (moved.revision, moved.ics_sequence, moved.ics_uid) == (1, 1, stage.lesson.ics_uid)
    before = moved.revisions.get()
    assert (before.number, before.start_at, before.reason) == (
        0,
        stage.lesson.start_at,
        "School trip",
    )
    assert before.is_student_move
    assert not moved.is_late_move


def test_move_writes_to_both_sides_with_a_calendar_file_that_updates(stage: Stage) -> None:
    """S13.5, D17"""
    move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(14, days=6))
    mails = OutgoingMail.objects.filter(kind="lesson_moved")
    assert {mail.to for mail in mails} == {stage.maya.email, stage.andre.email}
    assert all(mail.attachments for mail in mails)
    for mail, page in ((mails.get(to=stage.maya.email), "lessons"),
                       (mails.get(to=stage.andre.email), "teach/lessons")):  # fmt: skip
        (part,) = mail.attachments
        assert part["content_type"] == "text/calendar; charset=utf-8; method=REQUEST"
        assert f"/{page}/{stage.code}/" in attachment_bytes(part).decode().replace("\r\n ", "")
        sent = as_message(mail).message().as_string()
        assert "Content-Type: text/calendar; charset=utf-8; method=REQUEST" in sent


def test_two_moves_and_no_third(stage: Stage) -> None:
    """T5: then the student may only ask."""
    for hour in (11, 12):
        move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(hour, days=6))
    assert move_terms(stage.fresh()).left == 0
    with pytest.raises(ConflictError) as caught:
        move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(13, days=6))
    assert caught.value.error_code == "no_moves_left"
    assert stage.fresh().start_at == tomorrow_at(12, days=6)


def test_twelve_hours_before_is_in_time_and_a_second_later_is_not(stage: Stage) -> None:
    """T5: a boundary belongs to the kinder side."""
    edge = stage.lesson.start_at - 12 * HOUR
    with pytest.raises(ConflictError) as caught:
        move_lesson(
            by=stage.maya, code=stage.code, start_at=tomorrow_at(14, days=7), now=edge + SECOND
        )
    assert caught.value.error_code == "move_too_late"
    moved = move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(14, days=7), now=edge)
    assert moved.is_late_move


def test_late_move_gives_up_free_cancellation(stage: Stage) -> None:
    """T5, C5: moved 23 h before, so a later cancellation gives credit."""
    now = stage.lesson.start_at - 23 * HOUR
    move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(14, days=9), now=now)
    due = preview_cancellation(Booking.objects.with_people().get(pk=stage.lesson.pk), now + HOUR)
    assert (due.case, due.card_refund_cents, due.credit_cents) == ("C5", 0, 9500)


def test_own_time_does_not_stand_in_the_way(stage: Stage) -> None:
    """R16: half an hour later overlaps the lesson itself."""
    target = stage.lesson.start_at + HOUR / 2
    assert move_lesson(by=stage.maya, code=stage.code, start_at=target).start_at == target


def test_taken_time_is_refused_with_the_nearest_and_the_old_time_stays(stage: Stage) -> None:
    """R12, R16"""
    BookingFactory(offering=stage.lesson.offering, start_at=tomorrow_at(14, days=6))
    with pytest.raises(SlotTakenError) as caught:
        move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(14, days=6))
    assert len(caught.value.nearest) == 3
    assert stage.fresh().start_at == stage.lesson.start_at
    assert stage.fresh().revisions.count() == 0


def test_busy_learner_is_told_and_offered_other_times(stage: Stage) -> None:
    """R7, R12"""
    BookingFactory(
        student=stage.maya, learner=self_learner(stage.maya), start_at=tomorrow_at(14, days=6)
    )
    with pytest.raises(LearnerBusyError) as caught:
        move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(14, days=6))
    assert len(caught.value.nearest) == 3


def test_price_edited_meanwhile_does_not_touch_the_lesson(stage: Stage) -> None:
    """R17: not even when the length is no longer on offer."""
    OfferingPrice.objects.filter(offering=stage.lesson.offering).delete()
    moved = move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(15, days=6))
    assert moved.price_cents == 9000


def test_own_hold_on_the_target_is_given_up(stage: Stage) -> None:
    """T3"""
    hold = hold_slot(
        by=owner(stage.maya), wanted=wanted(stage.lesson.offering, tomorrow_at(15, days=6))
    )
    move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(15, days=6))
    hold.refresh_from_db()
    assert hold.status == Booking.Status.EXPIRED


def test_somebody_elses_hold_is_not(stage: Stage) -> None:
    hold_slot(by=guest(), wanted=wanted(stage.lesson.offering, tomorrow_at(15, days=6)))
    with pytest.raises(SlotTakenError):
        move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(15, days=6))


@pytest.mark.parametrize("status", ["cancelled_student", "completed", "reported"])
def test_only_a_lesson_to_come_moves(stage: Stage, status: str) -> None:
    """T15"""
    lesson = BookingFactory(
        student=stage.maya,
        learner=self_learner(stage.maya),
        status=status,
        offering=stage.lesson.offering,
    )
    with pytest.raises(LessonChangedError):
        move_lesson(by=stage.maya, code=lesson.code, start_at=tomorrow_at(15, days=6))


def test_strangers_and_the_instructor_cannot_move_it(stage: Stage) -> None:
    """G5"""
    for person in (student(), stage.andre):
        with pytest.raises(NotFoundError):
            move_lesson(by=person, code=stage.code, start_at=tomorrow_at(15, days=6))


def test_moving_to_the_same_time_is_said_to_be_none(stage: Stage) -> None:
    with pytest.raises(ValidationFailedError):
        move_lesson(by=stage.maya, code=stage.code, start_at=stage.lesson.start_at)


def test_database_keeps_earlier_times_and_people(stage: Stage) -> None:
    """05 section 2, R13: not even SQL changes who booked, where, or what was before."""
    moved = move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(15, days=6))
    for rows, change in (
        (moved.revisions.all(), {"start_at": tomorrow_at(9)}),
        (Booking.objects.filter(pk=moved.pk), {"student": student()}),
        (Booking.objects.filter(pk=moved.pk), {"modality": "online"}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)


def test_refused_move_names_three_other_times(stage: Stage) -> None:
    """R12, R16: the time that the lesson has is not one of them."""
    taken = stage.lesson.start_at + 2 * HOUR
    BookingFactory(offering=stage.lesson.offering, start_at=taken)
    with pytest.raises(SlotTakenError) as refused:
        move_lesson(by=stage.maya, code=stage.code, start_at=taken)
    assert len(refused.value.nearest) == 3
    assert stage.lesson.start_at not in refused.value.nearest
