"""The one module that writes bookings: hold, release, confirm, cancel, and what the clock decides.

Pages, jobs and the admin call these; each use-case is one transaction (Spec: R10, R13, R15).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import uuid4

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import Learner, User
from accounts.owners import Owner
from analytics.kinds import InteractionType
from analytics.services import record_booking_step
from bookings.lessons import rules
from bookings.lessons.errors import (
    LearnerBusyError,
    LessonChangedError,
    SeriesTakenError,
    SlotTakenError,
)
from bookings.lessons.locks import SlotBusyError, booking_transaction, expire_lapsed_holds
from bookings.lessons.models import Booking
from bookings.lessons.own_holds import OwnHolds
from bookings.lessons.reasons import student_reasons
from bookings.lessons.rules import BookabilityFacts, Failure, InstructorRules
from bookings.lessons.selectors import WantedLesson, lesson_zone, load_facts
from bookings.lessons.states import Status
from bookings.lessons.transitions import lesson_changed, swap
from catalog.models import Modality, Offering, Policy
from instainstru import clock
from instainstru.errors import ConflictError, NotFoundError, ValidationFailedError
from instainstru.identifiers import booking_code
from instainstru.page_store.versions import bump_instructors

log = structlog.get_logger(__name__)

CODE_TRIES = 8
NEAREST = 3
SERIES_MIN, SERIES_MAX = 2, 12
OVERLAPS = frozenset({"booking_instructor_no_overlap", "booking_learner_no_overlap"})
CLAIMED_AFTER_LAPSE = timedelta(hours=1)
# Nobody opens their calendar further ahead (S15.7), so every bookable start is within.
LONGEST_ADVANCE_DAYS = 365
# Nearly everybody finds the nearest three within a fortnight; then a year need not be read.
NEAR_DAYS = 16


@dataclass(frozen=True)
class HoldRequest:
    """A start somebody picked; ``start_at`` is the UTC instant of the slot (Spec: S12.4)."""

    offering_id: int
    start_at: datetime
    duration_minutes: int
    modality: str
    neighborhood_id: int | None = None
    learner_id: int | None = None


def local_date(instant: datetime, offering: Offering) -> date:
    """Return the date of an instant on the instructor's wall."""
    return instant.astimezone(lesson_zone(offering.instructor)).date()


def hold_slot(*, by: Owner, wanted: HoldRequest, now: datetime | None = None) -> Booking:
    """Reserve a start for ten minutes and return the HELD booking.

    Raises ``ValidationFailedError`` for an unknown duration, mode or a past start,
    ``SlotTakenError`` (with up to three nearest starts) when R1-R8 fail or somebody was faster,
    ``HoldLimitError`` for
    too many holds. Spec: T1, R10, R12, S12.4.
    """
    asked_at = now or clock.database_now()
    lesson = _wanted_lesson(by, wanted, asked_at)
    near = _facts_near(lesson, wanted.start_at, asked_at)
    failures = rules.explain(near, wanted.start_at, wanted.duration_minutes, asked_at)
    if failures:
        # In a crowd nearly all are refused: they learn it without waiting for the lock.
        raise _refusal(failures, lesson, wanted.start_at, asked_at, near)
    try:
        return _hold_under_lock(by, lesson, [wanted.start_at], now)[0]
    except _NotBookableError as refused:
        failures = refused.failures[wanted.start_at]
        raise _refusal(failures, lesson, wanted.start_at, now or clock.now()) from None
    except (IntegrityError, SlotBusyError) as error:
        raise lost_race(error, lesson, wanted.start_at, now or clock.now()) from error


