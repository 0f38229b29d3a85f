"""Moving a lesson, and agreeing on a new time (Spec: T5, T6, T7, R16, S11.1).

A move is one UPDATE of the lesson's times; if it is refused the old time stays. A proposal keeps
its target as a held row where that does not overlap the old time.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from accounts.models import User
from accounts.owners import Owner
from bookings.lessons import mails, rules
from bookings.lessons.errors import LearnerBusyError, SlotTakenError
from bookings.lessons.facts import BookabilityFacts
from bookings.lessons.locks import left_for_later, lesson_transaction
from bookings.lessons.models import Booking, BookingRevision, Proposal
from bookings.lessons.models.changes import Side
from bookings.lessons.own_holds import OwnHolds
from bookings.lessons.reasons import Failure, student_reasons
from bookings.lessons.selectors import (
    find_lesson,
    find_on_side,
    load_facts,
    side_of,
    wanted_again,
)
from bookings.lessons.services import (
    LONGEST_ADVANCE_DAYS,
    NEAREST,
    OVERLAPS,
    local_date,
)
from bookings.lessons.states import Status
from bookings.lessons.transitions import current_status, lesson_changed, swap
from instainstru import clock
from instainstru.errors import ConflictError, ValidationFailedError

PROPOSAL_LIFE = timedelta(hours=24)
# A proposal opens and ends at the latest this long before the lesson.
PROPOSAL_MARGIN = timedelta(minutes=30)
REASON_MAX = 300


@dataclass(frozen=True)
class MoveTerms:
    """What the student may still do about the time of a lesson (T5)."""

    used: int
    allowed: int
    until: datetime

    @property
    def left(self) -> int:
        """How many moves are left."""
        return max(0, self.allowed - self.used)

    def may_move(self, now: datetime) -> bool:
        """Tell whether the student may move it now; equality is in time."""
        return self.left > 0 and now <= self.until


def move_terms(booking: Booking) -> MoveTerms:
    """Return the student's moves so far, the most allowed, and until when (T5)."""
    used = booking.revisions.filter(is_student_move=True).count()
    until = booking.start_at - timedelta(hours=booking.policy.move_min_hours)
    return MoveTerms(used, booking.policy.student_moves_max, until)


def move_facts(
    booking: Booking,
    *,
    first_on: date,
    last_on: date,
    now: datetime,
    by: str = Side.STUDENT,
    ignored: Iterable[int] = (),
) -> BookabilityFacts:
    """Return what R1-R8 need for another time of this lesson, itself left out (R16).

    Length, place, price and buffers are the lesson's own: what the offer says today does not count
    (R17). Only whether the instructor takes lessons, and whether one blocked the other, is asked
    anew.
    """
    is_instructor = by == Side.INSTRUCTOR
    wanted = wanted_again(
        booking, owner=None if is_instructor else Owner(user_id=booking.student_id)
    )
    facts = load_facts(wanted, first_on=first_on, last_on=last_on, now=now)
    return replace(
        facts,
        rules=replace(
            facts.rules,
            buffer_before_minutes=booking.buffer_before_minutes,
            buffer_after_minutes=booking.buffer_after_minutes,
        ),
        offer=replace(
            facts.offer,
            priced_minutes=frozenset({booking.duration_minutes}),
            is_offer_active=True,
            is_mode_allowed=True,
            is_place_inside=True,
        ),
        ignored_ids=frozenset({booking.pk, *ignored}),
        is_instructor_proposal=is_instructor,
    )


def move_lesson(
    *, by: User, code: str, start_at: datetime, reason: str = "", now: datetime | None = None
) -> Booking:
    """Move the person's own lesson to another bookable start; price and receipt stay.

    A move less than a day before the old start gives up the free cancellation. An open proposal is
    void. Raises ``LessonChangedError`` when the lesson is not to come any more, ``ConflictError``
    (``move_too_late``, ``no_moves_left``) when the student may only ask, ``SlotTakenError`` or
    ``LearnerBusyError`` with the nearest starts. Spec: T5, S11.1, R16
    """
    booking = find_lesson(by=by, code=code)
    _check_reason(reason)
    with _lesson_locked(booking, now) as at:
        lesson = find_lesson(by=by, code=code)
        _check_to_come(lesson, "T5", at)
        if start_at == lesson.start_at:
            raise ValidationFailedError(
                "That is the time it has now.", fields={"start": "Choose another time."}
            )
        _check_may_move(lesson, at)
        void_open_proposal(lesson, at)
        _check_bookable(lesson, start_at, at)
        late_hours = timedelta(hours=lesson.policy.late_move_hours)
        span = (start_at, start_at + _length(lesson))
        OwnHolds(Owner(user_id=by.pk), at).give_up_overlapping(wanted_again(lesson), [span])
        _rewrite(
            lesson,
            "T5",
            start_at,
            revision=BookingRevision(
                moved_by=Side.STUDENT, is_student_move=True, reason=reason.strip(), moved_at=at
            ),
            is_late=lesson.start_at - at < late_hours,
            now=at,
        )
        lesson = find_lesson(by=by, code=code)
        mails.queue_move(lesson, lesson.revisions.get(number=lesson.revision - 1))
    return lesson


