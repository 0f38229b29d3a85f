"""What waits for the person on their homepage: holds to finish, lessons to answer (Spec: S9.2)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, F, Q, When
from django.urls import reverse

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.lessons.my_lessons import TABS, LessonCard, LessonFilter, lessons_of
from bookings.lessons.states import Status

MOST = 3


@dataclass(frozen=True)
class Need:
    """One line: what to do about which lesson; a hold has ``expires_at`` and ``release_url``."""

    text: str
    booking: Booking
    actions: Sequence[Mapping[str, Any]]
    note: str = ""
    expires_at: datetime | None = None
    release_url: str = ""


@dataclass(frozen=True)
class Needs:
    """The first few, and whether My Lessons has more."""

    rows: list[Need]
    has_more: bool


def waiting_for(user: User, now: datetime) -> list[Booking]:
    """Return the lessons that need the person, the most urgent first: holds end, reviews can wait.

    One more than are shown.
    """
    which = TABS["needs-action"].which(now) | Q(status="held", expires_at__gt=now)
    ends_at = Case(When(status="held", then=F("expires_at")))
    rows = (
        lessons_of(user, LessonFilter())
        .filter(which)
        .exclude(status="reported")
        .select_related("instructor", "learner", "neighborhood", "offering__service", "policy")
        .order_by(ends_at.asc(nulls_last=True), "-start_at", "pk")
    )
    return list(rows[: MOST + 1])


def needs_from(cards: Sequence[LessonCard]) -> Needs | None:
    """Return what to do about the lessons of ``waiting_for``; None when nothing waits."""
    needs = [_hold(card.booking) if card.state is Status.HELD else _lesson(card) for card in cards]
    return Needs(needs[:MOST], has_more=len(needs) > MOST) if needs else None


def _hold(booking: Booking) -> Need:
    url = reverse("lessons:checkout", args=[booking.hold_id])
    return Need(
        text=f"Finish booking {booking.service_name} with {booking.instructor.display_name}",
        booking=booking,
        actions=[{"url": url, "label": "Continue", "variant": "cta"}],
        expires_at=booking.expires_at,
        release_url=reverse("lessons:release", args=[booking.hold_id]),
    )


def _lesson(card: LessonCard) -> Need:
    """Return the first thing that My Lessons offers for it, in the same words."""
    what = "How did it go?" if card.state is Status.ENDED else "Review"
    text = f"{what} {card.title}"
    note = ". ".join(offer.note for offer in card.more if offer.note)
    return Need(text=text, booking=card.booking, actions=card.actions[:1], note=note)
