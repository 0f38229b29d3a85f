"""Whom a person may want to book: what is read about them and about the offers (Spec: S9.2).

Two questions to the database whatever is shown: one about the person, one about all offers that any
module may show.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import JSONObject

from accounts.models import User
from bookings.lessons.models import Booking
from catalog.models import Favorite, LearningPreferences, Modality, Offering
from instainstru.pages.cards import usual_minutes
from instainstru.pages.market import booked_lately
from instainstru.templatetags.ui import relative

MOST_CARDS, MOST_TAKEN = 6, 60
POOL = 4 * MOST_CARDS
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


@dataclass(frozen=True)
class Place:
    """Where a person learns; nothing when nobody knows."""

    borough: str = ""
    name: str = ""
    pk: int | None = None


@dataclass(frozen=True)
class Taken:
    """A lesson that the person took."""

    offering_id: int
    service_id: int
    minutes: int
    modality: str
    zone: str
    start_at: datetime


@dataclass(frozen=True)
class Habits:
    """What a person has said and done, the latest first."""

    user_id: int
    has_answered: bool
    has_booked: bool
    category_id: int | None
    learners: str
    place: Place
    taken: Sequence[Taken]
    saved_ids: Sequence[int]

    @property
    def last_of_each_service(self) -> dict[int, Taken]:
        """The last lesson of each service, by offer, as many as are shown."""
        last: dict[int, Taken] = {}
        for lesson in self.taken:
            last.setdefault(lesson.service_id, lesson)
        return {lesson.offering_id: lesson for lesson in list(last.values())[:MOST_CARDS]}


def read_habits(user: User, now: datetime) -> Habits:
    """Return what the picks need to know about a person, by one query."""
    mine = Booking.objects.of_student(user)
    past = mine.filter(Q(status__in=TAUGHT) | Q(status="confirmed", end_at__lte=now))
    at_home = mine.filter(modality=Modality.AT_STUDENT, neighborhood__isnull=False)
    saved = Favorite.objects.of_user(user)[:MOST_CARDS]
    row = (
        User.objects.filter(pk=user.pk)
        .annotate(
            answers=Subquery(
                LearningPreferences.objects.filter(user=OuterRef("pk")).values(
                    row=JSONObject(category="category_id", learners="learners", **_PLACE)
                )
            ),
            last_place=Subquery(
                at_home.order_by("-created_at", "-pk").values(row=JSONObject(**_PLACE))[:1]
            ),
            taken=ArraySubquery(
                past.order_by("-start_at", "-pk")[:MOST_TAKEN].values(row=JSONObject(**_TAKEN))
            ),
            saved=ArraySubquery(saved.values("instructor_id")),
            has_booked=Exists(mine),
        )
        .values("answers", "last_place", "taken", "saved", "has_booked")
        .get()
    )
    answers = row["answers"] or {}
    return Habits(
        user_id=user.pk,
        has_answered=bool(answers),
        has_booked=row["has_booked"],
        category_id=answers.get("category"),
        learners=answers.get("learners", ""),
        place=_place(answers) or _place(row["last_place"] or {}) or Place(),
        taken=[_taken(values) for values in row["taken"]],
        saved_ids=row["saved"],
    )


_PLACE = {"pk": "neighborhood_id", "name": "neighborhood__name", "borough": "neighborhood__borough"}
_TAKEN = {
    "offering_id": "offering_id", "service_id": "offering__service_id",
    "minutes": "duration_minutes", "modality": "modality", "zone": "zone", "start_at": "start_at",
}  # fmt: skip


def _place(values: Mapping[str, Any]) -> Place | None:
    if values.get("pk") is None:
        return None
    return Place(values["borough"], values["name"], values["pk"])


def _taken(values: dict[str, Any]) -> Taken:
    return Taken(**values | {"start_at": datetime.fromisoformat(values["start_at"])})


def read_offers(habits: Habits, now: datetime) -> list[Any]:
    """Return every offer that a module may show, with ``booked`` and ``is_new``.

    ``booked`` counts the lessons that make it popular where the person learns, or is None.
    """
    counts = booked_lately(habits.place.borough, now) if habits.place.pk is not None else {}
    popular, new = _popular(habits, counts), _new(habits, now)
    wanted = Q(pk__in=habits.last_of_each_service) | Q(instructor__in=habits.saved_ids)
    wanted |= Q(pk__in=popular.values("pk")[:POOL]) | Q(pk__in=new.values("pk")[:POOL])
    rows: Any = (
        Offering.objects.bookable()
        .filter(wanted)
        .select_related("instructor__base_neighborhood", "service")
        .prefetch_related("prices")
        .annotate(
            is_popular=Exists(popular.order_by().filter(pk=OuterRef("pk"))),
            is_new=Exists(new.filter(pk=OuterRef("pk"))),
        )
        .order_by("pk")
    )
    for offer in rows:
        offer.booked = counts.get(offer.pk) if offer.is_popular else None
    return [offer for offer in rows if offer.prices.all()]


def _popular(habits: Habits, counts: Mapping[int, int]) -> QuerySet[Offering]:
    """Return the offers booked where the person learns, of people new to them, most first."""
    rows = Offering.objects.bookable().filter(pk__in=list(counts))
    mine = Booking.objects.filter(student=habits.user_id, purpose="checkout")
    rows = rows.exclude(instructor__in=mine.values("instructor"))
    if habits.category_id:
        rows = rows.filter(service__category=habits.category_id)
    if habits.learners == LearningPreferences.Learners.CHILD:
        rows = rows.filter(age_from__lt=YOUNGEST_GROWN_UP)
    ranks = Value(list(counts), output_field=ArrayField(BigIntegerField()))
    return rows.order_by(Func(ranks, F("pk"), function="array_position"))


def _new(habits: Habits, now: datetime) -> QuerySet[Offering]:
    """Return offers of instructors who joined lately and come to the person's neighborhood."""
    rows = Offering.objects.bookable()
    if habits.place.pk is None:
        return rows.none()
    return rows.filter(
        instructor__served_neighborhoods=habits.place.pk,
        instructor__created_at__gt=now - NEW_FOR,
        modalities__contains=[Modality.AT_STUDENT],
    ).order_by("-instructor__created_at", "pk")