def propose_move(
    *, by: User, code: str, start_at: datetime, message: str = "", now: datetime | None = None
) -> Proposal:
    """Offer the other side another time of a lesson; it is kept free while they decide.

    The instructor may always ask, the student once it is too late to move it alone. Raises
    ``LessonChangedError``, ``ConflictError`` (``proposal_open``, ``proposal_too_late``,
    ``move_instead``), ``SlotTakenError`` or ``LearnerBusyError``. Spec: T6, R16
    """
    booking, side = find_either(by=by, code=code)
    _check_reason(message)
    with _lesson_locked(booking, now) as at:
        lesson = find_on_side(by=by, code=code, side=side)
        _check_to_come(lesson, "T6", at)
        _check_may_propose(lesson, side, at)
        _write_down_lapsed(lesson, at)
        if lesson.proposals.filter(status=Proposal.Status.OPEN).exists():
            raise ConflictError("A new time is proposed already.", code="proposal_open")
        if start_at == lesson.start_at:
            raise ValidationFailedError(
                "That is the time it has now.", fields={"start": "Choose another time."}
            )
        _check_bookable(lesson, start_at, at, by=side)
        if side == Side.STUDENT:
            span = (start_at, start_at + _length(lesson))
            OwnHolds(Owner(user_id=by.pk), at).give_up_overlapping(wanted_again(lesson), [span])
        expires_at = min(at + PROPOSAL_LIFE, lesson.start_at - PROPOSAL_MARGIN)
        proposal = Proposal.objects.create(
            booking=lesson,
            revision=lesson.revision,
            opened_by=side,
            start_at=start_at,
            end_at=start_at + _length(lesson),
            message=message.strip(),
            hold=_target_hold(lesson, start_at, expires_at, at),
            created_at=at,
            expires_at=expires_at,
        )
        mails.queue_proposal(lesson, proposal, "opened")
    return proposal


def accept_proposal(
    *, by: User, code: str, proposal_id: int | None = None, now: datetime | None = None
) -> Booking:
    """Move the lesson to the time that the other side proposed.

    No student move is used and nothing becomes late. ``proposal_id`` is the one that was read.
    Raises ``LessonChangedError`` when there is nothing to answer or another time is proposed
    meanwhile, ``SlotTakenError`` when the target closed: the proposal stays open then.
    Spec: T7, R16
    """
    booking, side = find_either(by=by, code=code)
    with _lesson_locked(booking, now) as at:
        lesson = find_on_side(by=by, code=code, side=side)
        _check_to_come(lesson, "T7", at)
        proposal = _to_answer(lesson, side, proposal_id, at)
        held = [proposal.hold_id] if proposal.hold_id else []
        # Both sides want it now, so the notice that an instructor asks of students is no matter.
        _check_bookable(
            lesson, proposal.start_at, at, by=Side.INSTRUCTOR, ignored=held, reader=side
        )
        _close(proposal, Proposal.Status.ACCEPTED, at)
        _rewrite(
            lesson,
            "T7",
            proposal.start_at,
            revision=BookingRevision(
                moved_by=proposal.opened_by, reason=proposal.message, moved_at=at
            ),
            is_late=False,
            now=at,
        )
        lesson = find_on_side(by=by, code=code, side=side)
        mails.queue_move(lesson, lesson.revisions.get(number=lesson.revision - 1))
    return lesson


def decline_proposal(
    *, by: User, code: str, proposal_id: int | None = None, now: datetime | None = None
) -> Booking:
    """Say no to the time that the other side proposed; the lesson stays as it is.

    Declining an instructor's proposal lets the student cancel for all the money (C8).
    ``proposal_id`` is the one that was read. Raises ``LessonChangedError`` when there is nothing to
    answer or another time is proposed meanwhile. Spec: T7
    """
    booking, side = find_either(by=by, code=code)
    with _lesson_locked(booking, now) as at:
        lesson = find_on_side(by=by, code=code, side=side)
        _check_to_come(lesson, "T7", at)
        proposal = _to_answer(lesson, side, proposal_id, at)
        _close(proposal, Proposal.Status.DECLINED, at)
        mails.queue_proposal(lesson, proposal, "declined")
    return lesson


