"""Holding a time: what is copied, what is refused, and what the clock writes down."""

from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.lessons.errors import (
    HoldLimitError,
    LearnerBusyError,
    LessonChangedError,
    SlotTakenError,
)
from bookings.lessons.models import Booking
from bookings.lessons.reasons import failure
from bookings.lessons.services import (
    claim_guest_holds,
    extend_holds_for_sign_up,
    flip_clock_states,
    hold_slot,
    release_hold,
)
from bookings.lessons.states import Status
from catalog.models import Modality, Policy
from catalog.selectors import months_before
from instainstru import clock
from instainstru.errors import NotFoundError, ValidationFailedError
from tests.bookings.lessons.stage import guest, hold_of, owner, self_learner, wanted
from tests.factories.accounts import LearnerFactory, student
from tests.factories.availability import black_out
from tests.factories.catalog import (
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    paused_instructor,
)
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.S12, pytest.mark.django_db]


# --- The hold -------------------------------------------------------------------------------------
def test_hold_copies_everything_that_must_not_change_later() -> None:
    """R9, R17, T1"""
    instructor = InstructorFactory(
        rules={"buffer_before_minutes": 10, "buffer_after_minutes": 20}, is_founding=True
    )
    offering = OfferingFactory(instructor=instructor, travel_fee_cents=700)
    maya = student()
    before = clock.now()
    booking = hold_slot(
        by=owner(maya),
        wanted=wanted(
            offering,
            modality=Modality.AT_STUDENT,
            neighborhood_id=instructor.base_neighborhood_id,
        ),
    )

    booking.refresh_from_db()
    policy = Policy.objects.current()
    assert (booking.status, booking.code, booking.student) == (Status.HELD, None, maya)
    assert booking.learner == self_learner(maya)
    assert (booking.price_cents, booking.travel_fee_cents) == (8500, 700)
    assert (booking.buffer_before_minutes, booking.buffer_after_minutes) == (10, 20)
    assert (booking.policy, booking.zone) == (policy, instructor.zone)
    assert booking.fee_pct == policy.fee_founding_pct
    assert booking.service_name == offering.service.name
    assert booking.neighborhood == instructor.base_neighborhood
    assert (booking.start_at, booking.end_at) == (tomorrow_at(10), tomorrow_at(11))
    assert booking.expires_at is not None
    left = booking.expires_at - before
    assert timedelta(minutes=10) <= left < timedelta(minutes=11)


def test_generated_ranges_are_the_taught_and_the_blocked_time() -> None:
    """R9"""
    instructor = InstructorFactory(rules={"buffer_before_minutes": 10, "buffer_after_minutes": 20})
    booking = hold_slot(by=guest(), wanted=wanted(OfferingFactory(instructor=instructor)))
    booking.refresh_from_db()
    assert (booking.span.lower, booking.span.upper) == (booking.start_at, booking.end_at)
    assert booking.blocked.lower == booking.start_at - timedelta(minutes=10)
    assert booking.blocked.upper == booking.end_at + timedelta(minutes=20)


def test_online_lesson_has_no_travel_fee_and_no_neighborhood() -> None:
    offering = OfferingFactory(travel_fee_cents=700)
    place = offering.instructor.base_neighborhood_id
    booking = hold_slot(by=guest(), wanted=wanted(offering, neighborhood_id=place))
    assert (booking.travel_fee_cents, booking.neighborhood_id) == (0, None)
    assert (booking.guest_key, booking.student_id, booking.learner_id) == (
        "guest-key-1",
        None,
        None,
    )


def test_later_price_and_buffers_do_not_touch_a_hold() -> None:
    """R17, 05 section 2: the hold is honoured."""
    offering = OfferingFactory()
    booking = hold_slot(by=guest(), wanted=wanted(offering))
    offering.prices.update(price_cents=9900)
    booking.refresh_from_db()
    assert booking.price_cents == 8500


# --- Refusals -------------------------------------------------------------------------------------
def refused_at(start_at: object, **changes: object) -> SlotTakenError:
    offering = changes.pop("offering", None) or OfferingFactory()
    with pytest.raises(SlotTakenError) as caught:
        hold_slot(by=guest("another"), wanted=wanted(offering, start_at, **changes))  # type: ignore[arg-type]
    assert caught.value.status == 409
    return caught.value


def test_off_grid_start_names_the_three_nearest() -> None:
    """R5, R12"""
    refusal = refused_at(tomorrow_at(10, 7))
    assert refusal.nearest == [tomorrow_at(10), tomorrow_at(10, 30), tomorrow_at(9, 30)]


