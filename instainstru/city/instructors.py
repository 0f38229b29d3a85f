"""Writes planned instructors in bulk: people, profiles, offers, areas and hours."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, models

from accounts.models import User
from accounts.roles import Role
from accounts.seed import add_people
from bookings.availability.models import (
    AvailabilityRules,
    Blackout,
    OverrideDay,
    OverrideWindow,
    WeeklyWindow,
)
from catalog.models import (
    Coverage,
    Credential,
    Instructor,
    Neighborhood,
    Offering,
    OfferingPrice,
    ProfileQuestion,
    Service,
)
from catalog.text import slug_of
from instainstru.city.blueprints import (
    PIANISTS,
    Blueprint,
    OfferPlan,
    as_person,
    draw_instructor,
    pianist_course,
)
from instainstru.city.curriculum import PIANO, Course, ServiceFacts, plan_courses
from instainstru.city.extras import credentials_of, questions_of
from instainstru.city.places import CityMap, Place
from instainstru.city.progress import Progress
from instainstru.database.bulk import insert_by_copy

EMAIL_DOMAIN = "instructors.instainstru.test"
AT_ONCE = 1000
# One in sixteen is not live: paused, in draft, waiting or suspended.
NOT_LIVE_SHARE = 16


def load_city_map() -> CityMap:
    """Return the neighborhoods of the catalogue."""
    fields = ("pk", "name", "borough", "latitude", "longitude")
    return CityMap([Place(*row) for row in Neighborhood.objects.values_list(*fields)])


def load_services() -> list[ServiceFacts]:
    """Return the active services in catalogue order."""
    ranks: dict[tuple[str, str], int] = {}
    found = []
    rows = Service.objects.active().order_by("position")
    for pk, name, category, subcategory in rows.values_list(
        "pk", "name", "category__name", "subcategory"
    ):
        rank = ranks[category, subcategory] = ranks.get((category, subcategory), -1) + 1
        found.append(ServiceFacts(pk, name, category, subcategory, rank))
    return found


def add_instructors(count: int, *, today: date, first: User | None, progress: Progress) -> None:
    """Write ``count`` live instructors and a few who are not; ``first`` becomes the first one.

    ``today`` is the local date around which single days and time off are planned. Spec: G14.
    """
    city, services = load_city_map(), load_services()
    courses = _courses(services, count)
    slugs = _Slugs(Instructor.objects.values_list("slug", flat=True))
    for start in range(0, len(courses), AT_ONCE):
        plans = [
            draw_instructor(index, courses[index], city, today, is_live=index < count)
            for index in range(start, min(start + AT_ONCE, len(courses)))
        ]
        _write(plans, slugs, today, first if start == 0 else None)
        connection.check_constraints()
        progress(f"{min(start + AT_ONCE, len(courses)):,} of {len(courses):,} instructors")


def _courses(services: Sequence[ServiceFacts], count: int) -> list[Course]:
    """Return what each instructor teaches: pianists first, then everybody, then those not live."""
    by_name = {service.name: service for service in services}
    pianists = min(PIANISTS, count // 4) if PIANO in by_name else 0
    lead = [pianist_course(index, by_name) for index in range(pianists)]
    rest = plan_courses(services, count - pianists)
    resting = max(1, count // NOT_LIVE_SHARE)
    return [*lead, *rest, *(rest[index % len(rest)] for index in range(resting))]


class _Slugs:
    """Gives each name its slug: maya-c, maya-c-2, …"""

    def __init__(self, taken: Iterable[str]) -> None:
        self._taken = set(taken)
        self._last: dict[str, int] = {}

    def take(self, plan: Blueprint) -> str:
        base = slug_of(f"{plan.person.first_name} {plan.person.last_name[0]}")
        number = self._last.get(base, 0) + 1
        while (slug := base if number == 1 else f"{base}-{number}") in self._taken:
            number += 1
        self._last[base] = number
        self._taken.add(slug)
        return slug


def _write(plans: list[Blueprint], slugs: _Slugs, today: date, first: User | None) -> None:
    if first is not None:
        plans[0] = as_person(plans[0], first.first_name, first.last_name)
    names = [slugs.take(plan) for plan in plans]
    users = [_user(plan, slug) for plan, slug in zip(plans, names, strict=True)]
    new = users[1:] if first is not None else users
    add_people(new, roles=[Role.INSTRUCTOR], now=_at(today))
    owners = [first, *new] if first is not None else new
    rows = insert_by_copy(
        Instructor,
        (
            _instructor(plan, user, slug)
            for plan, user, slug in zip(plans, owners, names, strict=True)
        ),
    )
    pairs = list(zip(rows, plans, strict=True))
    insert_by_copy(
        Coverage,
        (
            Coverage(instructor_id=row.pk, neighborhood_id=place.pk)
            for row, plan in pairs
            for place in plan.area
        ),
    )
    insert_by_copy(Credential, (row for pair in pairs for row in credentials_of(*pair, today)))
    insert_by_copy(ProfileQuestion, (row for pair in pairs for row in questions_of(*pair)))
    _write_offers(pairs)
    _write_time(pairs)


def _at(on: date) -> datetime:
    return datetime.combine(on, time(12), tzinfo=UTC)


def _user(plan: Blueprint, slug: str) -> User:
    person = plan.person
    return User(
        email=f"{slug}@{EMAIL_DOMAIN}",
        first_name=person.first_name,
        last_name=person.last_name,
        is_demo=True,
    )


def _instructor(plan: Blueprint, user: User, slug: str) -> Instructor:
    is_online = any("online" in offer.modes for offer in plan.offers)
    return Instructor(
        user_id=user.pk,
        slug=slug,
        display_name=user.short_name,
        headline=plan.headline,
        bio=plan.bio,
        languages=list(plan.person.languages),
        years_teaching=plan.years,
        status=plan.status,
        is_founding=plan.is_founding,
        identity_verified_on=plan.dates.identity_on,
        background_checked_on=plan.dates.background_on,
        base_neighborhood_id=plan.home.pk,
        studio_address=plan.studio,
        online_link=f"https://meet.instainstru.test/{slug}" if is_online else "",
        created_at=_at(plan.dates.joined_on),
    )


def _write_offers(pairs: Sequence[tuple[Instructor, Blueprint]]) -> None:
    planned = [(row, offer) for row, plan in pairs for offer in plan.offers]
    offerings = insert_by_copy(Offering, (_offering(row, offer) for row, offer in planned))
    insert_by_copy(
        OfferingPrice,
        (
            OfferingPrice(offering_id=offering.pk, duration_minutes=minutes, price_cents=cents)
            for offering, (_, offer) in zip(offerings, planned, strict=True)
            for minutes, cents in offer.prices.items()
        ),
    )


def _offering(instructor: Instructor, offer: OfferPlan) -> Offering:
    return Offering(
        instructor_id=instructor.pk,
        service_id=offer.service.pk,
        modalities=list(offer.modes),
        levels=list(offer.levels),
        age_from=offer.ages[0],
        age_to=offer.ages[1],
        travel_fee_cents=offer.travel_fee_cents,
        materials_note=offer.materials_note,
    )


def _write_time(pairs: Sequence[tuple[Instructor, Blueprint]]) -> None:
    times = [(row.pk, plan.time) for row, plan in pairs]
    insert_by_copy(
        AvailabilityRules, (AvailabilityRules(instructor_id=pk, **time.rules) for pk, time in times)
    )
    insert_by_copy(
        WeeklyWindow,
        (
            WeeklyWindow(instructor_id=pk, weekday=weekday, start_minute=start, end_minute=end)
            for pk, time in times
            for weekday, start, end in time.weekly
        ),
    )
    planned = [(pk, on, windows) for pk, time in times for on, windows in time.overrides.items()]
    days = insert_by_copy(
        OverrideDay, (OverrideDay(instructor_id=pk, local_on=on) for pk, on, _ in planned)
    )
    insert_by_copy(
        OverrideWindow,
        (
            OverrideWindow(day_id=day.pk, start_minute=start, end_minute=end)
            for day, (_, _, windows) in zip(days, planned, strict=True)
            for start, end in windows
        ),
    )
    insert_by_copy(
        Blackout,
        (
            Blackout(instructor_id=pk, first_on=first_on, last_on=last_on, label=label)
            for pk, time in times
            for first_on, last_on, label in time.blackouts
        ),
    )


def renew_checks(passed: timedelta) -> None:
    """Let the checks of seeded instructors be as young as they were, ``passed`` later."""
    seeded = Instructor.objects.filter(user__is_demo=True, background_checked_on__isnull=False)
    seeded.update(
        identity_verified_on=models.F("identity_verified_on") + passed,
        background_checked_on=models.F("background_checked_on") + passed,
    )