def hold_series(
    *, by: Owner, wanted: HoldRequest, starts: Collection[datetime], now: datetime | None = None
) -> Booking:
    """Reserve all these starts or none, and return the first of the HELD bookings.

    They share ``series``, end together and are paid together; ``wanted.start_at`` is not looked at.
    Raises ``ValidationFailedError`` for fewer than 2 or more than 12 lessons, for lessons that
    overlap and as ``hold_slot`` does, ``SeriesTakenError`` when R1-R8 refuse one of them or
    somebody was faster, ``HoldLimitError``. Spec: R19, T1, R10, R12
    """
    order = sorted(set(starts))
    _check_series(order, wanted.duration_minutes)
    lesson = _wanted_lesson(by, replace(wanted, start_at=order[0]), now or clock.now())
    try:
        return _hold_under_lock(by, lesson, order, now)[0]
    except _NotBookableError as refused:
        raise SeriesTakenError(list(refused.failures)) from None
    except SlotBusyError as error:
        raise SeriesTakenError from error
    except IntegrityError as error:
        if _constraint_of(error) not in OVERLAPS:
            raise
        raise SeriesTakenError from error


def _check_series(starts: list[datetime], minutes: int) -> None:
    if not SERIES_MIN <= len(starts) <= SERIES_MAX:
        text = f"Choose from {SERIES_MIN} to {SERIES_MAX} lessons."
        raise ValidationFailedError(text, fields={"weeks": text})
    if any(later - earlier < timedelta(minutes=minutes) for earlier, later in pairwise(starts)):
        text = "Two of these lessons overlap. Choose another time for one of them."
        raise ValidationFailedError(text, fields={"weeks": text})


class _NotBookableError(Exception):
    """Leaves the transaction: the search for other times needs no lock and keeps nobody waiting."""

    def __init__(self, failures: Mapping[datetime, tuple[Failure, ...]]) -> None:
        super().__init__(failures)
        self.failures = failures


def _wanted_lesson(by: Owner, wanted: HoldRequest, now: datetime) -> WantedLesson:
    offering = _offering(wanted.offering_id)
    learner_id = _learner_for(by, wanted.learner_id)
    _check_request(offering, wanted, now)
    return WantedLesson(
        offering=offering,
        duration_minutes=wanted.duration_minutes,
        modality=wanted.modality,
        neighborhood_id=wanted.neighborhood_id,
        owner=by,
        learner_id=learner_id,
        policy=Policy.objects.current(),
    )


def _offering(offering_id: int) -> Offering:
    rows = Offering.objects.select_related("instructor", "service").prefetch_related("prices")
    offering = rows.filter(pk=offering_id).first()
    if offering is None:
        raise NotFoundError("We couldn't find this lesson.")
    return offering


def _learner_for(by: Owner, learner_id: int | None) -> int | None:
    if by.user_id is None:
        return None
    learners = Learner.objects.filter(manager_id=by.user_id)
    if learner_id is None:
        return learners.filter(is_self=True).values_list("pk", flat=True).first()
    if not learners.filter(pk=learner_id).exists():
        raise NotFoundError("We couldn't find this learner.")
    return learner_id


def _check_request(offering: Offering, wanted: HoldRequest, now: datetime) -> None:
    durations = {price.duration_minutes for price in offering.prices.all()}
    if wanted.duration_minutes not in durations:
        raise ValidationFailedError(
            "Choose one of the lengths on offer.", fields={"duration": "Choose a length on offer."}
        )
    if wanted.modality not in offering.modalities:
        raise ValidationFailedError(
            "Choose one of the places on offer.", fields={"place": "Choose a place on offer."}
        )
    if wanted.start_at < now:
        raise ValidationFailedError(
            "This time is in the past.", fields={"start": "Choose a time in the future."}
        )