def test_taken_start_names_the_three_nearest() -> None:
    """R4, R12: 60 minutes and a gap of 15 keep 09:00 to 12:00 closed around 10:00."""
    taken = BookingFactory(start_at=tomorrow_at(13))
    refusal = refused_at(tomorrow_at(13), offering=taken.offering)
    assert len(refusal.nearest) == 3
    for start in refusal.nearest:
        assert not tomorrow_at(12) <= start < tomorrow_at(14)
    assert tomorrow_at(14, 30) in refusal.nearest
    assert tomorrow_at(11, 30) in refusal.nearest
    assert refusal.reasons


def test_held_start_is_taken_and_a_lapsed_one_is_free() -> None:
    """R10, T3: equality counts as lapsed and the row is written down as EXPIRED."""
    held = HoldFactory(student=None, guest_key="first", start_at=tomorrow_at(13))
    refused_at(tomorrow_at(13), offering=held.offering)

    assert held.expires_at is not None
    again = hold_slot(
        by=guest("another"), wanted=wanted(held.offering, tomorrow_at(13)), now=held.expires_at
    )
    held.refresh_from_db()
    assert (held.status, again.status) == (Status.EXPIRED, Status.HELD)


def test_closed_time_is_refused() -> None:
    """R3"""
    offering = OfferingFactory()
    refused_at(tomorrow_at(21), offering=offering)
    black_out(offering.instructor, tomorrow_at(12).date())
    refusal = refused_at(tomorrow_at(10), offering=offering)
    closed_from, closed_until = tomorrow_at(0), tomorrow_at(0, days=2)
    assert refusal.nearest
    assert not any(closed_from <= start < closed_until for start in refusal.nearest)


def test_start_beyond_the_advance_limit_is_refused() -> None:
    """R2"""
    offering = OfferingFactory(instructor=InstructorFactory(rules={"max_advance_days": 5}))
    hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, days=5)))
    refusal = refused_at(tomorrow_at(10, days=6), offering=offering)
    assert refusal.nearest


def test_too_short_notice_is_refused_and_equality_is_allowed() -> None:
    """R1"""
    offering = OfferingFactory(instructor=InstructorFactory(rules={"min_notice_minutes": 120}))
    start = tomorrow_at(12)
    with pytest.raises(SlotTakenError):
        hold_slot(
            by=guest(),
            wanted=wanted(offering, start),
            now=start - timedelta(minutes=120) + timedelta(seconds=1),
        )
    held = hold_slot(by=guest(), wanted=wanted(offering, start), now=start - timedelta(minutes=120))
    assert held.start_at == start


def test_past_start_is_a_bad_request_of_the_person() -> None:
    """S12.4"""
    with pytest.raises(ValidationFailedError) as caught:
        hold_slot(by=guest(), wanted=wanted(OfferingFactory(), tomorrow_at(10, days=-1)))
    assert (caught.value.status, set(caught.value.fields)) == (422, {"start"})


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"duration_minutes": 45}, "duration"), ({"modality": "studio"}, "place")],
)
def test_unknown_length_and_place_are_refused(changes: dict[str, object], field: str) -> None:
    """S12.4"""
    offering = OfferingFactory(modalities=[Modality.ONLINE])
    with pytest.raises(ValidationFailedError) as caught:
        hold_slot(by=guest(), wanted=wanted(offering, **changes))
    assert (caught.value.status, set(caught.value.fields)) == (422, {field})


def test_neighborhood_outside_the_area_is_refused() -> None:
    """R8"""
    outside = NeighborhoodFactory(name="Inwood", borough="Manhattan")
    refused_at(tomorrow_at(10), modality=Modality.AT_STUDENT, neighborhood_id=outside.pk)


def test_paused_instructor_and_oneself_are_refused() -> None:
    """R8"""
    refused_at(tomorrow_at(10), offering=OfferingFactory(instructor=paused_instructor()))
    offering = OfferingFactory()
    with pytest.raises(SlotTakenError):
        hold_slot(by=owner(offering.instructor.user), wanted=wanted(offering))


def test_instructor_whose_check_is_too_old_takes_no_bookings() -> None:
    """R8, S15.10: the policy's months back from today, the day itself still counts."""
    today = clock.now().astimezone(clock.NEW_YORK).date()
    oldest = months_before(today, Policy.objects.current().background_check_months)
    instructor = InstructorFactory(background_checked_on=oldest - timedelta(days=1))
    offering = OfferingFactory(instructor=instructor)
    refused_at(tomorrow_at(10), offering=offering)
    instructor.background_checked_on = oldest
    instructor.save(update_fields=["background_checked_on"])
    assert hold_slot(by=guest(), wanted=wanted(offering)).status == Status.HELD


