"""The payments of seeded lessons, with the refunds that the policy gives (Spec: 05 section 4)."""

from collections.abc import Iterable, Iterator

from bookings.lessons.models import Booking
from bookings.lessons.policies import BookingFacts, Outcome, PolicyNumbers, outcome
from bookings.lessons.states import Actor
from bookings.payments.seed import SeededCharge
from catalog.models import Policy


def charges_of(bookings: Iterable[Booking]) -> Iterator[SeededCharge]:
    """Yield one card payment for each booking; a refunded one carries when and how."""
    numbers = PolicyNumbers.of(Policy.objects.current())
    for row in bookings:
        paid_at = row.confirmed_at or row.created_at
        money = _refund(row, numbers)
        is_credit = money is not None and money.credit_issued_cents > 0
        is_refunded = money is not None and (is_credit or money.card_refund_cents > 0)
        yield SeededCharge(
            booking_id=row.pk,
            hold_id=row.hold_id,
            student_id=row.student_id or 0,  # paid lessons have a student by constraint
            instructor_id=row.instructor_id,
            price_cents=row.price_cents,
            travel_fee_cents=row.travel_fee_cents,
            fee_pct=row.fee_pct,
            paid_at=paid_at,
            cancelled_at=row.cancelled_at if is_refunded else None,
            is_refunded_as_credit=is_credit,
        )


def _refund(row: Booking, numbers: PolicyNumbers) -> Outcome | None:
    if row.cancelled_at is None or row.confirmed_at is None:
        return None
    facts = BookingFacts(
        start_at=row.start_at,
        end_at=row.end_at,
        confirmed_at=row.confirmed_at,
        price_cents=row.price_cents,
        travel_fee_cents=row.travel_fee_cents,
        fee_pct=row.fee_pct,
    )
    return outcome(facts, Actor.STUDENT, row.cancelled_at, numbers)
