"""A hold as it stands at an instant, with what is to be paid (Spec: S13.1, S14.7)."""

from dataclasses import dataclass
from datetime import datetime

from accounts.owners import Owner
from bookings.lessons import checkout
from bookings.lessons.models import Booking
from bookings.lessons.selectors import held_together
from bookings.lessons.states import Status
from bookings.lessons.transitions import current_status


@dataclass(frozen=True)
class Held:
    """The first row of what was held in one go, how many rows, and what the card would pay."""

    booking: Booking
    status: Status
    lessons: int
    due_cents: int


def find_held(*, by: Owner, hold_id: str, now: datetime) -> Held:
    """Return the owner's hold, whatever its state; raises ``NotFoundError``. Spec: S13.1, G5"""
    hold = checkout.find_hold(by=by, hold_id=hold_id)
    return Held(
        booking=hold,
        status=current_status(hold, now),
        lessons=len(held_together(hold)),
        due_cents=checkout.split_of(hold, by.user_id, now).card_cents,
    )
