"""Cancellation and refund, each row and each boundary to the second (Spec: 05 §4)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.lessons import policies
from bookings.lessons.policies import (
    BookingFacts,
    Kind,
    Outcome,
    PolicyNumbers,
    RefundTo,
    percent_of,
)
from bookings.lessons.states import Actor
from catalog.models import Policy
from instainstru.errors import ConflictError

START = datetime(2026, 6, 10, 14, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
LONG_AGO = START - timedelta(days=30)


NUMBERS = PolicyNumbers.of(Policy())


def outcome(
    booking: BookingFacts, actor: Actor, now: datetime, numbers: PolicyNumbers = NUMBERS
) -> Outcome:
    """Decide by the first policy unless a test says otherwise."""
    return policies.outcome(booking, actor, now, numbers)


def paid(**values: Any) -> BookingFacts:
    """A $90 lesson with $10 travel: $5 promo, $20 credit, $75 card; the fee is $13.50."""
    plain: dict[str, Any] = {
        "start_at": START,
        "end_at": START + HOUR,
        "confirmed_at": LONG_AGO,
        "price_cents": 90_00,
        "travel_fee_cents": 10_00,
        "promo_cents": 5_00,
        "credit_cents": 20_00,
    }
    return BookingFacts(**plain | values)


def money(due: Outcome) -> tuple[str, int, int, int, int, int]:
    """Row, card, returned credit, new credit, gift, instructor."""
    return (
        due.case,
        due.card_refund_cents,
        due.credit_returned_cents,
        due.credit_issued_cents,
        due.extra_credit_cents,
        due.instructor_cents,
    )


TO_CARD = (75_00, 20_00, 0, 0, 0)
TO_CREDIT = (0, 20_00, 75_00, 0, 0)
LOST = (0, 0, 0, 0, 86_50)


@pytest.mark.parametrize(
    ("before_start", "expected"),
    [
        (48 * HOUR, ("C2", *TO_CARD)),
        (24 * HOUR, ("C2", *TO_CARD)),
        (24 * HOUR - SECOND, ("C3", *TO_CREDIT)),
        (12 * HOUR, ("C3", *TO_CREDIT)),
        (12 * HOUR - SECOND, ("C4", *LOST)),
        (SECOND, ("C4", *LOST)),
    ],
)
def test_student_gets_less_the_later_they_cancel(
    before_start: timedelta, expected: tuple[Any, ...]
) -> None:
    """C2-C4: a boundary belongs to the kinder side."""
    assert money(outcome(paid(), Actor.STUDENT, START - before_start)) == expected


@pytest.mark.parametrize("late", [timedelta(0), SECOND, HOUR])
@pytest.mark.parametrize("actor", [Actor.STUDENT, Actor.INSTRUCTOR])
def test_nobody_cancels_a_lesson_that_has_started(late: timedelta, actor: Actor) -> None:
    """05 §2: now = start, cancel refused."""
    with pytest.raises(ConflictError) as refused:
        outcome(paid(is_excused=True), actor, START + late)
    assert refused.value.error_code == "lesson_started"


@pytest.mark.parametrize(
    ("after_confirming", "before_start", "case"),
    [
        (timedelta(0), 5 * HOUR, "C1"),
        (10 * MINUTE, 5 * HOUR, "C1"),
        (10 * MINUTE + SECOND, 5 * HOUR, "C4"),
        (5 * MINUTE, HOUR, "C1"),
        (5 * MINUTE, HOUR - SECOND, "C4"),
        (10 * MINUTE, 15 * HOUR, "C1"),
        (10 * MINUTE + SECOND, 15 * HOUR, "C3"),
    ],
)
def test_grace_after_confirming(
    after_confirming: timedelta, before_start: timedelta, case: str
) -> None:
    """C1: at most 10 minutes after confirming and at least 1 hour before the start."""
    now = START - before_start
    due = outcome(paid(confirmed_at=now - after_confirming), Actor.STUDENT, now)
    assert due.case == case
    if case == "C1":
        assert money(due)[1:] == TO_CARD


@pytest.mark.parametrize(
    ("before_start", "expected"),
    [
        (24 * HOUR, ("C5", *TO_CREDIT)),
        (24 * HOUR - SECOND, ("C3", *TO_CREDIT)),
        (12 * HOUR - SECOND, ("C4", *LOST)),
    ],
)
def test_moved_late_gives_credit_instead_of_money(
    before_start: timedelta, expected: tuple[Any, ...]
) -> None:
    """C5, and C1 comes before it."""
    now = START - before_start
    assert money(outcome(paid(is_late_move=True), Actor.STUDENT, now)) == expected
    graced = paid(is_late_move=True, confirmed_at=now - MINUTE)
    assert outcome(graced, Actor.STUDENT, now).case == "C1"


def test_student_may_choose_credit_while_cancelling_is_free() -> None:
    """C2: 100 % to the card, or credit at choice; nowhere else."""
    choice = paid(refund_to=RefundTo.CREDIT)
    assert money(outcome(choice, Actor.STUDENT, START - 24 * HOUR)) == ("C2", *TO_CREDIT)
    assert money(outcome(choice, Actor.STUDENT, START - HOUR)) == ("C4", *LOST)
    graced = replace(choice, confirmed_at=START - 30 * HOUR)
    assert money(outcome(graced, Actor.STUDENT, START - 30 * HOUR)) == ("C1", *TO_CARD)


@pytest.mark.parametrize(
    ("before_start", "gift", "is_strike"),
    [(24 * HOUR, 0, False), (24 * HOUR - SECOND, 10_00, True), (SECOND, 10_00, True)],
)
def test_instructor_who_cancels_pays_with_their_name(
    before_start: timedelta, gift: int, is_strike: bool
) -> None:
    """C6: everything back including travel; $10 and a strike when t < 24 h."""
    due = outcome(paid(confirmed_at=START - before_start), Actor.INSTRUCTOR, START - before_start)
    assert money(due) == ("C6", 75_00, 20_00, 0, gift, 0)
    assert due.is_strike is is_strike
    assert due.credit_cents == 20_00 + gift


def test_instructor_who_does_not_come() -> None:
    """C7: 100 %, 20 % of the price on top, a strike."""
    due = outcome(paid(kind=Kind.NO_SHOW_INSTRUCTOR), Actor.STUDENT, START + HOUR)
    assert money(due) == ("C7", 75_00, 20_00, 0, 18_00, 0)
    assert due.is_strike
    assert due.valid_until is None


@pytest.mark.parametrize("now", [START - 48 * HOUR, START - HOUR, START + HOUR])
def test_staff_cancel_at_any_time_without_strike(now: datetime) -> None:
    """C7, T10."""
    due = outcome(paid(), Actor.STAFF, now)
    assert money(due) == ("C7", *TO_CARD)
    assert not due.is_strike
    assert due.valid_until is None


@pytest.mark.parametrize("before_start", [48 * HOUR, 18 * HOUR, SECOND])
@pytest.mark.parametrize("is_late_move", [True, False])
def test_excused_cancellation_is_free_until_the_start(
    before_start: timedelta, is_late_move: bool
) -> None:
    """C8: refused instructor proposal, emergency, weather; before C5 and C2-C4."""
    excused = paid(is_excused=True, is_late_move=is_late_move)
    due = outcome(excused, Actor.STUDENT, START - before_start)
    assert money(due) == ("C8", *TO_CARD)
    assert due.valid_until == START


def test_student_who_does_not_come_loses_everything() -> None:
    """C4: student no-show, whoever reported it; instructor 100 % less fee, travel in full."""
    for actor in (Actor.INSTRUCTOR, Actor.STAFF, Actor.CLOCK):
        due = outcome(paid(kind=Kind.NO_SHOW_STUDENT), actor, START + 2 * HOUR)
        assert money(due) == ("C4", *LOST)
        assert due.fee_cents == 13_50
        assert not due.is_strike


def test_founding_instructor_pays_the_smaller_fee() -> None:
    """00 §5: 8 % of the lesson price, not of travel."""
    due = outcome(paid(fee_pct=8), Actor.STUDENT, START - HOUR)
    assert (due.fee_cents, due.instructor_cents) == (7_20, 92_80)


@pytest.mark.parametrize(
    ("after_end", "is_covered"),
    [(-SECOND, False), (timedelta(0), True), (48 * HOUR, True), (48 * HOUR + SECOND, False)],
)
def test_good_fit_is_claimed_within_two_days(after_end: timedelta, is_covered: bool) -> None:
    """C9: 100 % credit paid by the platform, the instructor keeps the money."""
    claim = paid(kind=Kind.GOOD_FIT_CLAIM, is_first_with_instructor=True)
    now = claim.end_at + after_end
    if not is_covered:
        with pytest.raises(ConflictError):
            outcome(claim, Actor.STUDENT, now)
        return
    due = outcome(claim, Actor.STUDENT, now)
    assert money(due) == ("C9", 0, 20_00, 75_00, 0, 86_50)
    assert due.valid_until == claim.end_at + 48 * HOUR


def test_good_fit_is_for_first_lessons_once_in_ninety_days() -> None:
    """C9."""
    claim = paid(kind=Kind.GOOD_FIT_CLAIM, is_first_with_instructor=True)
    now = claim.end_at
    with pytest.raises(ConflictError):
        outcome(replace(claim, is_first_with_instructor=False), Actor.STUDENT, now)
    recent = now - timedelta(days=90) + SECOND
    with pytest.raises(ConflictError):
        outcome(replace(claim, last_good_fit_at=recent), Actor.STUDENT, now)
    old = replace(claim, last_good_fit_at=now - timedelta(days=90))
    assert outcome(old, Actor.STUDENT, now).case == "C9"


def test_only_people_of_the_table_have_an_outcome() -> None:
    for actor in (Actor.GUEST, Actor.CLOCK):
        with pytest.raises(ValueError, match="no row"):
            outcome(paid(), actor, START - HOUR)


@pytest.mark.parametrize(
    ("before_start", "confirmed_ago", "until"),
    [
        (48 * HOUR, 30 * 24 * HOUR, START - 24 * HOUR),
        (24 * HOUR, 30 * 24 * HOUR, START - 24 * HOUR),
        (24 * HOUR - SECOND, 30 * 24 * HOUR, START - 12 * HOUR),
        (12 * HOUR, 30 * 24 * HOUR, START - 12 * HOUR),
        (11 * HOUR, 30 * 24 * HOUR, START),
        (48 * HOUR, MINUTE, START - 24 * HOUR),
        (15 * HOUR, MINUTE, START - 15 * HOUR + 9 * MINUTE),
        (62 * MINUTE, MINUTE, START - HOUR),
    ],
)
def test_outcome_says_how_long_it_holds(
    before_start: timedelta, confirmed_ago: timedelta, until: datetime
) -> None:
    """S11.2: grace that ends in free cancellation changes no money, so it does not end there."""
    now = START - before_start
    due = outcome(paid(confirmed_at=now - confirmed_ago), Actor.STUDENT, now)
    assert due.valid_until == until


OFFSETS = st.integers(1, 60 * 3600).map(lambda seconds: timedelta(seconds=seconds))


@given(OFFSETS, OFFSETS, OFFSETS, st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=300, deadline=None)
def test_outcome_holds_until_its_time_and_not_longer(
    before: timedelta,
    wait: timedelta,
    confirmed_ago: timedelta,
    is_late_move: bool,
    is_excused: bool,
    by_instructor: bool,
) -> None:
    """S11.2: preview and execution are one function."""
    now = START - before
    actor = Actor.INSTRUCTOR if by_instructor else Actor.STUDENT
    booking = paid(
        confirmed_at=now - confirmed_ago,
        is_late_move=is_late_move,
        is_excused=is_excused,
        promo_expires_at=START - 30 * HOUR,
    )
    due = outcome(booking, actor, now)
    assert due.valid_until is not None
    assert now <= due.valid_until <= START
    later = now + wait
    if later >= START:
        return
    same = outcome(booking, actor, later).same_money(due)
    if later <= due.valid_until:
        assert same
    just_after = due.valid_until + timedelta(microseconds=1)
    if just_after < START:
        assert not outcome(booking, actor, just_after).same_money(due)


@given(
    st.integers(0, 500_00),
    st.integers(0, 50_00),
    st.integers(0, 100),
    st.integers(0, 100),
    OFFSETS,
    st.sampled_from([Actor.STUDENT, Actor.INSTRUCTOR, Actor.STAFF]),
)
@settings(max_examples=200, deadline=None)
def test_nobody_gets_more_than_was_paid(
    price: int, travel: int, promo_pct: int, credit_pct: int, before: timedelta, actor: Actor
) -> None:
    """G9: card money goes back to the card only, credits come back as credits."""
    total = price + travel
    promo = total * promo_pct // 100
    booking = paid(
        price_cents=price,
        travel_fee_cents=travel,
        promo_cents=promo,
        credit_cents=(total - promo) * credit_pct // 100,
    )
    due = outcome(booking, actor, START - before)
    back = due.card_refund_cents + due.credit_returned_cents + due.credit_issued_cents
    assert due.card_refund_cents <= booking.card_cents
    assert due.credit_returned_cents <= booking.credit_cents
    assert back + due.instructor_cents + due.fee_cents in {total, total - promo}


@pytest.mark.parametrize(
    ("expires", "before_start", "is_returned"),
    [
        (None, 48 * HOUR, True),
        (START - 47 * HOUR, 48 * HOUR, True),
        (START - 48 * HOUR, 48 * HOUR, False),
        (None, HOUR, False),
    ],
)
def test_promo_returns_if_unexpired(
    expires: datetime | None, before_start: timedelta, is_returned: bool
) -> None:
    """05 §4; nothing returns where nothing is given back."""
    due = outcome(paid(promo_expires_at=expires), Actor.STUDENT, START - before_start)
    assert due.is_promo_returned is is_returned
    assert not outcome(paid(promo_cents=0), Actor.STUDENT, START - 48 * HOUR).is_promo_returned


@pytest.mark.parametrize(
    ("case", "refund_to", "expected"),
    [
        ("C3", RefundTo.CARD, TO_CARD),
        ("C4", RefundTo.CARD, TO_CARD),
        ("C4", RefundTo.CREDIT, TO_CREDIT),
    ],
)
def test_instructor_may_waive_within_two_days(
    case: str, refund_to: RefundTo, expected: tuple[int, ...]
) -> None:
    """C3: 100 % card instead of the credit; C4: credit or card."""
    decided = START - HOUR
    until = decided + 48 * HOUR
    due = policies.waived(paid(), case, refund_to, decided_at=decided, now=until, numbers=NUMBERS)
    assert money(due) == (case, *expected)
    assert due.valid_until == until
    with pytest.raises(ConflictError):
        policies.waived(
            paid(), case, refund_to, decided_at=decided, now=until + SECOND, numbers=NUMBERS
        )


@pytest.mark.parametrize(
    ("case", "refund_to"),
    [("C2", RefundTo.CARD), ("C3", RefundTo.CREDIT), ("C9", RefundTo.CARD)],
)
def test_other_rows_have_nothing_to_waive(case: str, refund_to: RefundTo) -> None:
    with pytest.raises(ConflictError):
        policies.waived(paid(), case, refund_to, decided_at=START, now=START, numbers=NUMBERS)


def test_staff_who_give_everything_back_give_the_promo_back_too() -> None:
    """T10: all of it, in whatever words, is C7; a part of it keeps the promo spent."""
    now, some = START - HOUR, paid(promo_expires_at=START)
    everything = policies.split(some, card_cents=75_00, credit_cents=20_00, now=now)
    assert everything.same_money(outcome(some, Actor.STAFF, now))
    assert everything.is_promo_returned
    late = policies.split(some, card_cents=75_00, credit_cents=20_00, now=START)
    part = policies.split(some, card_cents=75_00, credit_cents=19_00, now=now)
    assert (late.is_promo_returned, part.is_promo_returned) == (False, False)


def test_numbers_of_the_booking_decide() -> None:
    """00 §6: a booking keeps the policy it was made under."""
    numbers = PolicyNumbers.of(Policy(free_cancel_hours=48, credit_cancel_hours=6))
    assert numbers == replace(NUMBERS, free_cancel_hours=48, credit_cancel_hours=6)
    cases = [
        outcome(paid(), Actor.STUDENT, START - hours * HOUR, numbers).case
        for hours in (48, 47, 6, 5)
    ]
    assert cases == ["C2", "C3", "C3", "C4"]
    assert policies.cancel_deadlines(START, numbers, START).free_until == START - 48 * HOUR


@pytest.mark.parametrize(
    ("cents", "pct", "expected"),
    [(50, 15, 8), (10, 15, 2), (30, 15, 4), (90_00, 15, 13_50), (90_10, 15, 13_52), (0, 15, 0)],
)
def test_percentages_round_half_to_even(cents: int, pct: int, expected: int) -> None:
    """G9: 7.5 -> 8, 1.5 -> 2, 4.5 -> 4."""
    assert percent_of(cents, pct) == expected
