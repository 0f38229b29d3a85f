"""The modules of the signed-in homepage; what is empty is not shown (Spec: S9.2)."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from accounts.owners import Owner
from bookings.lessons.models import Booking
from bookings.lessons.my_lessons import LessonCard, cards_of
from bookings.lessons.places import place_for_student
from bookings.lessons.selectors import next_times
from catalog.interest_forms import PreferencesForm
from catalog.models import Modality
from instainstru.pages import personal_picks as picks
from instainstru.pages.needs import needs_from, waiting_for
from instainstru.pages.personal_picks import Habits, Pick, read_habits, read_offers
from instainstru.pages.sections import Section, load_section
from instainstru.templatetags.ui import relative
from search.history import recent_searches

LOOK_AHEAD_DAYS, ALL_TIMES = 14, 400


@dataclass
class PersonalHome:
    """What the signed-in homepage shows."""

    now: datetime
    next_lesson: Section
    needs: Section
    recent: Section
    again: Section
    popular: Section
    saved: Section
    new: Section
    borough: str = ""
    neighborhood: str = ""
    form: PreferencesForm | None = None
    is_new: bool = field(default=False)

    @property
    def has_countdown(self) -> bool:
        """Whether a held time runs out while the page is looked at."""
        rows = self.needs.value.rows if self.needs.value else ()
        return any(need.expires_at for need in rows)


def personal_home(user: User, now: datetime) -> PersonalHome:
    """Return the modules of one person; each fails alone. Spec: S9.2, G11."""
    habits = load_section("habits", lambda: read_habits(user, now)).value
    is_new = habits is not None and not (habits.has_answered or habits.has_booked)
    return PersonalHome(
        now=now,
        **_lessons(user, now),
        **_with_times(_picks(habits, now), now),
        recent=load_section("recent", lambda: recent_searches(Owner(user_id=user.pk))),
        borough=habits.place.borough if habits else "",
        neighborhood=habits.place.name if habits else "",
        form=PreferencesForm(auto_id="about_%s") if is_new else None,
        is_new=is_new,
    )


def _picks(habits: Habits | None, now: datetime) -> dict[str, Section]:
    modules = {
        "again": picks.book_again, "popular": picks.popular,
        "saved": picks.saved, "new": picks.new,
    }  # fmt: skip
    if habits is None:
        return dict.fromkeys(modules, Section(has_failed=True))
    offers = load_section("offers", lambda: read_offers(habits, now))
    if offers.has_failed:
        return dict.fromkeys(modules, offers)

    def choose(module: Callable[..., list[Pick]]) -> Callable[[], list[Pick]]:
        return lambda: module(habits, offers.value)

    return {name: load_section(name, choose(module)) for name, module in modules.items()}


# --- What is next and what needs the person -------------------------------------------------------
def _lessons(user: User, now: datetime) -> dict[str, Section]:
    """Read the next lesson and what needs the person together; each is made alone."""
    cards = load_section("lessons", lambda: _cards(user, now))
    if cards.has_failed:
        return {"next_lesson": cards, "needs": cards}
    upcoming, waiting = cards.value
    return {
        "next_lesson": load_section("next_lesson", lambda: _next_lesson(upcoming)),
        "needs": load_section("needs", lambda: needs_from(waiting)),
    }


def _cards(user: User, now: datetime) -> tuple[list[LessonCard], list[LessonCard]]:
    rows = Booking.objects.of_student(user).filter(status="confirmed", end_at__gt=now)
    upcoming = list(
        rows.select_related(
            "instructor__base_neighborhood", "learner", "neighborhood", "policy"
        ).order_by("start_at", "pk")[:1]
    )
    cards = cards_of([*upcoming, *waiting_for(user, now)], now)
    return cards[: len(upcoming)], cards[len(upcoming) :]


def _next_lesson(upcoming: Sequence[LessonCard]) -> dict[str, Any] | None:
    if not upcoming:
        return None
    card, booking = upcoming[0].as_component, upcoming[0].booking
    card["status_note"] = relative(booking.start_at) if upcoming[0].can_cancel else ""
    if booking.modality != Modality.ONLINE:
        who = [booking.learner.name] if booking.learner else []
        card["facts"] = [*who, place_for_student(booking)]
    return card


# --- Cards ----------------------------------------------------------------------------------------
def _with_times(sections: dict[str, Section], now: datetime) -> dict[str, Section]:
    """Turn picks into cards; all times are read together, in two queries."""
    shown = [pick for section in sections.values() for pick in section.value or ()]
    wanted = sorted({(pick.offering.instructor_id, pick.minutes) for pick in shown})
    if not wanted:
        return sections
    times = load_section(
        "times", lambda: next_times(wanted, now=now, days=LOOK_AHEAD_DAYS, limit=ALL_TIMES)
    )
    if times.has_failed:
        return {name: section and Section(has_failed=True) for name, section in sections.items()}

    def cards(section: Section) -> Callable[[], list[dict[str, Any]]]:
        return lambda: [
            _card(pick, times.value[pick.offering.instructor_id, pick.minutes])
            for pick in section.value
        ]

    return {
        name: section if not section.value else load_section(name, cards(section))
        for name, section in sections.items()
    }


def _card(pick: Pick, starts: Sequence[datetime]) -> dict[str, Any]:
    """Return the plain values of ``components/small_card.html``."""
    offer, person = pick.offering, pick.offering.instructor
    chosen: dict[str, Any] = {"service": offer.service.slug, "duration": pick.minutes}
    if pick.modality:
        chosen["place"] = pick.modality
    book = reverse("lessons:times", args=[person.slug])
    start_at = _preferred(starts, pick.weekday, ZoneInfo(person.zone))
    profile = reverse("instructor-profile", args=[person.slug])
    return {
        "url": f"{profile}?{urlencode(chosen)}",
        "slug": person.slug,
        "name": person.display_name,
        "service": offer.service.name,
        "minutes": pick.minutes,
        "price_cents": next(
            row.price_cents
            for row in offer.prices.all()
            if row.duration_minutes == pick.minutes
        ),
        "reason": pick.reason,
        "start_at": start_at,
        "zone": person.zone,
        "book_url": f"{book}?{urlencode({**chosen, 'start': f'{start_at:%Y-%m-%dT%H:%M:%SZ}'})}"
        if start_at
        else f"{book}?{urlencode(chosen)}",
    }  # fmt: skip


def _preferred(
    starts: Collection[datetime], weekday: int | None, zone: ZoneInfo
) -> datetime | None:
    """Return the first start on the weekday of the last lesson, else the first of all."""
    same = [start for start in starts if start.astimezone(zone).weekday() == weekday]
    return next(iter([*same, *starts]), None)
