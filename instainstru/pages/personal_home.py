"""The modules of the signed-in homepage; what is empty is not shown (Spec: S9.2)."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q
from django.urls import reverse
from django.utils.http import urlencode

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.lessons.my_lessons import cards_of
from bookings.lessons.places import place_for_student
from bookings.lessons.selectors import next_times
from catalog.interest_forms import PreferencesForm
from catalog.models import Favorite, LearningPreferences, Modality, Neighborhood, Offering
from instainstru.pages.cards import usual_minutes
from instainstru.pages.market import recently_booked
from instainstru.pages.needs import needs_of
from instainstru.pages.sections import Section, load_section
from instainstru.templatetags.ui import relative

MOST_CARDS = 6
LOOK_AHEAD_DAYS, ALL_TIMES = 14, 400
NEW_FOR = timedelta(days=60)
YOUNGEST_GROWN_UP = 18
TAUGHT = ("ended", "completed", "reported", "no_show_student")


@dataclass(frozen=True)
class Pick:
    """An offer to show with its reason; ``weekday`` (Monday 0) is preferred for the time."""

    offering: Offering
    minutes: int
    reason: str
    modality: str = ""
    weekday: int | None = None


@dataclass
class PersonalHome:
    """What the signed-in homepage shows."""

    now: datetime
    next_lesson: Section
    needs: Section
    again: Section
    popular: Section
    saved: Section
    new: Section
    borough: str = ""
    neighborhood: str = ""
    form: PreferencesForm | None = None
    is_new: bool = field(default=False)


@dataclass(frozen=True)
class _Place:
    borough: str = ""
    neighborhood: Neighborhood | None = None


def personal_home(user: User, now: datetime) -> PersonalHome:
    """Return the modules of one person; each fails alone. Spec: S9.2, G11."""
    mine = Booking.objects.of_student(user)
    answers = LearningPreferences.objects.of(user)
    place = _place_of(mine, answers)
    picks = {
        "again": load_section("again", lambda: _again(mine, now)),
        "popular": load_section("popular", lambda: _popular(user, place, answers, now)),
        "saved": load_section("saved", lambda: _saved(user)),
        "new": load_section("new", lambda: _new(user, place, now)),
    }
    cards = _with_times(picks, now)
    is_new = answers is None and not mine.exists()
    return PersonalHome(
        now=now,
        next_lesson=load_section("next_lesson", lambda: _next_lesson(mine, now)),
        needs=load_section("needs", lambda: needs_of(user, now)),
        borough=place.borough,
        neighborhood=place.neighborhood.name if place.neighborhood else "",
        form=PreferencesForm(auto_id="about_%s") if is_new else None,
        is_new=is_new,
        **cards,
    )


def _place_of(mine: Any, answers: LearningPreferences | None) -> _Place:
    """Return where the person learns: what they said, else where their last lesson at home was."""
    if answers is not None and answers.neighborhood is not None:
        return _Place(answers.neighborhood.borough, answers.neighborhood)
    at_home = mine.filter(modality=Modality.AT_STUDENT, neighborhood__isnull=False)
    last = at_home.select_related("neighborhood").order_by("-created_at", "-pk").first()
    return _Place(last.neighborhood.borough, last.neighborhood) if last else _Place()


# --- What is next ---------------------------------------------------------------------------------
def _next_lesson(mine: Any, now: datetime) -> dict[str, Any] | None:
    rows = mine.filter(status="confirmed", end_at__gt=now).select_related(
        "instructor__base_neighborhood", "learner", "neighborhood", "policy"
    )
    found = cards_of(rows.order_by("start_at", "pk")[:1], now)
    if not found:
        return None
    card, booking = found[0].as_component, found[0].booking
    card["status_note"] = relative(booking.start_at) if booking.start_at > now else ""
    place = place_for_student(booking)
    if booking.modality == Modality.ONLINE and booking.instructor.online_link:
        join = {"url": booking.instructor.online_link, "label": "Join online", "variant": "brand"}
        card["actions"] = [join, *card["actions"]]  # type: ignore[misc]
    elif place not in card["facts"]:  # type: ignore[operator]
        card["facts"] = [*card["facts"], place]  # type: ignore[misc]
    return card


# --- Whom to book ---------------------------------------------------------------------------------
def _bookable() -> Any:
    return (
        Offering.objects.bookable()
        .select_related("instructor__base_neighborhood", "service")
        .prefetch_related("prices")
    )


def _again(mine: Any, now: datetime) -> list[Pick]:
    """Return the last instructor of each service the person took, the latest first."""
    past = mine.filter(Q(status__in=TAUGHT) | Q(status="confirmed", end_at__lte=now))
    rows = past.select_related("offering").order_by("-start_at", "-pk")[:60]
    last: dict[int, Booking] = {}
    for booking in rows:
        last.setdefault(booking.offering.service_id, booking)
    wanted = {booking.offering_id: booking for booking in list(last.values())[:MOST_CARDS]}
    offers = {offer.pk: offer for offer in _bookable().filter(pk__in=wanted)}
    picks = []
    for pk, booking in wanted.items():
        priced = {row.duration_minutes for row in offers[pk].prices.all()} if pk in offers else ()
        if booking.duration_minutes in priced:
            day = booking.start_at.astimezone(ZoneInfo(booking.zone))
            reason = f"Last lesson {day:%b} {day.day}"
            picks.append(
                Pick(offers[pk], booking.duration_minutes, reason, booking.modality, day.weekday())
            )
    return picks


def _popular(
    user: User, place: _Place, answers: LearningPreferences | None, now: datetime
) -> list[Pick]:
    """Return the offers booked most in the person's borough, with that as the reason."""
    if not place.borough:
        return []
    rows = (
        recently_booked(now)
        .filter(neighborhood__borough=place.borough)
        .exclude(instructor__in=Booking.objects.of_student(user).values("instructor"))
    )
    if answers is not None and answers.category_id:
        rows = rows.filter(offering__service__category=answers.category_id)
    if answers is not None and answers.learners == LearningPreferences.Learners.CHILD:
        rows = rows.filter(offering__age_from__lt=YOUNGEST_GROWN_UP)
    counts = dict(
        rows.values("offering")
        .annotate(n=Count("pk"))
        .order_by("-n", "offering")
        .values_list("offering", "n")[: 4 * MOST_CARDS]
    )
    offers = {offer.pk: offer for offer in _bookable().filter(pk__in=counts)}
    found = [offers[pk] for pk in counts if pk in offers]
    return [
        Pick(offer, usual_minutes(offer), _booked_words(counts[offer.pk], place.borough))
        for offer in _one_each(found, user)
    ]


