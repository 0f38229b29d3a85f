"""Offers of the candidate services as plain values, and what of a query each one misses."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, F, FloatField, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from accounts.models import Block
from bookings.lessons.models import Strike
from bookings.reviews.ratings import Rating
from catalog.models import Coverage, Offering, OfferingPrice
from search.demand import Demand
from search.snapshot import Snapshot

DEFAULT_MINUTES = 60
# So many offers have their calendars read; hard filters come before, so that nobody who fits is
# cut for somebody who does not, and whoever serves the place or is rated best comes first.
MAX_OFFERS = 400
# A price a little over the limit is a close match (Spec: S8.5).
STRETCH = 1.2
_RATED, _RATING = ("instructor", "service__category"), ("review_count", "rating_sum")


@dataclass(frozen=True)
class Offer:
    """One instructor's service with what a card shows and a filter asks; money in cents."""

    pk: int
    service_id: int
    instructor_id: int
    user_id: int
    slug: str
    name: str
    headline: str
    years: int
    is_founding: bool
    languages: tuple[str, ...]
    zone: str
    base: str
    borough: str
    base_id: int
    latitude: float
    longitude: float
    modalities: tuple[str, ...]
    levels: tuple[str, ...]
    ages: tuple[int, int]
    prices: Mapping[int, int]
    served: frozenset[int]
    rating: Rating
    category_rating: Rating
    lessons: int = 0
    strikes: int = 0
    questions: int = 0
    quick_replies: int = 0
    cosine: float | None = None
    """How near it is to the words that are left; None where none are."""

    def minutes_for(self, wanted: int | None) -> int:
        """Return the wanted length when it is priced, else an hour or the shortest."""
        if wanted is not None and wanted in self.prices:
            return wanted
        return DEFAULT_MINUTES if DEFAULT_MINUTES in self.prices else min(self.prices)

    def hourly_cents(self, minutes: int) -> int:
        """Return the price of this length scaled to an hour, rounded up to the cent."""
        return -(-self.prices[minutes] * 60 // minutes)


def load_offers(
    service_ids: Collection[int] | None,
    demand: Demand,
    *,
    checked_since: date,
    struck_since: datetime,
    not_user_id: int | None,
    place_ids: Collection[int] = (),
    nearness: Subquery | None = None,
) -> list[Offer]:
    """Return the bookable offers of these services (None: of any) that nothing rules out.

    Left out are those of ``not_user_id``, who searches, of people with whom either side has
    blocked the other, and what a hard filter of the demand refuses. Of more than 400 those stay
    who serve one of ``place_ids``, then whose own words are nearest (``nearness``), then the best
    rated. One query. Spec: S5.8, S8.3, S8.7, S8.15.
    """
    rows = Offering.objects.bookable().filter(instructor__background_checked_on__gte=checked_since)
    rows = rows.filter(_hard_filters(demand))
    if service_ids is not None:
        rows = rows.filter(service_id__in=service_ids)
    if not_user_id is not None:
        rows = (
            rows.exclude(instructor__user_id=not_user_id)
            .exclude(instructor__user__in=Block.objects.filter(by=not_user_id).values("person"))
            .exclude(instructor__user__in=Block.objects.filter(person=not_user_id).values("by"))
        )
    prices = OfferingPrice.objects.filter(offering=OuterRef("pk")).order_by("duration_minutes")
    coverage = Coverage.objects.filter(instructor=OuterRef("instructor_id"))
    strikes = (
        Strike.objects.filter(
            instructor=OuterRef("instructor_id"),
            created_at__gt=struck_since,
            withdrawn_at__isnull=True,
        )
        .order_by()
        .values("instructor")
        .annotate(number=Count("pk"))
        .values("number")
    )
    serves = Exists(coverage.filter(neighborhood__in=list(place_ids)))
    order = [serves.desc()] if place_ids else []
    if nearness is not None:
        order.append(F("cosine").desc(nulls_last=True))
    rows = rows.annotate(cosine=Value(None, FloatField()) if nearness is None else nearness)
    values = rows.order_by(
        *order, F("instructor__statistics__rating_sum").desc(nulls_last=True), "pk"
    ).values(
        "pk", "service_id", "instructor_id", "modalities", "levels", "age_from", "age_to",
        "instructor__user_id", "instructor__slug", "instructor__display_name",
        "instructor__headline", "instructor__years_teaching", "instructor__is_founding",
        "instructor__languages", "instructor__zone", "instructor__base_neighborhood_id",
        "instructor__base_neighborhood__name", "instructor__base_neighborhood__borough",
        "instructor__base_neighborhood__latitude", "instructor__base_neighborhood__longitude",
        "instructor__statistics__lessons_taught",
        "instructor__statistics__recent_question_count",
        "instructor__statistics__recent_quick_reply_count",
        *(f"{owner}__statistics__{name}" for owner in _RATED for name in _RATING),
        minutes=ArraySubquery(prices.values("duration_minutes")),
        cents=ArraySubquery(prices.values("price_cents")),
        served=ArraySubquery(coverage.values("neighborhood_id")),
        strikes=Coalesce(Subquery(strikes), 0),
        nearness=F("cosine"),
    )[:MAX_OFFERS]  # fmt: skip
    return [_offer(row) for row in values if row["minutes"]]


def _hard_filters(demand: Demand) -> Q:
    """Return what is never relaxed, as far as one row can tell: way, age, language."""
    wanted = Q()
    if demand.modalities:
        wanted &= Q(modalities__overlap=sorted(demand.modalities))
    if demand.ages is not None:
        low, high = demand.ages
        wanted &= Q(age_from__lte=high, age_to__gte=low)
    if demand.language:
        wanted &= Q(instructor__languages__contains=[demand.language])
    return wanted


def _rating(row: Mapping[str, Any], owner: str) -> Rating:
    return Rating(*(row[f"{owner}__statistics__{name}"] or 0 for name in _RATING))


def _offer(row: Mapping[str, Any]) -> Offer:
    place = "instructor__base_neighborhood"
    return Offer(
        pk=row["pk"],
        service_id=row["service_id"],
        instructor_id=row["instructor_id"],
        user_id=row["instructor__user_id"],
        slug=row["instructor__slug"],
        name=row["instructor__display_name"],
        headline=row["instructor__headline"],
        years=row["instructor__years_teaching"],
        is_founding=row["instructor__is_founding"],
        languages=tuple(row["instructor__languages"]),
        zone=row["instructor__zone"],
        base=row[f"{place}__name"],
        borough=row[f"{place}__borough"],
        base_id=row[f"{place}_id"],
        latitude=row[f"{place}__latitude"],
        longitude=row[f"{place}__longitude"],
        modalities=tuple(row["modalities"]),
        levels=tuple(row["levels"]),
        ages=(row["age_from"], row["age_to"]),
        prices=dict(zip(row["minutes"], row["cents"], strict=True)),
        served=frozenset(row["served"]),
        rating=_rating(row, "instructor"),
        category_rating=_rating(row, "service__category"),
        lessons=row["instructor__statistics__lessons_taught"] or 0,
        strikes=row["strikes"],
        questions=row["instructor__statistics__recent_question_count"] or 0,
        quick_replies=row["instructor__statistics__recent_quick_reply_count"] or 0,
        cosine=row["nearness"],
    )


def misses(offer: Offer, demand: Demand, snapshot: Snapshot) -> frozenset[str] | None:
    """Return which of location, price and level the offer misses; None when it is ruled out.

    Modality, age, language, rating and exclusions are never relaxed. Spec: S8.1, S8.3, S8.5.
    """
    if not _has_modality(offer, demand) or not _fits_learner(offer, demand):
        return None
    if is_at(offer, demand.excluded_places, snapshot):
        return None
    missed = set()
    # A lesson online is everywhere.
    is_remote = demand.modalities == {"online"}
    if demand.places and not is_remote and not is_at(offer, demand.places, snapshot):
        missed.add("location")
    if not _fits_price(offer, demand, 1.0):
        if not _fits_price(offer, demand, STRETCH):
            return None
        missed.add("price")
    if demand.level and demand.level not in offer.levels:
        missed.add("level")
    return frozenset(missed)


def _has_modality(offer: Offer, demand: Demand) -> bool:
    offered = set(offer.modalities) - {demand.excluded_modality}
    return bool(offered & demand.modalities if demand.modalities else offered)


def _fits_learner(offer: Offer, demand: Demand) -> bool:
    if demand.language and demand.language not in offer.languages:
        return False
    if demand.rating_hundredths and not offer.rating.is_at_least(demand.rating_hundredths):
        return False
    if demand.ages is None:
        return True
    low, high = demand.ages
    return offer.ages[0] <= high and low <= offer.ages[1]


def is_at(offer: Offer, names: Collection[str], snapshot: Snapshot) -> bool:
    """Tell whether the offer can be taught in one of the places in person."""
    for name in names:
        if name in (offer.borough, offer.base):
            return True
        place = snapshot.places.get(name)
        if place is not None and place.pk in offer.served:
            return True
    return False


def _fits_price(offer: Offer, demand: Demand, stretch: float) -> bool:
    minutes = offer.minutes_for(demand.minutes)
    is_lesson = demand.price_basis == "lesson"
    cents = offer.prices[minutes] if is_lesson else offer.hourly_cents(minutes)
    if demand.max_cents is not None and cents > demand.max_cents * stretch:
        return False
    return demand.min_cents is None or cents >= demand.min_cents