def test_far_away_start_still_names_three_others() -> None:
    """R12"""
    refused = refused_at(tomorrow_at(10, days=400))
    assert len(refused.nearest) == 3


def test_time_that_is_gone_already_is_refused_without_a_lock() -> None:
    """R12: in a crowd nearly all are told at once, and nobody waits for them."""
    offering = OfferingFactory()
    BookingFactory(offering=offering)
    with CaptureQueriesContext(connection) as queries, pytest.raises(SlotTakenError) as refused:
        hold_slot(by=guest(), wanted=wanted(offering))
    assert len(refused.value.nearest) == 3
    assert not [row for row in queries.captured_queries if "advisory" in row["sql"]]
    assert len(queries) <= 7


def test_other_times_are_searched_after_the_locks_are_free() -> None:
    """R10: whom somebody beats to the lock must keep nobody waiting by a search."""
    offering = OfferingFactory()
    BookingFactory(offering=offering)
    outside, depths = len(connection.savepoint_ids), []

    def search(*_: object, **__: object) -> list[datetime]:
        depths.append(len(connection.savepoint_ids))
        return []

    with (
        patch("bookings.lessons.services.rules.explain", return_value=()),
        patch("bookings.lessons.services.rules.explain_together") as under_lock,
        patch("bookings.lessons.services.nearest_bookable", search),
        pytest.raises(SlotTakenError),
    ):
        under_lock.return_value = {tomorrow_at(10): (failure("R4", "booked", booking="a lesson"),)}
        hold_slot(by=guest(), wanted=wanted(offering))
    assert depths == [outside]


def test_hold_asks_the_database_few_questions() -> None:
    """Design D6, S18: what a crowd pays for every hold."""
    offering = OfferingFactory()
    with CaptureQueriesContext(connection) as queries:
        hold_slot(by=guest(), wanted=wanted(offering))
    asked = [row["sql"] for row in queries.captured_queries if "SAVEPOINT" not in row["sql"]]
    assert len(asked) <= 15, "\n".join(sql[:90] for sql in asked)


def test_unknown_offer_and_strangers_learner_are_not_found() -> None:
    """G5"""
    offering = OfferingFactory()
    with pytest.raises(NotFoundError):
        hold_slot(by=guest(), wanted=wanted(offering, offering_id=0))
    stranger = LearnerFactory()
    with pytest.raises(NotFoundError):
        hold_slot(by=owner(student()), wanted=wanted(offering, learner_id=stranger.pk))


def test_busy_learner_is_told_so() -> None:
    """R7"""
    maya = student()
    BookingFactory(student=maya, learner=self_learner(maya))
    with pytest.raises(LearnerBusyError) as caught:
        hold_slot(by=owner(maya), wanted=wanted(OfferingFactory()))
    assert caught.value.status == 409


def test_two_learners_of_one_parent_may_overlap() -> None:
    """R7"""
    maya = student()
    child = LearnerFactory(manager=maya, name="Noa", birth_year=2015)
    BookingFactory(student=maya, learner=self_learner(maya))
    held = hold_slot(by=owner(maya), wanted=wanted(OfferingFactory(), learner_id=child.pk))
    assert held.learner == child


# --- Limits ---------------------------------------------------------------------------------------
def test_fourth_live_hold_is_refused() -> None:
    """T1, S17.4"""
    offering = OfferingFactory()
    for day in (1, 2, 3):
        hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, days=day)))
    with pytest.raises(HoldLimitError) as caught:
        hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, days=4)))
    assert caught.value.status == 429
    assert 590 < caught.value.retry_after_seconds <= 600
    assert len(caught.value.holds) == 3
    Booking.objects.filter(start_at=tomorrow_at(10, days=2)).update(
        expires_at=clock.now() + timedelta(seconds=60)
    )
    with pytest.raises(HoldLimitError) as caught:
        hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, days=4)))
    assert 50 < caught.value.retry_after_seconds <= 60
    other = hold_slot(by=guest("another"), wanted=wanted(offering, tomorrow_at(10, days=4)))
    assert other.status == Status.HELD


def test_eleventh_hold_within_an_hour_waits_for_the_first() -> None:
    """T1, S17.4"""
    offering = OfferingFactory()
    for day in range(1, 11):
        held = hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, days=day)))
        release_hold(by=guest(), hold_id=held.hold_id)
    with pytest.raises(HoldLimitError) as caught:
        hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, days=11)))
    assert 3500 < caught.value.retry_after_seconds <= 3601


