"""The bookable offers that a search looks at: those that fit and promise most, in one statement.

A city has thousands of offers of one service, and reading calendars and prices of all would take
longer than anybody waits. So the database first holds each against what one row can tell: hard
filters, what it misses, and the score without the times. The best ``MAX_OFFERS`` are read in full;
``search.offers.misses`` and ``search.ranking`` decide about them once more.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

from django.core.exceptions import EmptyResultSet
from django.db import connections, router
from django.db.models import (
    BooleanField,
    Case,
    Exists,
    F,
    FloatField,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import GreaterThanOrEqual

from bookings.availability.clock import dates_between
from bookings.reviews.ratings import FEWEST_REVIEWS
from catalog.models import Coverage, Modality, Offering, OfferingPrice
from search import ranking
from search.demand import Demand
from search.free_days import HALF, NIGHT, wanted_quarters
from search.offers import DEFAULT_MINUTES, STRETCH, Offer, offer_of
from search.windows import minute_of_day

MAX_OFFERS = 400
"""So many offers have their calendars read, at most."""
_KILOMETERS_A_DEGREE: Final = 111.2
_LONGITUDE_SHRINKS: Final = 0.7585
"""The cosine of New York's latitude: there a plane is near enough to the sphere."""
_NO_LIMIT: Final = 2**62
_NO_COSINE: Final = Cast(Value(None), FloatField())
_NO_MINUTES: Final = Cast(Value(None), IntegerField())