def lapse_proposals(now: datetime | None = None, *, batch: int = 200) -> int:
    """Write down proposals whose time is over and tell both sides; return how many. Spec: T7."""
    now = now or clock.now()
    due = Proposal.objects.lapsed(now).order_by("pk").values_list("booking_id", flat=True)
    count = 0
    for booking_id in list(due[:batch]):
        booking = Booking.objects.with_people().get(pk=booking_id)
        with left_for_later("proposal_not_lapsed", booking), lesson_transaction(booking, now):
            count += _write_down_lapsed(booking, now)
    return count


def open_proposal(booking: Booking, now: datetime) -> Proposal | None:
    """Return the proposal that waits for an answer, if any (decided by the clock)."""
    return booking.proposals.alive(now).first()


def void_open_proposal(booking: Booking, now: datetime) -> None:
    """Close whatever is open about a lesson that is moved or cancelled otherwise (05 section 2)."""
    _write_down_lapsed(booking, now)
    for proposal in booking.proposals.filter(status=Proposal.Status.OPEN):
        _close(proposal, Proposal.Status.VOID, now)


def is_excused(booking: Booking, now: datetime) -> bool:
    """Tell whether the instructor's wish for another time came to nothing (T7, C8).

    It counts for the times that the lesson has now; once both agreed on others it is settled.
    """
    mine = booking.proposals.filter(opened_by=Side.INSTRUCTOR, revision=booking.revision)
    refused = mine.filter(status__in=[Proposal.Status.DECLINED, Proposal.Status.LAPSED])
    return refused.exists() or mine.lapsed(now).exists()


def find_either(*, by: User, code: str) -> tuple[Booking, Side]:
    """Return a lesson the person booked or teaches, and on which side they are (G5)."""
    side = side_of(by=by, code=code)
    return find_on_side(by=by, code=code, side=side), side


# --- Guards -------------------------------------------------------------------------------------
def _check_reason(text: str) -> None:
    if len(text.strip()) > REASON_MAX:
        message = f"Use at most {REASON_MAX} characters."
        raise ValidationFailedError(message, fields={"reason": message})


def _check_to_come(lesson: Booking, number: str, now: datetime) -> None:
    if current_status(lesson, now) is not Status.CONFIRMED or now >= lesson.start_at:
        raise lesson_changed(lesson, number)


def _check_may_move(lesson: Booking, now: datetime) -> None:
    terms = move_terms(lesson)
    if now > terms.until:
        hours = lesson.policy.move_min_hours
        raise ConflictError(
            f"It is less than {hours} hours before the start. Ask to move it instead.",
            code="move_too_late",
        )
    if not terms.left:
        raise ConflictError(
            f"You have moved this lesson {terms.used} times. Ask to move it instead.",
            code="no_moves_left",
        )


def _check_may_propose(lesson: Booking, side: str, now: datetime) -> None:
    # At exactly half an hour before the start it would lapse in the instant it is opened.
    if lesson.start_at - now <= PROPOSAL_MARGIN:
        raise ConflictError("It is too close to the start for a new time.", code="too_late")
    if side == Side.STUDENT and move_terms(lesson).may_move(now):
        raise ConflictError("You can still move this lesson yourself.", code="move_instead")


def _to_answer(lesson: Booking, side: str, read_id: int | None, now: datetime) -> Proposal:
    proposal = open_proposal(lesson, now)
    if proposal is None or proposal.opened_by == side or read_id not in {None, proposal.pk}:
        raise lesson_changed(lesson, "T7", "There is no new time to answer any more.")
    return proposal


def _check_bookable(
    lesson: Booking,
    start_at: datetime,
    now: datetime,
    *,
    by: str = Side.STUDENT,
    ignored: Iterable[int] = (),
    reader: str = "",
) -> None:
    """Refuse a start that is not bookable, in words for ``reader``: who asked unless told."""
    failures = move_failures(lesson, start_at, now, by=by, ignored=ignored)
    if failures:
        raise _NotBookableError(lesson, start_at, now, failures, reader or by)


def move_failures(
    lesson: Booking,
    start_at: datetime,
    now: datetime,
    *,
    by: str = Side.STUDENT,
    ignored: Iterable[int] = (),
) -> tuple[Failure, ...]:
    """Return the rules that refuse this start for the lesson now, read afresh (R10, R16)."""
    on = local_date(start_at, lesson.offering)
    facts = move_facts(lesson, first_on=on, last_on=on, now=now, by=by, ignored=ignored)
    return rules.explain(facts, start_at, lesson.duration_minutes, now)