def book_again(habits: Habits, offers: Collection[Any]) -> list[Pick]:
    """Return the last instructor of each service the person took, the latest first."""
    by_pk, picks = {offer.pk: offer for offer in offers}, []
    for pk, lesson in habits.last_of_each_service.items():
        priced = {row.duration_minutes for row in by_pk[pk].prices.all()} if pk in by_pk else ()
        if lesson.minutes in priced:
            day = lesson.start_at.astimezone(ZoneInfo(lesson.zone))
            reason = f"Last lesson {day:%b} {day.day}"
            picks.append(Pick(by_pk[pk], lesson.minutes, reason, lesson.modality, day.weekday()))
    return picks


def popular(habits: Habits, offers: Collection[Any]) -> list[Pick]:
    """Return the offers booked most in the person's borough, with that as the reason."""
    found = sorted(
        (offer for offer in offers if offer.booked),
        key=lambda offer: (-offer.booked, offer.pk),
    )
    return [
        Pick(offer, usual_minutes(offer), _booked_words(offer.booked, habits.place.borough))
        for offer in _one_each(found, habits)
    ]


def _booked_words(count: int, borough: str) -> str:
    times = "once" if count == 1 else f"{count} times"
    return f"Booked {times} in {borough} in the last 30 days"


def saved(habits: Habits, offers: Collection[Any]) -> list[Pick]:
    """Return an offer of each instructor whom the person keeps."""
    first: dict[int, Offering] = {}
    for offer in offers:
        first.setdefault(offer.instructor_id, offer)
    return [Pick(first[pk], usual_minutes(first[pk]), "") for pk in habits.saved_ids if pk in first]


def new(habits: Habits, offers: Collection[Any]) -> list[Pick]:
    """Return who joined lately and comes to the person, the newest first."""
    found = sorted(
        (offer for offer in offers if offer.is_new),
        key=lambda offer: (offer.instructor.created_at, -offer.pk),
        reverse=True,
    )
    return [
        Pick(offer, usual_minutes(offer), f"Joined {relative(offer.instructor.created_at)}")
        for offer in _one_each(found, habits)
    ]


def _one_each(offers: Iterable[Any], habits: Habits) -> list[Any]:
    """Keep one offer per instructor, nobody's own, at most as many as are shown."""
    first: dict[int, Any] = {}
    for offer in offers:
        if offer.instructor.user_id != habits.user_id:
            first.setdefault(offer.instructor_id, offer)
    return list(first.values())[:MOST_CARDS]