# In the order of ``_fitting``. Statistics are NULL where there are none.
_FOUND: Final = """
WITH found (id, service_id, hourly, asked_cents, is_elsewhere, is_other_level, cosine,
            instructor_id, minutes, reviews, stars, lessons, questions, replies,
            category_reviews, category_stars, latitude, longitude)
AS MATERIALIZED ({fitting}),
"""
_CHOSEN: Final = """
usual AS (
  SELECT service_id, exp(avg(ln(hourly))) AS hourly
    FROM found WHERE hourly IS NOT NULL GROUP BY service_id
),
meant AS (SELECT * FROM unnest(%s::bigint[], %s::float8[]) AS meant (service_id, score)),
scored AS MATERIALIZED (
  SELECT found.id, found.cosine,
         is_elsewhere::int + is_other_level::int + (asked_cents > %s)::int + {busy} AS missed,
         coalesce(meant.score, 1)
           * coalesce(1 - {words} + {words} * least(greatest(found.cosine, 0), 1), 1)
           * (%s * known.mean + known.stars) / (%s + known.reviews)
           * (1 - {reply} + {reply} * (%s + known.replies) / (%s + known.questions))
           * (1 - {completion} + {completion} * (%s + known.lessons) / (%s + known.lessons))
           * {price} * {distance} AS score,
         1 + {boost} * exp(-least(known.lessons, 1000) / {boost_lessons}) AS newness
    FROM found
    JOIN usual USING (service_id)
    LEFT JOIN meant USING (service_id)
   CROSS JOIN LATERAL (
     SELECT coalesce(stars, 0)::float8 AS stars, coalesce(reviews, 0)::float8 AS reviews,
            coalesce(lessons, 0)::float8 AS lessons, coalesce(questions, 0)::float8 AS questions,
            coalesce(replies, 0)::float8 AS replies,
            coalesce(category_stars / nullif(category_reviews, 0)::float8, %s) AS mean,
            ln(found.hourly::float8 / usual.hourly) AS dearness
   ) AS known
   WHERE found.hourly IS NOT NULL AND asked_cents BETWEEN %s AND %s
),
chosen AS MATERIALIZED (
  (SELECT id, cosine FROM scored ORDER BY missed, score DESC, id LIMIT %s)
  UNION
  (SELECT id, cosine FROM scored ORDER BY missed, score * newness DESC, id LIMIT %s)
)
"""
# Factors of ``search.ranking``, by the wanted price; a constant factor changes no order.
_PRICE: Final = {
    None: "(1 - {price} + {price} * exp(-0.5 * power(known.dearness / {spread}, 2)))",
    "low": "(0.2 + 0.8 / (1 + exp(2 * known.dearness)))",
    "high": "(0.2 + 0.8 / (1 + exp(-2 * known.dearness)))",
}
_DISTANCE: Final = """
CASE WHEN is_elsewhere OR %s THEN exp(-(
  SELECT min(sqrt(power((found.latitude - point.latitude) * %s, 2)
                  + power((found.longitude - point.longitude) * %s, 2)))
    FROM unnest(%s::float8[], %s::float8[]) AS point (latitude, longitude)
) / {distance}) ELSE 1 END
"""
# One for somebody who has no free time then, as far as the quarter hours of their days tell; who
# has no rows may be free. Runs of 2, 4 and 8 quarters stand for 30, 60 and 120 minutes and more.
# The half days overlap by 15 quarters, so that a run that begins in one may end in the next.
_BUSY: Final = """
CASE WHEN (SELECT count(*) FROM found) <= %s THEN 0 ELSE (
  SELECT (count(*) = %s AND NOT coalesce(bool_or(%s & (
           CASE WHEN found.minutes >= 120 THEN (four.a & (four.a >> 4)) | (four.b & (four.b >> 4))
                WHEN found.minutes >= 60 THEN four.a | four.b
                ELSE two.a | two.b END) <> 0), true))::int
    FROM search_availabilityday AS day
   CROSS JOIN LATERAL (
     SELECT (morning | ((evening & %s) << %s)) & %s AS a, (evening | %s) & %s AS b
   ) AS one
   CROSS JOIN LATERAL (SELECT one.a & (one.a >> 1) AS a, one.b & (one.b >> 1) AS b) AS two
   CROSS JOIN LATERAL (SELECT two.a & (two.a >> 2) AS a, two.b & (two.b >> 2) AS b) AS four
   WHERE day.instructor_id = found.instructor_id AND local_on = ANY(%s::date[])
) END
"""
# In the order of ``search.offers.offer_of``.
_READ: Final = """
SELECT offering.id, offering.service_id, person.id, person.user_id, person.slug,
       person.display_name, person.headline, person.years_teaching, person.is_founding,
       person.languages, person.zone, place.name, place.borough, place.id, place.latitude,
       place.longitude, offering.modalities, offering.levels, offering.age_from, offering.age_to,
       ARRAY(SELECT duration_minutes::int FROM catalog_offeringprice
              WHERE offering_id = offering.id ORDER BY duration_minutes),
       ARRAY(SELECT price_cents FROM catalog_offeringprice
              WHERE offering_id = offering.id ORDER BY duration_minutes),
       ARRAY(SELECT neighborhood_id FROM catalog_coverage WHERE instructor_id = person.id),
       coalesce(own.review_count, 0), coalesce(own.rating_sum, 0),
       coalesce(category.review_count, 0), coalesce(category.rating_sum, 0),
       coalesce(own.lessons_taught, 0),
       (SELECT count(*) FROM lessons_strike
         WHERE instructor_id = person.id AND created_at > %s AND withdrawn_at IS NULL),
       coalesce(own.recent_question_count, 0), coalesce(own.recent_quick_reply_count, 0),
       chosen.cosine
  FROM chosen
  JOIN catalog_offering AS offering ON offering.id = chosen.id
  JOIN catalog_service AS service ON service.id = offering.service_id
  JOIN catalog_instructor AS person ON person.id = offering.instructor_id
  JOIN catalog_neighborhood AS place ON place.id = person.base_neighborhood_id
  LEFT JOIN reviews_instructorstatistics AS own ON own.instructor_id = person.id
  LEFT JOIN reviews_categorystatistics AS category ON category.category_id = service.category_id
"""


@dataclass(frozen=True)
class Wish:
    """What offers are held against besides the demand.

    ``scores`` say how much each service is meant, ``points`` are latitude and longitude in degrees
    of where the lesson is wanted; ``place_ids`` are the neighborhoods that the demand names and
    those of the boroughs it names, ``excluded_place_ids`` the neighborhoods it excludes by name.
    ``nearness`` is an expression of how near an offer's own words are.
    With ``today``, in New York, who has no free time then stands behind those who may have one.
    """

    demand: Demand
    formula: ranking.Formula
    scores: Mapping[int, float] = field(default_factory=dict)
    points: Sequence[tuple[float, float]] = ()
    place_ids: Collection[int] = ()
    excluded_place_ids: Collection[int] = ()
    is_near_me: bool = False
    nearness: Subquery | None = None
    today: date | None = None

    @cached_property
    def dates(self) -> list[date]:
        """The local dates on which a time is asked for; none where any time will do."""
        window = self.demand.window
        if self.today is None or window.is_open_ended:
            return []
        return [on for on in dates_between(*window.horizon(self.today)) if window.fits_day(on)]


