"""What waits for a person in their lessons, for the evening digest (Spec: S13.5)."""

from collections.abc import Sequence
from datetime import datetime

from accounts.models import User
from bookings.lessons import my_lessons, taught
from bookings.lessons.my_lessons import LessonCard, LessonFilter, cards_of, lessons_of
from bookings.lessons.states import Status
from bookings.lessons.taught import TaughtCard, taught_by, taught_cards
from bookings.notifications.digest import Waiting

NEEDS_ACTION = "needs-action"
_WORDS = {
    Status.HELD: "Your payment waits for you",
    Status.ENDED: "How did it go?",
    Status.COMPLETED: "A review is due",
    Status.REPORTED: "Under review",
}


def waiting_for_student(user: User, now: datetime) -> Sequence[Waiting]:
    """Return what stands under "Needs action" in My Lessons."""
    rows = my_lessons.TABS[NEEDS_ACTION].rows(lessons_of(user, LessonFilter()), now)
    return [_of_student(card) for card in cards_of(rows, now)]


def _of_student(card: LessonCard) -> Waiting:
    what = "A new time waits for your answer" if card.asks_me else _WORDS[card.state]
    return Waiting(card.title, what, card.url, card.booking.start_at)


def waiting_for_instructor(user: User, now: datetime) -> Sequence[Waiting]:
    """Return what stands under "Needs action" on the teaching page."""
    rows = taught.rows_of(taught_by(user, now), NEEDS_ACTION, now)
    return [_of_instructor(card) for card in taught_cards(rows, now)]


def _of_instructor(card: TaughtCard) -> Waiting:
    what = "A new time waits for your answer" if card.asks_me else "A report waits for your answer"
    return Waiting(card.title, what, card.url, card.booking.start_at)
