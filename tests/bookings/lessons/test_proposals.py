"""Agreeing on a new time (Spec: T6, T7, R16, C8)."""

from datetime import timedelta

import pytest

from bookings.lessons.cancellation import cancel_lesson, preview_cancellation
from bookings.lessons.errors import LessonChangedError, SlotTakenError
from bookings.lessons.invariants import lesson_violations
from bookings.lessons.models import Booking, Proposal
from bookings.lessons.moves import (
    accept_proposal,
    decline_proposal,
    lapse_proposals,
    move_lesson,
    move_terms,
    propose_move,
)
from bookings.lessons.my_lessons import LessonFilter, lessons_of
from bookings.lessons.services import flip_clock_states, hold_slot
from bookings.notifications.models import OutgoingMail
from instainstru import clock
from instainstru.errors import ConflictError, NotFoundError
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.bookings.lessons.stage import guest, owner, wanted
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory, tomorrow_at

pytestmark = [pytest.mark.S11, pytest.mark.django_db]
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
TARGET = {"hour": 14, "days": 6}


@pytest.fixture
def stage() -> Stage:
    return set_stage()


def ask(stage: Stage) -> Proposal:
    """The instructor proposes 14:00 a day later."""
    return propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(**TARGET))


def lesson(stage: Stage) -> Booking:
    return Booking.objects.with_people().get(pk=stage.lesson.pk)


def test_target_is_kept_while_the_student_decides(stage: Stage) -> None:
    """R16: others cannot take it, and it is nobody's checkout."""
    proposal = ask(stage)
    assert proposal.hold is not None
    with pytest.raises(SlotTakenError):
        hold_slot(by=guest(), wanted=wanted(stage.lesson.offering, tomorrow_at(**TARGET)))
    assert not Booking.objects.held_by(owner(stage.maya)).exclude(code__isnull=False).exists()
    assert proposal.hold.pk not in lessons_of(stage.maya, LessonFilter()).values_list(
        "pk", flat=True
    )
    assert proposal.expires_at - proposal.created_at == 24 * HOUR
    mail = OutgoingMail.objects.get(kind="lesson_proposal")
    assert mail.to == stage.maya.email


def test_accepting_moves_the_lesson_and_costs_nothing(stage: Stage) -> None:
    """T7: no student move used, no late move, whatever the hour."""
    soon = set_stage(start_at=tomorrow_at(20), confirmed_at=clock.now() - HOUR)
    now = soon.lesson.start_at - 5 * HOUR
    proposal = propose_move(
        by=soon.andre, code=soon.code, start_at=tomorrow_at(14, days=3), now=now
    )
    moved = accept_proposal(by=soon.maya, code=soon.code, now=now + MINUTE)
    assert moved.start_at == tomorrow_at(14, days=3)
    assert not moved.is_late_move
    assert move_terms(moved).used == 0
    assert moved.revisions.get().moved_by == "instructor"
    proposal.refresh_from_db()
    assert (proposal.status, proposal.hold) == ("accepted", None)
    assert not Booking.objects.filter(purpose="proposal").exists()
    assert lesson_violations() == []


def test_overlapping_target_needs_no_hold_and_is_checked_on_acceptance(stage: Stage) -> None:
    """R16: closed meanwhile means 409, and the proposal stays open."""
    target = stage.lesson.start_at + HOUR / 2
    proposal = propose_move(by=stage.andre, code=stage.code, start_at=target)
    assert proposal.hold is None
    BookingFactory(offering=stage.lesson.offering, start_at=target + HOUR, buffer_after_minutes=0)
    with pytest.raises(SlotTakenError):
        accept_proposal(by=stage.maya, code=stage.code)
    proposal.refresh_from_db()
    assert proposal.status == "open"
    assert stage.fresh().start_at == stage.lesson.start_at