def _hold_under_lock(
    by: Owner, lesson: WantedLesson, starts: Sequence[datetime], now: datetime | None
) -> list[Booking]:
    instructor_id = lesson.offering.instructor_id
    with booking_transaction(
        instructor_ids=[instructor_id], learner_ids=[lesson.learner_id], owner=by
    ) as locked_at:
        now = now or locked_at
        expire_lapsed_holds(instructor_id=instructor_id, learner_ids=[lesson.learner_id], now=now)
        fresh = replace(lesson, offering=_offering(lesson.offering.pk))
        facts = _facts_on(fresh, starts, now)
        failures = rules.explain_together(facts, starts, lesson.duration_minutes, now)
        if failures:
            raise _NotBookableError(failures)
        policy = lesson.policy or Policy.objects.current()
        own, length = OwnHolds(by, now), timedelta(minutes=lesson.duration_minutes)
        own.give_up_overlapping(lesson, [(start_at, start_at + length) for start_at in starts])
        own.require_room(policy)
        series = uuid4() if len(starts) > 1 else None
        bookings = [_held_row(by, fresh, facts.rules, policy, start_at, now) for start_at in starts]
        for booking in bookings:
            booking.series = series
            booking.save(force_insert=True)
        note_booking_step(InteractionType.HOLD_CREATED, bookings[0], now)
        return bookings


def note_booking_step(kind: InteractionType, booking: Booking, now: datetime) -> None:
    """Tell the analytics of the search that led to a hold or lesson. Spec: T1, T4, S3.3"""
    record_booking_step(
        kind,
        user_id=booking.student_id,
        guest_key=booking.guest_key,
        instructor_id=booking.instructor_id,
        hold_id=booking.hold_id,
        now=now,
    )


def refused_starts(
    lesson: WantedLesson, offering: Offering, starts: Sequence[datetime], now: datetime
) -> dict[datetime, tuple[Failure, ...]]:
    """Return those of the starts that cannot be booked together now, each with its failed rules.

    Read afresh from the database. Each counts as booked for the others (R4, R6). Spec: R10, R19
    """
    facts = _facts_on(replace(lesson, offering=offering), starts, now)
    return rules.explain_together(facts, starts, lesson.duration_minutes, now)


def _facts_on(lesson: WantedLesson, starts: Sequence[datetime], now: datetime) -> BookabilityFacts:
    dates = [local_date(start_at, lesson.offering) for start_at in starts]
    return load_facts(lesson, first_on=min(dates), last_on=max(dates), now=now)


def _near(lesson: WantedLesson, start_at: datetime, now: datetime) -> tuple[date, date]:
    """Return the first and last local date around a start within which others are looked for."""
    today = local_date(now, lesson.offering)
    latest = today + timedelta(days=LONGEST_ADVANCE_DAYS)
    on = min(max(local_date(start_at, lesson.offering), today), latest)
    return max(today, on - timedelta(days=NEAR_DAYS)), on + timedelta(days=NEAR_DAYS)


def _facts_near(lesson: WantedLesson, start_at: datetime, now: datetime) -> BookabilityFacts:
    first_on, last_on = _near(lesson, start_at, now)
    return load_facts(lesson, first_on=first_on, last_on=last_on, now=now)


def _refusal(
    failures: tuple[Failure, ...],
    lesson: WantedLesson,
    start_at: datetime,
    now: datetime,
    near: BookabilityFacts | None = None,
) -> Exception:
    nearest = nearest_bookable(lesson, start_at, now, near=near)
    if {failure.rule for failure in failures} == {"R7"}:
        return LearnerBusyError(failures[0].student_text, nearest=nearest)
    reasons = list(student_reasons(failures))
    return SlotTakenError(start_at=start_at, nearest=nearest, reasons=reasons)


def slot_taken(lesson: WantedLesson, start_at: datetime, now: datetime) -> SlotTakenError:
    """Return the refusal with the three nearest bookable starts. Spec: R12."""
    nearest = nearest_bookable(lesson, start_at, now)
    return SlotTakenError(start_at=start_at, nearest=nearest, reasons=[])


