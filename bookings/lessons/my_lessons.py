"""The lists of My Lessons: which lesson stands where, and what its card says.

Spec: 06 section 3
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.urls import reverse

from bookings.lessons.cancellation import current_status
from bookings.lessons.models import Booking
from bookings.lessons.money_words import returned_words
from bookings.lessons.places import place_in_words
from bookings.lessons.policies import PolicyNumbers, free_cancel_until
from bookings.lessons.states import CANCELLED, NO_SHOW, Status, is_in_progress
from bookings.payments.selectors import PaymentSummary, payment_summaries
from instainstru.templatetags.ui import format_when
from instainstru.templatetags.ui import money as format_money

if TYPE_CHECKING:
    from accounts.models import User
    from bookings.lessons.managers import BookingQuerySet

SOON = timedelta(hours=24)


def _upcoming(now: datetime) -> Q:
    return Q(status="confirmed", end_at__gt=now) | Q(status="held", expires_at__gt=now)


def _completed(now: datetime) -> Q:
    return Q(status__in=["ended", "completed", "reported"]) | Q(status="confirmed", end_at__lte=now)


def _cancelled(now: datetime) -> Q:
    return Q(status__in=[*CANCELLED, *NO_SHOW])


@dataclass(frozen=True)
class Tab:
    """One list with its address, name, rows and order."""

    name: str
    which: Callable[[datetime], Q]
    order: str
    empty: str

    def rows(self, user: "User", now: datetime) -> "BookingQuerySet":
        """Return the person's lessons of this list in its order, the id breaking ties."""
        rows = Booking.objects.of_student(user).filter(self.which(now))
        return rows.select_related(
            "instructor__base_neighborhood", "learner", "neighborhood", "policy"
        ).order_by(self.order, "pk")


TABS = {
    "upcoming": Tab("Upcoming", _upcoming, "start_at", "No lessons booked."),
    "completed": Tab("Completed", _completed, "-start_at", "No completed lessons yet."),
    "cancelled": Tab("Canceled", _cancelled, "-start_at", "Nothing canceled."),
}


@dataclass(frozen=True)
class TabCount:
    """A tab as the page shows it."""

    key: str
    name: str
    count: int


def tab_counts(user: "User", now: datetime) -> list[TabCount]:
    """Return every tab with the number of lessons in it."""
    return [
        TabCount(key, tab.name, Booking.objects.of_student(user).filter(tab.which(now)).count())
        for key, tab in TABS.items()
    ]


@dataclass(frozen=True)
class LessonCard:
    """A lesson with what its card shows."""

    booking: Booking
    badge: str
    tone: str
    place: str
    free_until: datetime | None
    can_cancel: bool
    payment: PaymentSummary | None

    @property
    def title(self) -> str:
        """Service and instructor."""
        return f"{self.booking.service_name} with {self.booking.instructor.display_name}"

    @property
    def url(self) -> str:
        """The lesson's page, or the checkout of a hold."""
        if self.booking.code is None:
            return reverse("lessons:checkout", args=[self.booking.hold_id])
        return reverse("lessons:detail", args=[self.booking.code])

    @property
    def as_component(self) -> dict[str, object]:
        """The plain values of ``components/lesson_card.html``."""
        booking = self.booking
        return {
            "url": self.url,
            "title": self.title,
            "instructor_name": booking.instructor.display_name,
            "start_at": booking.start_at,
            "end_at": booking.end_at,
            "zone": booking.zone,
            "status": {"kind": self.tone, "icon": _ICONS[self.tone], "text": self.badge},
            "facts": [
                fact for fact in (booking.learner and booking.learner.name, self.place) if fact
            ],
            "price_text": format_money(booking.total_cents),
            "note": self._note(),
            "actions": self._actions(),
        }

    def _note(self) -> str:
        if self.free_until is not None:
            return f"Free to cancel until {format_when(self.free_until, self.booking.zone)}"
        if self.booking.status in CANCELLED:
            return returned_words(self.payment)
        return ""

    def _actions(self) -> list[dict[str, str]]:
        code = self.booking.code
        if code is None:
            return [{"url": self.url, "label": "Continue", "variant": "cta"}]
        if not self.can_cancel:
            return []
        return [
            {"url": reverse("lessons:cancel", args=[code]), "label": "Cancel"},
            {"url": reverse("lessons:calendar-file", args=[code]), "label": "Add to calendar"},
        ]


_ICONS = {"ok": "circle-check", "warn": "clock", "info": "info", "danger": "circle-x"}


@dataclass(frozen=True)
class DayOfLessons:
    """The lessons under one day heading."""

    on: date
    cards: list[LessonCard]


def by_day(cards: Iterable[LessonCard]) -> list[DayOfLessons]:
    """Group cards that are in order under the local date of their start."""
    days: list[DayOfLessons] = []
    for card in cards:
        on = card.booking.start_at.astimezone(ZoneInfo(card.booking.zone)).date()
        if not days or days[-1].on != on:
            days.append(DayOfLessons(on, []))
        days[-1].cards.append(card)
    return days


def cards_of(bookings: Iterable[Booking], now: datetime) -> list[LessonCard]:
    """Return the cards of some lessons, their money read in one go."""
    rows = list(bookings)
    money = payment_summaries([row.pk for row in rows])
    return [_card(row, money.get(row.pk), now) for row in rows]


def _card(booking: Booking, payment: PaymentSummary | None, now: datetime) -> LessonCard:
    state = current_status(booking, now)
    badge, tone = _badge(booking, state, now)
    free_until = free_cancel_until(booking.start_at, PolicyNumbers.of(booking.policy))
    can_cancel = state is Status.CONFIRMED and now < booking.start_at
    return LessonCard(
        booking=booking,
        badge=badge,
        tone=tone,
        place=place_in_words(booking),
        free_until=free_until if can_cancel and now <= free_until else None,
        can_cancel=can_cancel,
        payment=payment,
    )


_BADGES = {
    Status.HELD: ("Held for you", "warn"),
    Status.ENDED: ("How did it go?", "info"),
    Status.COMPLETED: ("Completed", "ok"),
    Status.REPORTED: ("Under review", "warn"),
    Status.CANCELLED_STUDENT: ("Canceled by you", "danger"),
    Status.CANCELLED_INSTRUCTOR: ("Canceled by the instructor", "danger"),
    Status.CANCELLED_STAFF: ("Canceled by InstaInstru", "danger"),
    Status.NO_SHOW_STUDENT: ("You did not come", "danger"),
    Status.NO_SHOW_INSTRUCTOR: ("The instructor did not come", "danger"),
    Status.EXPIRED: ("Hold ended", "info"),
}


def _badge(booking: Booking, state: Status, now: datetime) -> tuple[str, str]:
    if state is not Status.CONFIRMED:
        return _BADGES[state]
    if is_in_progress(state, start_at=booking.start_at, end_at=booking.end_at, now=now):
        return "Live now", "ok"
    left = booking.start_at - now
    if left > SOON:
        return "Confirmed", "ok"
    hours, minutes = left // timedelta(hours=1), (left % timedelta(hours=1)) // timedelta(minutes=1)
    return f"Starts in {hours} h {minutes:02d} min", "info"
