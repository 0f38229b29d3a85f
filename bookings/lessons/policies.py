"""What ending a lesson early costs and gives back, as one pure function (Spec: 05 §4).

The preview on the page and the cancellation itself call the same ``outcome``. Time is counted in
absolute seconds; a boundary belongs to the kinder side.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bookings.lessons.states import Actor
from bookings.payments.entries import percent_of
from instainstru.errors import ConflictError

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyNumbers:
    """The business numbers of cancelling; a booking keeps those of its own policy (00 §6)."""

    grace_minutes: int
    grace_min_before_start_minutes: int
    free_cancel_hours: int
    credit_cancel_hours: int
    late_instructor_credit_cents: int
    no_show_credit_pct: int
    waive_hours: int
    good_fit_claim_hours: int
    good_fit_per_days: int

    @classmethod
    def of(cls, row: object) -> "PolicyNumbers":
        """Take the numbers of a stored policy."""
        return cls(**{field.name: getattr(row, field.name) for field in fields(cls)})


class Kind(StrEnum):
    """What ends the lesson or its payment."""

    CANCELLATION = "cancellation"
    NO_SHOW_STUDENT = "no_show_student"
    NO_SHOW_INSTRUCTOR = "no_show_instructor"
    GOOD_FIT_CLAIM = "good_fit_claim"


class RefundTo(StrEnum):
    """Where a student who may choose wants the money."""

    CARD = "card"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingFacts:
    """A paid booking and what has happened around it; money in cents, instants aware.

    ``price_cents + travel_fee_cents`` is what was paid, by promo, then credit, then card.
    ``is_excused`` says that a C8 case holds: an instructor's proposal declined or lapsed, an
    emergency approved by staff, or weather agreed by both for a lesson outdoors.
    """

    start_at: datetime
    end_at: datetime
    confirmed_at: datetime
    price_cents: int
    travel_fee_cents: int = 0
    promo_cents: int = 0
    credit_cents: int = 0
    fee_pct: int = 15
    is_late_move: bool = False
    is_excused: bool = False
    kind: Kind = Kind.CANCELLATION
    refund_to: RefundTo = RefundTo.CARD
    promo_expires_at: datetime | None = None
    is_first_with_instructor: bool = False
    last_good_fit_at: datetime | None = None

    @property
    def total_cents(self) -> int:
        """Lesson and travel."""
        return self.price_cents + self.travel_fee_cents

    @property
    def card_cents(self) -> int:
        """The part of the total that the card paid."""
        return self.total_cents - self.promo_cents - self.credit_cents

    @property
    def fee_cents(self) -> int:
        """The platform's fee on the lesson price, travel free of it (Spec: 00 §5)."""
        return percent_of(self.price_cents, self.fee_pct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Who gets what, in cents, by which row of the table.

    ``card_refund_cents`` goes back to the card; ``credit_returned_cents`` are credits used for the
    booking, coming back with their old expiry; ``credit_issued_cents`` is new credit in place of
    card money; ``extra_credit_cents`` is a gift of the platform on top. ``is_promo_returned`` gives
    the promo back. ``valid_until`` is the last instant at which the same money is due (for an
    outcome that ends with the start: the start itself, when it is already too late).
    """

    case: str
    card_refund_cents: int = 0
    credit_returned_cents: int = 0
    credit_issued_cents: int = 0
    extra_credit_cents: int = 0
    is_promo_returned: bool = False
    instructor_cents: int = 0
    fee_cents: int = 0
    is_strike: bool = False
    valid_until: datetime | None = None

    @property
    def credit_cents(self) -> int:
        """All the credit the student ends up with."""
        return self.credit_returned_cents + self.credit_issued_cents + self.extra_credit_cents

    def same_money(self, other: "Outcome") -> bool:
        """Tell whether everybody gets the same, whatever the row is called (Spec: S11.2)."""
        return replace(self, case="", valid_until=None) == replace(other, case="", valid_until=None)


@dataclass(frozen=True)
class CancelDeadlines:
    """Until when a student gets the money back, and until when credit; equality is in time.

    In the first ``grace_minutes`` after booking everything comes back anyway. Spec: C1-C4, D6
    """

    free_until: datetime
    credit_until: datetime
    grace_minutes: int
    now: datetime

    @property
    def is_free(self) -> bool:
        """Whether free cancellation is still ahead."""
        return self.now <= self.free_until

    @property
    def is_credit(self) -> bool:
        """Whether credit is still ahead."""
        return self.now <= self.credit_until


def cancel_deadlines(start_at: datetime, numbers: PolicyNumbers, now: datetime) -> CancelDeadlines:
    """Return the deadlines of a lesson as they stand at ``now``."""
    return CancelDeadlines(
        free_until=_free_until(start_at, numbers),
        credit_until=_credit_until(start_at, numbers),
        grace_minutes=numbers.grace_minutes,
        now=now,
    )


def _free_until(start_at: datetime, numbers: PolicyNumbers) -> datetime:
    """Return the last instant of free cancellation: absolute hours before the start (Spec: D6)."""
    return start_at - timedelta(hours=numbers.free_cancel_hours)


def _credit_until(start_at: datetime, numbers: PolicyNumbers) -> datetime:
    return start_at - timedelta(hours=numbers.credit_cancel_hours)


def outcome(
    booking: BookingFacts,
    actor: Actor,
    now: datetime,
    numbers: PolicyNumbers,
) -> Outcome:
    """Return what happens to the money if ``actor`` does what ``booking.kind`` says at ``now``.

    The first matching row in the order C6-C9, C1, C5, C2-C4 applies. Raises ``ConflictError``
    when it may not happen: a cancellation from the start on, a good-fit claim without its
    conditions (Spec: 05 §4, T8, T9, S11.2).
    """
    due = _decide(booking, actor, now, numbers)
    return replace(due, valid_until=_valid_until(booking, actor, now, numbers, due))


def _decide(booking: BookingFacts, actor: Actor, now: datetime, numbers: PolicyNumbers) -> Outcome:
    if booking.kind is Kind.NO_SHOW_INSTRUCTOR:
        gift = percent_of(booking.price_cents, numbers.no_show_credit_pct)
        return _back_to_card(booking, now, "C7", extra_credit_cents=gift, is_strike=True)
    if booking.kind is Kind.NO_SHOW_STUDENT:
        return _nothing_back(booking, "C4")
    if booking.kind is Kind.GOOD_FIT_CLAIM:
        return _good_fit(booking, now, numbers)
    if actor is Actor.STAFF:
        return _back_to_card(booking, now, "C7")
    if actor not in {Actor.STUDENT, Actor.INSTRUCTOR}:
        raise ValueError(f"no row of the table is about {actor}")
    if now >= booking.start_at:
        raise ConflictError("This lesson has already started.", code="lesson_started")
    if actor is Actor.INSTRUCTOR:
        return _by_instructor(booking, now, numbers)
    if booking.is_excused:
        return _back_to_card(booking, now, "C8")
    return _by_student(booking, now, numbers)


def _by_instructor(booking: BookingFacts, now: datetime, numbers: PolicyNumbers) -> Outcome:
    if now <= _free_until(booking.start_at, numbers):
        return _back_to_card(booking, now, "C6")
    gift = numbers.late_instructor_credit_cents
    return _back_to_card(booking, now, "C6", extra_credit_cents=gift, is_strike=True)


def _by_student(booking: BookingFacts, now: datetime, numbers: PolicyNumbers) -> Outcome:
    if now <= _grace_until(booking, numbers):
        return _back_to_card(booking, now, "C1")
    if now <= _free_until(booking.start_at, numbers):
        if booking.is_late_move:
            return _back_as_credit(booking, now, "C5")
        back = _back_to_card if booking.refund_to is RefundTo.CARD else _back_as_credit
        return back(booking, now, "C2")
    if now <= _credit_until(booking.start_at, numbers):
        return _back_as_credit(booking, now, "C3")
    return _nothing_back(booking, "C4")


def _grace_until(booking: BookingFacts, numbers: PolicyNumbers) -> datetime:
    return min(
        booking.confirmed_at + timedelta(minutes=numbers.grace_minutes),
        booking.start_at - timedelta(minutes=numbers.grace_min_before_start_minutes),
    )


def _good_fit(booking: BookingFacts, now: datetime, numbers: PolicyNumbers) -> Outcome:
    claim_until = booking.end_at + timedelta(hours=numbers.good_fit_claim_hours)
    last, pause = booking.last_good_fit_at, timedelta(days=numbers.good_fit_per_days)
    if not booking.is_first_with_instructor or not booking.end_at <= now <= claim_until:
        raise ConflictError("The good-fit promise does not cover this.", code="good_fit_closed")
    if last is not None and now - last < pause:
        raise ConflictError("You used the good-fit promise lately.", code="good_fit_used")
    return replace(
        _back_as_credit(booking, now, "C9"),
        instructor_cents=booking.total_cents - booking.fee_cents,
        fee_cents=booking.fee_cents,
    )


def _returns_promo(booking: BookingFacts, now: datetime) -> bool:
    expires_at = booking.promo_expires_at
    return booking.promo_cents > 0 and (expires_at is None or now < expires_at)


def _back_to_card(
    booking: BookingFacts,
    now: datetime,
    case: str,
    *,
    extra_credit_cents: int = 0,
    is_strike: bool = False,
) -> Outcome:
    return Outcome(
        case=case,
        card_refund_cents=booking.card_cents,
        credit_returned_cents=booking.credit_cents,
        extra_credit_cents=extra_credit_cents,
        is_promo_returned=_returns_promo(booking, now),
        is_strike=is_strike,
    )


def _back_as_credit(booking: BookingFacts, now: datetime, case: str) -> Outcome:
    return Outcome(
        case=case,
        credit_returned_cents=booking.credit_cents,
        credit_issued_cents=booking.card_cents,
        is_promo_returned=_returns_promo(booking, now),
    )


def _nothing_back(booking: BookingFacts, case: str) -> Outcome:
    return Outcome(
        case=case,
        instructor_cents=booking.total_cents - booking.fee_cents,
        fee_cents=booking.fee_cents,
    )


def _boundaries(booking: BookingFacts, numbers: PolicyNumbers) -> Iterator[datetime]:
    """Yield the last instants of every stretch in which the table gives one answer."""
    yield _grace_until(booking, numbers)
    yield _free_until(booking.start_at, numbers)
    yield _credit_until(booking.start_at, numbers)
    yield booking.end_at + timedelta(hours=numbers.good_fit_claim_hours)
    if booking.promo_expires_at is not None:
        yield booking.promo_expires_at - _INSTANT


def _valid_until(
    booking: BookingFacts, actor: Actor, now: datetime, numbers: PolicyNumbers, due: Outcome
) -> datetime | None:
    may_start = booking.kind is Kind.CANCELLATION and actor is not Actor.STAFF
    later = sorted(instant for instant in _boundaries(booking, numbers) if instant >= now)
    for instant in later:
        if may_start and instant >= booking.start_at:
            break
        if not _is_still_due(booking, actor, instant + _INSTANT, numbers, due):
            return instant
    return booking.start_at if may_start else None


def _is_still_due(
    booking: BookingFacts, actor: Actor, now: datetime, numbers: PolicyNumbers, due: Outcome
) -> bool:
    try:
        return _decide(booking, actor, now, numbers).same_money(due)
    except ConflictError:
        return False


def split(booking: BookingFacts, *, card_cents: int, credit_cents: int, now: datetime) -> Outcome:
    """Return what is due when staff decide how much goes back, in cents (T10, T14).

    The instructor keeps what is left of the price less the fee on it. Everything given back is the
    same as C7. Raises ``ConflictError`` for more than the card paid or than was paid in all.
    """
    paid_cents = booking.card_cents + booking.credit_cents
    if not 0 <= card_cents <= booking.card_cents or not 0 <= credit_cents <= (
        paid_cents - card_cents
    ):
        raise ConflictError("That is more than was paid.", code="refund_exceeds_paid")
    is_everything = card_cents + credit_cents == paid_cents
    if is_everything:
        kept_cents = fee_cents = 0
    else:
        kept_cents = booking.total_cents - card_cents - credit_cents
        fee_cents = percent_of(min(kept_cents, booking.price_cents), booking.fee_pct)
    returned_cents = min(credit_cents, booking.credit_cents)
    return Outcome(
        case="T10",
        card_refund_cents=card_cents,
        credit_returned_cents=returned_cents,
        credit_issued_cents=credit_cents - returned_cents,
        is_promo_returned=is_everything and _returns_promo(booking, now),
        instructor_cents=kept_cents - fee_cents,
        fee_cents=fee_cents,
    )


def excused(booking: BookingFacts, now: datetime) -> Outcome:
    """Return what is due when staff accept that an emergency kept the student away (C8)."""
    return _back_to_card(booking, now, "C8")


def waived(
    booking: BookingFacts,
    case: str,
    refund_to: RefundTo,
    *,
    decided_at: datetime,
    now: datetime,
    numbers: PolicyNumbers,
) -> Outcome:
    """Return what is due once the instructor forgoes the money of a late cancellation.

    C3 turns its credit into a full card refund, C4 gives everything back as the instructor
    chooses; both within 48 h of ``decided_at``. Raises ``ConflictError`` later, and for any other
    row (Spec: 05 §4 C3, C4, S15.9).
    """
    if case not in {"C3", "C4"} or (case == "C3" and refund_to is not RefundTo.CARD):
        raise ConflictError("There is nothing to waive here.", code="nothing_to_waive")
    until = decided_at + timedelta(hours=numbers.waive_hours)
    if now > until:
        raise ConflictError("The time to waive this has passed.", code="waive_closed")
    back = _back_to_card if refund_to is RefundTo.CARD else _back_as_credit
    return replace(back(booking, now, case), valid_until=until)