def nearest_bookable(
    lesson: WantedLesson, start_at: datetime, now: datetime, *, near: BookabilityFacts | None = None
) -> list[datetime]:
    """Return up to three bookable starts in UTC, the nearest to ``start_at`` first. Spec: R12.

    ``near`` are the facts of the dates around it, for whoever has read them already.
    """
    within, minutes = _near(lesson, start_at, now), lesson.duration_minutes
    near = near or load_facts(lesson, first_on=within[0], last_on=within[1], now=now)
    found = rules.nearest_starts(near, start_at, minutes, now, limit=NEAREST, within=within)
    # A day less: none on the dates that were not read may be nearer.
    if len(found) == NEAREST and abs(found[-1] - start_at) < timedelta(days=NEAR_DAYS - 1):
        return found
    today = local_date(now, lesson.offering)
    within = (today, today + timedelta(days=LONGEST_ADVANCE_DAYS))
    year = load_facts(lesson, first_on=within[0], last_on=within[1], now=now)
    return rules.nearest_starts(year, start_at, minutes, now, limit=NEAREST, within=within)


def _held_row(
    by: Owner,
    lesson: WantedLesson,
    limits: InstructorRules,
    policy: Policy,
    start_at: datetime,
    now: datetime,
) -> Booking:
    offering, instructor = lesson.offering, lesson.offering.instructor
    price = next(
        row for row in offering.prices.all() if row.duration_minutes == lesson.duration_minutes
    )
    at_student = lesson.modality == Modality.AT_STUDENT
    return Booking(
        student_id=by.user_id,
        guest_key=by.guest_key,
        learner_id=lesson.learner_id,
        instructor=instructor,
        offering=offering,
        policy=policy,
        start_at=start_at,
        end_at=start_at + timedelta(minutes=lesson.duration_minutes),
        buffer_before_minutes=limits.buffer_before_minutes,
        buffer_after_minutes=limits.buffer_after_minutes,
        zone=lesson_zone(instructor).key,
        duration_minutes=lesson.duration_minutes,
        service_name=offering.service.name,
        modality=lesson.modality,
        neighborhood_id=lesson.neighborhood_id if at_student else None,
        price_cents=price.price_cents,
        travel_fee_cents=offering.travel_fee_cents if at_student else 0,
        fee_pct=policy.fee_founding_pct if instructor.is_founding else policy.fee_standard_pct,
        expires_at=now + timedelta(minutes=policy.hold_minutes),
        created_at=now,
    )


def lost_race(
    error: Exception, lesson: WantedLesson, start_at: datetime, now: datetime
) -> Exception:
    """Return the 409 for a lost race for a time; every other broken invariant is a bug. R12."""
    name = _constraint_of(error)
    if name == "booking_learner_no_overlap":
        return LearnerBusyError(
            "This learner already has a lesson at that time.",
            nearest=nearest_bookable(lesson, start_at, now),
        )
    if isinstance(error, SlotBusyError) or name == "booking_instructor_no_overlap":
        return slot_taken(lesson, start_at, now)
    return error


def _constraint_of(error: Exception) -> str | None:
    """Return the name of the constraint that refused a row."""
    return getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)


def release_hold(*, by: Owner, hold_id: str) -> Booking:
    """Give a hold back at once, a series whole; releasing a lapsed one changes nothing.

    Spec: T3, S13.2, R19
    """
    booking = Booking.objects.held_by(by).filter(hold_id=hold_id).first()
    if booking is None:
        raise NotFoundError("We couldn't find this hold.")
    held = Booking.objects.together_with(booking).filter(status=Status.HELD)
    with transaction.atomic():
        # In the order in which everybody locks rows (R10).
        locked = list(held.select_for_update().values_list("pk", flat=True))
        Booking.objects.filter(pk__in=locked).update(status=Status.EXPIRED)
        if not locked:
            booking.refresh_from_db(fields=["status"])
            if booking.status != Status.EXPIRED:
                raise lesson_changed(booking, "T3")
        bump_instructors([booking.instructor_id])
    return booking


def claim_guest_holds(*, user: User, guest_key: str, now: datetime | None = None) -> int:
    """Move a guest's holds to the account that signed in; return how many. Spec: S17.8.

    One that lapsed within the last hour comes along, so that the page the person returns to can
    offer the time again (S13.2). The learner stays open until checkout, so a busy learner cannot
    break the sign-in.
    """
    lately = (now or clock.now()) - CLAIMED_AFTER_LAPSE
    rows = Booking.objects.held_by(Owner(guest_key=guest_key)).filter(expires_at__gt=lately)
    return rows.update(student=user, guest_key=None)


