"""The plan of one instructor: person, home, area, offers, prices and time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from catalog.models import Instructor, Level, Modality
from instainstru.city.biography import Person, Story, bio_of, headline_of, invent_person
from instainstru.city.curriculum import PIANO, Course, ServiceFacts
from instainstru.city.dice import dice
from instainstru.city.hours import TimePlan, plan_time
from instainstru.city.places import PRICE_LEVEL, CityMap, Place
from instainstru.city.prices import hourly_cents, price_list
from instainstru.city.words import Voice, people, voice_of

FOUNDING_SPOTS = 100
# The pianists who keep the promise of the front page's example: near the park, open on Saturday
# morning, under ninety dollars an hour.
PIANISTS = 8
PIANIST_HOMES = (
    "Park Slope", "South Slope", "Gowanus", "Prospect Heights", "Windsor Terrace",
    "Carroll Gardens", "Park Slope", "Boerum Hill",
)  # fmt: skip
PIANIST_HOUR_CENTS = (60_00, 65_00, 70_00, 75_00, 80_00)
_PIANIST_COMPANIONS = ("Jazz Piano", "Music Theory", "Piano for Kids", "Sight-Reading")

_S = Instructor.Status
_NOT_LIVE = (_S.PAUSED, _S.DRAFT, _S.PAUSED, _S.SUSPENDED, _S.SUBMITTED, _S.IN_REVIEW)


@dataclass(frozen=True)
class OfferPlan:
    """One service of an instructor; prices in cents by minutes."""

    service: ServiceFacts
    modes: tuple[str, ...]
    levels: tuple[str, ...]
    ages: tuple[int, int]
    prices: Mapping[int, int]
    travel_fee_cents: int
    materials_note: str


@dataclass(frozen=True)
class Dates:
    """When somebody joined and was checked; the checks are missing before review."""

    joined_on: date
    identity_on: date | None = None
    background_on: date | None = None


@dataclass(frozen=True)
class Blueprint:
    """Everything about one instructor."""

    person: Person
    headline: str
    bio: str
    years: int
    status: str
    is_founding: bool
    dates: Dates
    home: Place
    area: Sequence[Place]
    studio: str
    offers: Sequence[OfferPlan]
    time: TimePlan


def draw_instructor(
    index: int,
    course: Course,
    city: CityMap,
    today: date,
    *,
    person: Person | None = None,
    is_live: bool = True,
) -> Blueprint:
    """Return the plan of instructor number ``index``; the same number gives the same plan."""
    chance = dice("instructor", index)
    is_pianist = index < PIANISTS and course[0].name == PIANO
    home = city.named(PIANIST_HOMES[index]) if is_pianist else city.home(chance)
    voice = voice_of(course[0].category, course[0].subcategory)
    years = chance.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 17, 21, 26))
    modes = _modes(chance, voice, is_pianist=is_pianist)
    area = city.around(home, chance.randrange(5, 15) if "at_student" in modes else 3)
    area = _with(area, city.named("Park Slope")) if is_pianist else area
    hour = chance.choice(PIANIST_HOUR_CENTS) if is_pianist else None
    offers = [_offer(chance, row, modes, home, years, hour) for row in course]
    person = person or invent_person(chance, course)
    status = _S.LIVE if is_live else _NOT_LIVE[index % len(_NOT_LIVE)]
    return Blueprint(
        person=person,
        headline=headline_of(chance, voice),
        bio=bio_of(chance, voice, course, _story(person, years, home, area, modes, offers)),
        years=years,
        status=status,
        is_founding=is_live and index * 5 < FOUNDING_SPOTS * 4 and chance.random() < 0.8,
        home=home,
        area=area,
        studio=_studio(chance, home) if "at_instructor" in modes else "",
        offers=offers,
        time=plan_time(chance, today, is_saturday_kept=is_pianist),
        dates=_dates(chance, today, status),
    )


def pianist_course(index: int, services: Mapping[str, ServiceFacts]) -> Course:
    """Return Piano and perhaps a companion for one of the first instructors."""
    companions = [services[name] for name in _PIANIST_COMPANIONS if name in services]
    return (services[PIANO], *companions[index % 4 : index % 4 + 1][: index % 2])


def _with(area: Sequence[Place], place: Place) -> list[Place]:
    return [*area, *([] if place in area else [place])]


def _dates(chance: Random, today: date, status: str) -> Dates:
    """Checks are older than two weeks and younger than a year; drafts have none."""
    joined_on = today - timedelta(days=chance.randrange(40, 900))
    if status in (_S.DRAFT, _S.SUBMITTED, _S.IN_REVIEW):
        return Dates(joined_on)
    background_on = today - timedelta(days=chance.randrange(14, 340))
    identity_on = background_on - timedelta(days=chance.randrange(1, 9))
    return Dates(min(joined_on, identity_on), identity_on, background_on)


def _modes(chance: Random, voice: Voice, *, is_pianist: bool) -> tuple[str, ...]:
    chosen = [mode for mode in Modality.values if chance.random() < voice.modes.get(mode, 0)]
    if is_pianist:
        return tuple(mode for mode in Modality.values if mode == "at_student" or mode in chosen)
    likeliest = max(voice.modes, key=lambda mode: voice.modes[mode])
    return tuple(chosen) or (likeliest,)


def _offer(
    chance: Random,
    service: ServiceFacts,
    modes: tuple[str, ...],
    home: Place,
    years: int,
    fixed_hour_cents: int | None,
) -> OfferPlan:
    voice = voice_of(service.category, service.subcategory)
    drawn = hourly_cents(voice.hourly_dollars, PRICE_LEVEL[home.borough], years, chance)
    travels = "at_student" in modes and chance.random() < 0.3
    lengths = (30, 60, 90) if fixed_hour_cents else chance.choice(voice.lengths)
    return OfferPlan(
        service=service,
        modes=modes,
        levels=chance.choice(_LEVELS),
        ages=people().ages.get(service.name) or chance.choice(voice.ages),
        prices=price_list(fixed_hour_cents or drawn, lengths),
        travel_fee_cents=chance.choice((5_00, 8_00, 10_00, 15_00)) if travels else 0,
        materials_note=voice.bring if chance.random() < 0.7 else "",
    )


_LEVELS = (
    tuple(Level.values),
    tuple(Level.values),
    ("beginner", "intermediate"),
    ("beginner", "intermediate"),
    ("beginner",),
    ("intermediate", "advanced"),
)


def _story(
    person: Person,
    years: int,
    home: Place,
    area: Sequence[Place],
    modes: Sequence[str],
    offers: Sequence[OfferPlan],
) -> Story:
    nearby = [place.name for place in area[:3]]
    return Story(
        years=years,
        home=home.name,
        borough="the Bronx" if home.borough == "Bronx" else home.borough,
        area=f"{', '.join(nearby[:-1])} and {nearby[-1]}" if len(nearby) > 1 else nearby[0],
        modes=modes,
        ages=(min(offer.ages[0] for offer in offers), max(offer.ages[1] for offer in offers)),
        languages=person.languages,
    )


def _studio(chance: Random, home: Place) -> str:
    street = chance.choice(people().streets[home.borough])
    return (
        f"{chance.randrange(12, 480)} {street}, {chance.choice(('Studio', 'Apt'))} {door(chance)}"
    )


def door(chance: Random) -> str:
    """Return an apartment such as ``4B``."""
    return f"{chance.randrange(1, 7)}{chance.choice('ABCDEFR')}"


def as_person(blueprint: Blueprint, first_name: str, last_name: str) -> Blueprint:
    """Give the plan to somebody who exists already."""
    person = replace(blueprint.person, first_name=first_name, last_name=last_name)
    return replace(blueprint, person=person)