def _booked_words(count: int, borough: str) -> str:
    times = "once" if count == 1 else f"{count} times"
    return f"Booked {times} in {borough} in the last 30 days"


def _saved(user: User) -> list[Pick]:
    ids = list(
        Favorite.objects.of_user(user).values_list("instructor_id", flat=True)[:MOST_CARDS]
    )  # fmt: skip
    first: dict[int, Offering] = {}
    for offer in _bookable().filter(instructor__in=ids).order_by("pk"):
        if offer.prices.all():
            first.setdefault(offer.instructor_id, offer)
    return [Pick(first[pk], usual_minutes(first[pk]), "Saved") for pk in ids if pk in first]


def _new(user: User, place: _Place, now: datetime) -> list[Pick]:
    """Return instructors who joined lately and come to the person's neighborhood."""
    if place.neighborhood is None:
        return []
    rows = _bookable().filter(
        instructor__served_neighborhoods=place.neighborhood,
        instructor__created_at__gt=now - NEW_FOR,
        modalities__contains=[Modality.AT_STUDENT],
    )
    offers = rows.order_by("-instructor__created_at", "pk")[: 4 * MOST_CARDS]
    return [
        Pick(offer, usual_minutes(offer), f"Joined {relative(offer.instructor.created_at)}")
        for offer in _one_each(offers, user)
    ]


def _one_each(offers: Iterable[Offering], user: User) -> list[Offering]:
    """Keep one priced offer per instructor, nobody's own, at most as many as are shown."""
    first: dict[int, Offering] = {}
    for offer in offers:
        if offer.prices.all() and offer.instructor.user_id != user.pk:
            first.setdefault(offer.instructor_id, offer)
    return list(first.values())[:MOST_CARDS]


# --- Cards ----------------------------------------------------------------------------------------
def _with_times(sections: dict[str, Section], now: datetime) -> dict[str, Section]:
    """Turn picks into cards; all times are read together, in two queries."""
    picks = [pick for section in sections.values() for pick in section.value or ()]
    wanted = sorted({(pick.offering.instructor_id, pick.minutes) for pick in picks})
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