def refuse_removal_with_lessons(learner: Learner, now: datetime | None = None) -> None:
    """Keep a learner who has a lesson to come, or one that is not settled yet.

    Raises ``ConflictError``. Spec: G3
    """
    if Booking.objects.filter(learner=learner).blocking(now or clock.now()).exists():
        raise ConflictError(f"{learner.name} still has lessons. Cancel them first.")


def extend_holds_for_sign_up(*, guest_key: str, now: datetime | None = None) -> int:
    """Give a person who is verifying an e-mail ten more minutes, once per hold.

    Spec: 02 section 1
    """
    now = now or clock.now()
    until = now + timedelta(minutes=Policy.objects.current().hold_minutes)
    holds = Booking.objects.held_by(Owner(guest_key=guest_key)).live_holds(now)
    return holds.filter(is_signup_extended=False, expires_at__lt=until).update(
        expires_at=until, is_signup_extended=True
    )


def extend_hold_for_payment(booking: Booking, now: datetime) -> None:
    """Keep the hold while the bank asks for an extra step or does not answer, once. Spec: T2."""
    minutes = booking.policy.hold_payment_minutes
    until = max(booking.expires_at or now, now + timedelta(minutes=minutes))
    # One that has lapsed is over (T3): whoever pays it late gets the time if it is still free.
    Booking.objects.filter(pk=booking.pk, is_payment_extended=False).live_holds(now).update(
        expires_at=until, is_payment_extended=True
    )
    booking.refresh_from_db()


def confirm_under_lock(booking: Booking, now: datetime) -> Booking:
    """Turn a HELD row into a confirmed lesson; the caller holds the locks and has charged.

    Compare-and-swap: raises ``LessonChangedError`` when the row is no longer HELD. Spec: T4, R13.
    """
    for _ in range(CODE_TRIES):
        values = {"code": booking_code(), "confirmed_at": now, "expires_at": None}
        try:
            with transaction.atomic():
                swap(booking, "T4", Status.CONFIRMED, **values)
            break
        except IntegrityError as error:
            diag = getattr(error.__cause__, "diag", None)
            if getattr(diag, "constraint_name", None) != "booking_code_unique":
                raise
    else:
        raise LessonChangedError("We couldn't find a free booking code. Please try again.")
    for name, value in (values | {"status": Status.CONFIRMED}).items():
        setattr(booking, name, value)
    return booking


def flip_clock_states(now: datetime | None = None, *, batch: int = 500) -> dict[str, int]:
    """Write down what the clock has decided: lapsed holds, ended and completed lessons.

    Bounded batches with SKIP LOCKED, so two runs share the work. Spec: T3, T11, T12, S4.3.
    """
    now = now or clock.now()
    steps = {
        "expired": _Due(Q(status="held", expires_at__lte=now), Status.EXPIRED),
        "ended": _Due(Q(status="confirmed", end_at__lte=now), Status.ENDED),
        "completed": _Due(Q(status="ended", closes_at__lte=now), Status.COMPLETED),
    }
    return {name: _flip(due, batch) for name, due in steps.items()}


class _Due(NamedTuple):
    rows: Q
    status: Status


def _flip(due: _Due, batch: int) -> int:
    with transaction.atomic():
        rows = Booking.objects.with_close().filter(due.rows).select_related("policy").order_by("pk")
        locked = rows.select_for_update(skip_locked=True, of=("self",))[:batch]
        found = {row.pk: row.closes_by_itself_at for row in locked}
        changed = Booking.objects.filter(pk__in=found)
        if due.status is not Status.COMPLETED:
            return changed.update(status=due.status)
        # The clock decided it then, however late this job writes it down.
        for closes_at in set(found.values()):
            ids = [pk for pk, at in found.items() if at == closes_at]
            changed.filter(pk__in=ids).update(status=due.status, completed_at=closes_at)
        return len(found)