def test_overlapping_hold_of_the_same_person_replaces_the_old_one() -> None:
    """T3"""
    offering = OfferingFactory()
    first = hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10)))
    second = hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, 30)))
    first.refresh_from_db()
    assert (first.status, second.status) == (Status.EXPIRED, Status.HELD)


def test_replaced_hold_does_not_count_towards_the_limit() -> None:
    offering = OfferingFactory()
    for day in (1, 2, 3):
        hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, days=day)))
    again = hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, 30, days=3)))
    assert again.status == Status.HELD
    assert Booking.objects.live_holds(clock.now()).count() == 3


def test_refused_hold_keeps_the_old_one() -> None:
    """R10: a refusal changes nothing."""
    offering = OfferingFactory()
    first = hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10)))
    with pytest.raises(SlotTakenError):
        hold_slot(by=guest(), wanted=wanted(offering, tomorrow_at(10, 7)))
    first.refresh_from_db()
    assert first.status == Status.HELD


# --- Giving back, claiming, keeping ---------------------------------------------------------------
def test_released_time_is_free_at_once() -> None:
    """T3, S13.2"""
    offering = OfferingFactory()
    held = hold_slot(by=guest(), wanted=wanted(offering))
    release_hold(by=guest(), hold_id=held.hold_id)
    release_hold(by=guest(), hold_id=held.hold_id)
    assert hold_slot(by=guest("another"), wanted=wanted(offering)).status == Status.HELD


def test_only_the_owner_releases_and_only_a_hold() -> None:
    """G5, T15"""
    maya = student()
    held = hold_of(maya)
    with pytest.raises(NotFoundError):
        release_hold(by=guest(), hold_id=held.hold_id)
    lesson = BookingFactory(student=maya, learner=self_learner(maya), start_at=tomorrow_at(15))
    with pytest.raises(LessonChangedError):
        release_hold(by=owner(maya), hold_id=lesson.hold_id)
    lesson.refresh_from_db()
    assert lesson.status == Status.CONFIRMED


def test_sign_in_claims_the_recent_holds_of_this_guest() -> None:
    """S17.8, S13.2: one that lapsed on the way comes along, so that it can be held again."""
    now = clock.now()
    mine = HoldFactory(student=None, guest_key="mine", start_at=tomorrow_at(10))
    lapsed, old = (
        HoldFactory(student=None, guest_key="mine", start_at=tomorrow_at(hour), expires_at=at)
        for hour, at in ((12, now), (16, now - timedelta(hours=2)))
    )
    other = HoldFactory(student=None, guest_key="other", start_at=tomorrow_at(14))
    maya = student()
    assert claim_guest_holds(user=maya, guest_key="mine") == 2
    for row in (mine, lapsed, old, other):
        row.refresh_from_db()
    assert (mine.student, mine.guest_key) == (lapsed.student, lapsed.guest_key) == (maya, None)
    assert (old.student, other.student) == (None, None)
    assert mine.expires_at is not None


def test_verifying_an_address_keeps_a_hold_once() -> None:
    """02 section 1"""
    now = clock.now()
    held = HoldFactory(student=None, guest_key="mine", expires_at=now + timedelta(minutes=1))
    assert extend_holds_for_sign_up(guest_key="mine", now=now) == 1
    held.refresh_from_db()
    assert held.expires_at == now + timedelta(minutes=10)
    assert extend_holds_for_sign_up(guest_key="mine", now=now + timedelta(minutes=5)) == 0


# --- The clock ------------------------------------------------------------------------------------
def test_clock_states_are_written_down_with_equality() -> None:
    """T3, T11, T12"""
    now = clock.now()
    held = HoldFactory(student=None, guest_key="g", expires_at=now)
    live = HoldFactory(student=None, guest_key="g", expires_at=now + timedelta(seconds=1))
    over = BookingFactory(start_at=now - timedelta(hours=1), end_at=now)
    running = BookingFactory(start_at=now - timedelta(minutes=30))
    old = BookingFactory(start_at=now - timedelta(hours=25), status=Status.ENDED)
    assert flip_clock_states(now) == {"expired": 1, "ended": 1, "completed": 1}
    assert flip_clock_states(now) == {"expired": 0, "ended": 0, "completed": 0}
    states = [Booking.objects.get(pk=row.pk).status for row in (held, live, over, running, old)]
    assert states == ["expired", "held", "ended", "confirmed", "completed"]
    assert Booking.objects.get(pk=old.pk).completed_at == now