@pytest.mark.parametrize("ending", ["declined", "lapsed"])
def test_instructors_wish_that_came_to_nothing_lets_the_student_leave(
    stage: Stage, ending: str
) -> None:
    """T7, C8: all the money back to the card, even an hour before."""
    soon = set_stage(start_at=tomorrow_at(20), confirmed_at=clock.now() - 2 * HOUR)
    asked_at = soon.lesson.start_at - 6 * HOUR
    proposal = propose_move(
        by=soon.andre, code=soon.code, start_at=tomorrow_at(14, days=3), now=asked_at
    )
    assert preview_cancellation(lesson(soon), asked_at + MINUTE).case == "C4"
    if ending == "declined":
        decline_proposal(by=soon.maya, code=soon.code, now=asked_at + MINUTE)
        now = asked_at + 2 * MINUTE
    else:
        now = proposal.expires_at
    due = preview_cancellation(lesson(soon), now)
    assert (due.case, due.card_refund_cents) == ("C8", 9500)
    cancel_lesson(
        by=soon.maya,
        code=soon.code,
        reason="schedule",
        expected_card_cents=9500,
        expected_credit_cents=0,
        now=now,
    )
    proposal.refresh_from_db()
    assert proposal.status == ending
    assert lesson_violations() == []


def test_students_wish_declined_excuses_nobody(stage: Stage) -> None:
    """C8 is about the instructor's proposals."""
    now = stage.lesson.start_at - 5 * HOUR
    propose_move(by=stage.maya, code=stage.code, start_at=tomorrow_at(**TARGET), now=now)
    decline_proposal(by=stage.andre, code=stage.code, now=now + MINUTE)
    assert preview_cancellation(lesson(stage), now + 2 * MINUTE).case == "C4"


def test_student_asks_only_when_moving_alone_is_over(stage: Stage) -> None:
    """T6"""
    with pytest.raises(ConflictError) as caught:
        propose_move(by=stage.maya, code=stage.code, start_at=tomorrow_at(**TARGET))
    assert caught.value.error_code == "move_instead"
    late = stage.lesson.start_at - 12 * HOUR + SECOND
    proposal = propose_move(
        by=stage.maya, code=stage.code, start_at=tomorrow_at(**TARGET), now=late
    )
    assert proposal.opened_by == "student"
    assert proposal.expires_at == stage.lesson.start_at - 30 * MINUTE
    moved = accept_proposal(by=stage.andre, code=stage.code, now=late + MINUTE)
    assert moved.start_at == tomorrow_at(**TARGET)


def test_half_an_hour_before_is_the_last_moment(stage: Stage) -> None:
    """T6"""
    edge = stage.lesson.start_at - 30 * MINUTE
    with pytest.raises(ConflictError):
        propose_move(
            by=stage.andre, code=stage.code, start_at=tomorrow_at(**TARGET), now=edge + SECOND
        )


def test_one_open_proposal_a_lesson(stage: Stage) -> None:
    """T6"""
    ask(stage)
    with pytest.raises(ConflictError) as caught:
        propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(16, days=6))
    assert caught.value.error_code == "proposal_open"


def test_only_the_other_side_answers(stage: Stage) -> None:
    """T7, G5"""
    ask(stage)
    with pytest.raises(LessonChangedError):
        accept_proposal(by=stage.andre, code=stage.code)
    with pytest.raises(NotFoundError):
        accept_proposal(by=student(), code=stage.code)


def test_lapsed_proposal_cannot_be_accepted_and_frees_its_time(stage: Stage) -> None:
    """T7, S4.3: the clock decides, the jobs only write it down, twice without harm."""
    proposal = ask(stage)
    with pytest.raises(LessonChangedError):
        accept_proposal(by=stage.maya, code=stage.code, now=proposal.expires_at)
    flip_clock_states(proposal.expires_at)
    assert lapse_proposals(proposal.expires_at) == 1
    assert lapse_proposals(proposal.expires_at) == 0
    proposal.refresh_from_db()
    assert proposal.status == "lapsed"
    assert not Booking.objects.filter(purpose="proposal").exists()
    assert OutgoingMail.objects.filter(kind="lesson_proposal").count() == 3