def load_offers(
    service_ids: Collection[int] | None,
    wish: Wish,
    *,
    checked_since: date,
    struck_since: datetime,
    not_user_id: int | None,
) -> list[Offer]:
    """Return the bookable offers of these services (None: of any) that nothing rules out.

    Left out are those of ``not_user_id``, who searches, of people with whom either side has
    blocked the other, and what a hard filter of the demand refuses. Of more than ``MAX_OFFERS``
    those stay who miss least of place, price and level, and of those the best by everything that
    the score is made of but the times. One query. Spec: S5.8, S8.3, S8.7, S8.15.
    """
    rows = Offering.objects.bookable().filter(instructor__background_checked_on__gte=checked_since)
    if service_ids is not None:
        rows = rows.filter(service_id__in=service_ids)
    rows = rows.shown_to(not_user_id)
    try:
        fitting, known = _fitting(rows, wish).query.sql_with_params()
    except EmptyResultSet:  # such as no services at all
        return []
    chosen, asked = _chosen(wish)
    with connections[router.db_for_read(Offering)].cursor() as cursor:
        cursor.execute(
            f"{_FOUND.format(fitting=fitting)}{chosen}{_READ}", [*known, *asked, struck_since]
        )
        return [offer_of(row) for row in cursor.fetchall()]


def _fitting(rows: QuerySet[Offering], wish: Wish) -> QuerySet[Offering, Any]:
    """Return what no hard filter refuses, as far as one row can tell, with what it misses."""
    demand = wish.demand
    is_remote = demand.modalities == {"online"}
    at_place = _reaches(wish)
    level = Q(levels__contains=[demand.level]) if demand.level else None
    by_lesson = demand.price_basis == "lesson"
    return (
        rows.filter(_hard_filters(wish))
        .order_by()
        .annotate(
            hourly=_price(demand, "hourly_cents"),
            asked=_price(demand, "price_cents") if by_lesson else F("hourly"),
            elsewhere=_unless(at_place if demand.places and not is_remote else None),
            other_level=_unless(level),
            cosine=_NO_COSINE if wish.nearness is None else wish.nearness,
            minutes=_price(demand, "duration_minutes") if wish.dates else _NO_MINUTES,
        )
        .values_list(
            "pk", "service_id", "hourly", "asked", "elsewhere", "other_level", "cosine",
            "instructor_id", "minutes",
            "instructor__statistics__review_count", "instructor__statistics__rating_sum",
            "instructor__statistics__lessons_taught",
            "instructor__statistics__recent_question_count",
            "instructor__statistics__recent_quick_reply_count",
            "service__category__statistics__review_count",
            "service__category__statistics__rating_sum",
            "instructor__base_neighborhood__latitude", "instructor__base_neighborhood__longitude",
        )
    )  # fmt: skip


def _unless(condition: Q | None) -> Case | Value:
    if condition is None:
        return Value(False)
    return Case(When(condition, then=Value(False)), default=True, output_field=BooleanField())


def _price(demand: Demand, column: str) -> Combinable:
    """Return what ``Offer.minutes_for`` would cost: the wanted length, an hour or the shortest."""
    prices = OfferingPrice.objects.filter(offering=OuterRef("pk")).order_by("duration_minutes")
    lengths = dict.fromkeys([demand.minutes or DEFAULT_MINUTES, DEFAULT_MINUTES])
    exact = [prices.filter(duration_minutes=minutes).order_by() for minutes in lengths]
    return Coalesce(*(Subquery(some.values(column)[:1]) for some in [*exact, prices]))


def _reaches(wish: Wish) -> Q:
    """Return whether a lesson can be in a wanted place, as ``search.offers.reaches`` tells."""
    demand, way = wish.demand, Modality.AT_STUDENT.value
    goes = way != demand.excluded_modality and (not demand.modalities or way in demand.modalities)
    if not goes:
        return _is_at(demand.places, ())
    return _is_at(demand.places, ()) | (Q(modalities__contains=[way]) & _is_at((), wish.place_ids))