class _NotBookableError(Exception):
    """Leaves the transaction: the search for other times needs no lock and keeps nobody waiting."""

    def __init__(
        self,
        lesson: Booking,
        start_at: datetime,
        now: datetime,
        failures: tuple[Failure, ...] = (),
        by: str = Side.STUDENT,
    ) -> None:
        super().__init__(failures)
        self.lesson, self.start_at, self.now = lesson, start_at, now
        self.failures, self.by = failures, by


@contextmanager
def _lesson_locked(booking: Booking, now: datetime | None) -> Iterator[datetime]:
    """Lock a lesson and yield the time; a start that is refused is answered after the lock."""
    try:
        with lesson_transaction(booking, now) as at:
            yield at
    except _NotBookableError as refused:
        raise _refusal(
            refused.lesson, refused.start_at, refused.now, refused.failures, by=refused.by
        ) from refused.__cause__


@contextmanager
def _unless_taken(lesson: Booking, start_at: datetime, now: datetime) -> Iterator[None]:
    """Write in a savepoint; an overlap that only the database saw refuses the start."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
        if name not in OVERLAPS:
            raise
        raise _NotBookableError(lesson, start_at, now) from error


def _refusal(
    lesson: Booking,
    start_at: datetime,
    now: datetime,
    failures: tuple[Failure, ...],
    *,
    by: str,
) -> Exception:
    today = local_date(now, lesson.offering)
    within = (today, today + timedelta(days=LONGEST_ADVANCE_DAYS))
    facts = move_facts(lesson, first_on=within[0], last_on=within[1], now=now, by=by)
    # The lesson's own time is free to it (R16), but it is no other time.
    nearest = rules.nearest_starts(
        facts, start_at, lesson.duration_minutes, now, limit=NEAREST + 1, within=within
    )
    nearest = [start for start in nearest if start != lesson.start_at][:NEAREST]
    if failures and {failure.rule for failure in failures} == {"R7"}:
        return LearnerBusyError(failures[0].student_text, nearest=nearest)
    if by == Side.INSTRUCTOR:
        reasons = [failure.instructor_text for failure in failures]
    else:
        reasons = list(student_reasons(failures))
    return SlotTakenError(start_at=start_at, nearest=nearest, reasons=reasons)


# --- Writing ------------------------------------------------------------------------------------
def _length(lesson: Booking) -> timedelta:
    return timedelta(minutes=lesson.duration_minutes)


def _rewrite(
    lesson: Booking,
    number: str,
    start_at: datetime,
    *,
    revision: BookingRevision,
    is_late: bool,
    now: datetime,
) -> None:
    """Keep the old times beside the lesson and write the new ones, in one transaction."""
    revision.booking, revision.number = lesson, lesson.revision
    revision.start_at, revision.end_at = lesson.start_at, lesson.end_at
    revision.save(force_insert=True)
    with _unless_taken(lesson, start_at, now):
        swap(
            lesson,
            number,
            Status.CONFIRMED,
            start_at=start_at,
            end_at=start_at + _length(lesson),
            revision=F("revision") + 1,
            ics_sequence=F("ics_sequence") + 1,
            is_late_move=lesson.is_late_move or is_late,
        )


def _target_hold(
    lesson: Booking, start_at: datetime, expires_at: datetime, now: datetime
) -> Booking | None:
    """Keep the target for the one who must answer, unless it overlaps the old time (R16)."""
    end_at = start_at + _length(lesson)
    if start_at < lesson.end_at and lesson.start_at < end_at:
        return None
    hold = Booking.objects.get(pk=lesson.pk).copy_as_hold()
    hold.purpose = Booking.Purpose.PROPOSAL
    # A time that is only kept is no lesson of a weekly series, and takes no other row's place.
    hold.series = hold.replaces = None
    hold.start_at, hold.end_at = start_at, end_at
    hold.expires_at, hold.created_at = expires_at, now
    with _unless_taken(lesson, start_at, now):
        hold.save(force_insert=True)
    return hold


def _close(proposal: Proposal, status: Proposal.Status, now: datetime) -> None:
    """Give an open proposal its end and let go of its target."""
    hold_id = proposal.hold_id
    proposal.status, proposal.decided_at, proposal.hold = status, now, None
    proposal.save(update_fields=["status", "decided_at", "hold"])
    if hold_id is not None:
        Booking.objects.filter(pk=hold_id, purpose=Booking.Purpose.PROPOSAL).delete()


def _write_down_lapsed(lesson: Booking, now: datetime) -> int:
    count = 0
    for proposal in lesson.proposals.lapsed(now):
        _close(proposal, Proposal.Status.LAPSED, now)
        mails.queue_proposal(lesson, proposal, "lapsed")
        count += 1
    return count