def test_cancelling_and_moving_make_it_void(stage: Stage) -> None:
    """05 section 2"""
    first = ask(stage)
    move_lesson(by=stage.maya, code=stage.code, start_at=tomorrow_at(11, days=6))
    second = ask(stage)
    cancel_lesson(
        by=stage.maya,
        code=stage.code,
        reason="schedule",
        expected_card_cents=9500,
        expected_credit_cents=0,
    )
    for proposal in (first, second):
        proposal.refresh_from_db()
        assert proposal.status == "void"
    assert not Booking.objects.filter(purpose="proposal").exists()
    assert lesson_violations() == []


def test_instructor_needs_half_an_hour_where_students_need_the_notice(stage: Stage) -> None:
    """R1"""
    now = stage.lesson.start_at - 3 * HOUR
    proposal = propose_move(
        by=stage.andre, code=stage.code, start_at=stage.lesson.start_at - HOUR, now=now
    )
    assert proposal.start_at == now + 2 * HOUR
    near = set_stage(start_at=tomorrow_at(13, days=5))
    proposal = propose_move(
        by=near.andre,
        code=near.code,
        start_at=tomorrow_at(11, 30, days=5),
        now=tomorrow_at(11, days=5),
    )
    assert proposal.start_at == tomorrow_at(11, 30, days=5)


def test_half_an_hour_before_the_start_is_too_late_to_ask(stage: Stage) -> None:
    """T6: it would lapse in the same instant, and excuse the student (C8)."""
    edge = stage.lesson.start_at - 30 * MINUTE
    with pytest.raises(ConflictError, match="too close"):
        propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(14, days=6), now=edge)
    now = edge - SECOND
    asked = propose_move(by=stage.andre, code=stage.code, start_at=tomorrow_at(14, days=6), now=now)
    assert asked.expires_at > now


def test_a_time_that_the_student_holds_can_be_asked_for(stage: Stage) -> None:
    """T3, T6: the hold is given up for it, as for a move."""
    soon = set_stage(start_at=tomorrow_at(20), confirmed_at=clock.now() - HOUR)
    now, target = soon.lesson.start_at - 5 * HOUR, tomorrow_at(14, days=3)
    held = hold_slot(by=owner(soon.maya), wanted=wanted(soon.lesson.offering, target), now=now)
    propose_move(by=soon.maya, code=soon.code, start_at=target, now=now + MINUTE)
    held.refresh_from_db()
    assert held.status == "expired"


def test_agreeing_late_needs_no_notice(stage: Stage) -> None:
    """T7, R1: the notice is what students owe; an instructor who says yes waives it."""
    soon = set_stage(start_at=tomorrow_at(20), confirmed_at=clock.now() - HOUR)
    now, target = soon.lesson.start_at - 5 * HOUR, soon.lesson.start_at - 150 * MINUTE
    propose_move(by=soon.maya, code=soon.code, start_at=target, now=now)
    with pytest.raises(SlotTakenError):
        accept_proposal(by=soon.andre, code=soon.code, now=target - 29 * MINUTE)
    accept_proposal(by=soon.andre, code=soon.code, now=target - 30 * MINUTE)
    assert lesson(soon).start_at == target


def test_student_is_not_told_what_closed_a_proposed_time(stage: Stage) -> None:
    """T7, S12.6: the instructor's words name the lesson that is in the way."""
    propose_move(by=stage.andre, code=stage.code, start_at=stage.lesson.start_at + 30 * MINUTE)
    BookingFactory(offering=stage.lesson.offering, start_at=stage.lesson.start_at + 75 * MINUTE)
    with pytest.raises(SlotTakenError) as refused:
        accept_proposal(by=stage.maya, code=stage.code)
    assert refused.value.reasons == ["Not available."]
    assert Proposal.objects.get().status == "open"