def _is_at(names: Collection[str], place_ids: Collection[int]) -> Q:
    """Return whether somebody is based in one of the places or serves one of the ids."""
    names = sorted(names)
    based = Q(instructor__base_neighborhood__borough__in=names) | Q(
        instructor__base_neighborhood__name__in=names
    )
    if not place_ids:
        return based
    coverage = Coverage.objects.filter(instructor=OuterRef("instructor_id"))
    return based | Q(Exists(coverage.filter(neighborhood__in=sorted(place_ids))))


def _hard_filters(wish: Wish) -> Q:
    """Return what is never relaxed: way, age, language, rating and excluded places."""
    demand, wanted = wish.demand, Q()
    unwanted = demand.excluded_modality
    if demand.modalities:
        wanted &= Q(modalities__overlap=sorted(demand.modalities - {unwanted or ""}))
    elif unwanted:
        wanted &= ~Q(modalities__contained_by=[unwanted])
    if demand.ages is not None:
        low, high = demand.ages
        wanted &= Q(age_from__lte=high, age_to__gte=low)
    if demand.language:
        wanted &= Q(instructor__languages__contains=[demand.language])
    if demand.rating_hundredths:
        count, total = F("instructor__statistics__review_count"), "instructor__statistics__"
        wanted &= Q(instructor__statistics__review_count__gte=FEWEST_REVIEWS) & Q(
            GreaterThanOrEqual(F(f"{total}rating_sum") * 100, count * demand.rating_hundredths)
        )
    if demand.excluded_places:
        wanted &= ~_is_at(demand.excluded_places, wish.excluded_place_ids)
    return wanted


def _chosen(wish: Wish) -> tuple[str, list[Any]]:
    """Return the choice in SQL with its parameters."""
    demand, formula = wish.demand, wish.formula
    usual = formula.imagined_reviews
    highest = _NO_LIMIT if demand.max_cents is None else demand.max_cents
    best = max(wish.scores.values(), default=1.0)
    distance, points = _distance(wish)
    busy, times = _busy(wish)
    scale: list[Any] = [
        highest, *times, usual, usual, usual * ranking.USUAL_REPLY, usual,
        usual * ranking.USUAL_COMPLETION, usual,
    ]  # fmt: skip
    most = highest if highest == _NO_LIMIT else int(highest * STRETCH)
    limits = [formula.usual_stars, demand.min_cents or 0, most]
    meant = [list(wish.scores), [score / best for score in wish.scores.values()]]
    # So many of a page may stand there because they are new; as many more are read for it.
    counts = [MAX_OFFERS, MAX_OFFERS * formula.boosted_per_page // formula.page_size]
    chosen = _CHOSEN.format(
        price=_PRICE[demand.price_preference].format(
            price=formula.price_share, spread=formula.price_spread
        ),
        distance=distance,
        busy=busy,
        words=formula.words_share,
        reply=formula.reply_share,
        completion=formula.completion_share,
        boost=formula.boost,
        boost_lessons=formula.boost_lessons,
    )
    return chosen, [*meant, *scale, *points, *limits, *counts]


def _busy(wish: Wish) -> tuple[str, list[Any]]:
    """Return what counts as missed where no time is free then. Spec: S8.11"""
    if not wish.dates:
        return "0", []
    hours = [
        (minute_of_day(after) if after else 0, minute_of_day(before) if before else None)
        for after, before in wish.demand.window.hours or [(None, None)]
    ]
    day, night = wanted_quarters(hours)
    # Each half day reaches 15 quarters into the next one.
    wanted = day | night << 2 * HALF
    half = (1 << HALF + NIGHT.bit_length()) - 1
    return _BUSY, [
        MAX_OFFERS, len(wish.dates), (1 << HALF) - 1, NIGHT, HALF, wanted & half, NIGHT << HALF,
        wanted >> HALF, wish.dates,
    ]  # fmt: skip


def _distance(wish: Wish) -> tuple[str, list[Any]]:
    if not wish.points:
        return "1", []
    east = _KILOMETERS_A_DEGREE * _LONGITUDE_SHRINKS
    latitudes, longitudes = ([point[axis] for point in wish.points] for axis in (0, 1))
    said = _DISTANCE.format(distance=wish.formula.distance_km)
    return said, [wish.is_near_me, _KILOMETERS_A_DEGREE, east, latitudes, longitudes]
