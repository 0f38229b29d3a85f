"""Reads of the catalogue for its pages."""

import math
from calendar import monthrange
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Count, Exists, OuterRef, Q, Subquery, When
from django.db.models.functions import JSONObject

from catalog.models import (
    Category,
    Coverage,
    Credential,
    Instructor,
    InstructorSlugAlias,
    Offering,
    Policy,
    ProfileQuestion,
    Service,
)
from catalog.text import words_of


@dataclass(frozen=True)
class ServiceRow:
    """A service as All Services prints it; ``hourly_from_cents`` is rounded up to the dollar."""

    name: str
    slug: str
    description: str
    instructor_count: int
    hourly_from_cents: int | None
    words: str

    @property
    def from_dollars_cents(self) -> int:
        """The lowest price scaled to an hour, rounded up to the whole dollar. Spec: S7.1."""
        return -(-(self.hourly_from_cents or 0) // 100) * 100


@dataclass(frozen=True)
class CategorySection:
    """A category with its sub-headings and services."""

    category: Category
    groups: Sequence[tuple[str, Sequence[ServiceRow]]]

    @property
    def count(self) -> int:
        """How many active services it has."""
        return sum(len(rows) for _, rows in self.groups)

    @property
    def tens(self) -> int:
        """Its services in tens, rounded up: how much room the page keeps until they come."""
        return -(-self.count // 10)

    def matching(self, wanted: Sequence[str]) -> "CategorySection":
        """Return the section with only the services that hold all the folded words. Spec: S7.3."""
        kept = [(name, [row for row in rows if _holds(row, wanted)]) for name, rows in self.groups]
        return CategorySection(self.category, [(name, rows) for name, rows in kept if rows])


def _holds(row: ServiceRow, wanted: Sequence[str]) -> bool:
    return all(f" {word}" in row.words for word in wanted)


def service_sections() -> list[CategorySection]:
    """Return every active service under its category and sub-heading, in two queries.

    Spec: S7.1
    """
    services = Service.objects.active().with_offer_counts().order_by("position")
    grouped: dict[int, dict[str, list[ServiceRow]]] = defaultdict(lambda: defaultdict(list))
    for service in services:
        row = ServiceRow(
            service.name,
            service.slug,
            service.description,
            service.instructor_count,  # type: ignore[attr-defined]
            service.hourly_from_cents,  # type: ignore[attr-defined]
            words_of(service.name, *service.keywords),
        )
        grouped[service.category_id][service.subcategory].append(row)
    return [
        CategorySection(category, list(grouped[category.pk].items()))
        for category in Category.objects.order_by("position")
    ]


def earliest_check(today: date, policy: Policy | None = None) -> date:
    """Return the date of the oldest background check that still counts. Spec: S10.1, S15.10."""
    return months_before(today, (policy or Policy.objects.current()).background_check_months)


def months_before(on: date, months: int) -> date:
    """Return the same day so many months earlier, or the last one of a shorter month."""
    year, month = divmod(on.year * 12 + on.month - 1 - months, 12)
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))


def instructor_once_named(slug: str) -> Instructor | None:
    """Return the instructor whose former slug this is. Spec: G10."""
    rows = InstructorSlugAlias.objects.select_related(
        "instructor__user", "instructor__base_neighborhood"
    )
    alias = rows.filter(slug=slug).first()
    return alias.instructor if alias else None


@dataclass(frozen=True)
class PublicInstructor:
    """Somebody with a public page and what they teach now."""

    instructor: Instructor
    offers: Sequence[Offering]


def public_instructor(slug: str) -> PublicInstructor | None:
    """Return the instructor with a public page who has, or once had, this slug. Spec: S10.3, G10"""
    rows = Instructor.objects.public_pages().select_related("base_neighborhood")
    found = rows.filter(slug=slug).first() or rows.filter(slug_aliases__slug=slug).first()
    if found is None:
        return None
    offers = found.offerings.filter(is_active=True, service__is_active=True)
    rows_of_offers = offers.select_related("service").prefetch_related("prices").order_by("pk")
    return PublicInstructor(found, [offer for offer in rows_of_offers if offer.prices.all()])


def offers_of(
    service: Service, *, checked_since: date, limit: int, also: Sequence[str] = ()
) -> list[Offering]:
    """Return the bookable offers of a service with their instructors and prices.

    People whose background check is older than ``checked_since`` are left out; ``also`` names
    further relations to read along. Spec: S8.7.
    """
    rows = Offering.objects.bookable().filter(
        service=service, instructor__background_checked_on__gte=checked_since
    )
    return list(
        rows.select_related("instructor__base_neighborhood", *also)
        .prefetch_related("prices")
        .order_by("pk")[:limit]
    )


@dataclass(frozen=True)
class CredentialFacts:
    """One line of education or certificates; ``verified_on`` is None when self-declared."""

    kind: str
    title: str
    issuer: str
    year: int | None
    verified_on: date | None


@dataclass(frozen=True)
class Profile:
    """An instructor with everything that the catalogue knows for the profile page."""

    instructor: Instructor
    policy: Policy
    places: Sequence[str]
    credentials: Sequence[CredentialFacts]
    questions: Sequence[tuple[str, str]]


_POLICY_FIELDS = [
    field.name for field in Policy._meta.concrete_fields if field.name != "created_at"  # noqa: SLF001
]  # fmt: skip


def find_profile(slug: str, *, also: Sequence[str] = ()) -> Profile | None:
    """Return a profile and the policy in force by one query; None for an unknown slug.

    ``also`` names further relations of the instructor to read along. Spec: S10.1
    """
    mine = {"instructor": OuterRef("pk")}
    policy = Policy.objects.order_by("-pk").values(
        row=JSONObject(**{name: name for name in _POLICY_FIELDS})
    )[:1]
    places = Coverage.objects.filter(**mine).order_by("neighborhood__name")
    credentials = Credential.objects.filter(**mine).order_by("position")
    questions = ProfileQuestion.objects.filter(**mine).order_by("position")
    row: Any = (
        Instructor.objects.filter(slug=slug)
        .select_related("user", "base_neighborhood", *also)
        .annotate(
            policy_row=Subquery(policy),
            place_names=ArraySubquery(places.values("neighborhood__name")),
            credential_rows=ArraySubquery(
                credentials.values(
                    row=JSONObject(
                        kind="kind", title="title", issuer="issuer", year="year",
                        verified_on="verified_on",
                    )
                )
            ),
            question_rows=ArraySubquery(
                questions.values(row=JSONObject(question="question", answer="answer"))
            ),
        )
        .first()
    )  # fmt: skip
    if row is None:
        return None
    return Profile(
        instructor=row,
        policy=Policy(**row.policy_row),
        places=row.place_names,
        credentials=[_credential(values) for values in row.credential_rows],
        questions=[(values["question"], values["answer"]) for values in row.question_rows],
    )


def _credential(values: dict[str, Any]) -> CredentialFacts:
    verified_on = values.pop("verified_on")
    return CredentialFacts(
        **values, verified_on=date.fromisoformat(verified_on) if verified_on else None
    )


@dataclass(frozen=True)
class ProfileOffers:
    """What an instructor offers, and one offer each of similar instructors."""

    own: list[Offering]
    similar: list[Offering]


def profile_offers(
    instructor: Instructor,
    *,
    checked_since: date,
    similar: int = 3,
    also: Sequence[str] = (),
    nearest: Mapping[int, float] | None = None,
) -> ProfileOffers:
    """Return active offers with prices, of the instructor and of similar ones, by two queries.

    Similar are the ``nearest``, by their distance. Where they are fewer than ``similar``, others
    follow who teach in the same categories: those who share most services, of the same borough
    first. The background check must not be older than ``checked_since``.

    Spec: S8.15, S10.1.
    """
    distances = dict(nearest or {})
    theirs = Q(instructor__in=list(distances))
    if len(distances) < similar:
        alike = _similar_instructors(instructor, checked_since).exclude(pk__in=list(distances))
        people = alike.values("pk")[: similar - len(distances)]
        theirs |= Q(instructor__in=Subquery(people))
    theirs &= Q(instructor__status=Instructor.Status.LIVE)
    rows = (
        Offering.objects.filter(Q(instructor=instructor) | theirs)
        .filter(is_active=True, service__is_active=True)
        .select_related("service__category", "instructor__base_neighborhood", *also)
        .prefetch_related("prices")
        .order_by("pk")
    )
    priced = [row for row in rows if row.prices.all()]
    own = [row for row in priced if row.instructor_id == instructor.pk]
    others = [row for row in priced if row.instructor_id != instructor.pk]
    return ProfileOffers(own, _one_each(own, others, distances))


def _similar_instructors(instructor: Instructor, checked_since: date) -> Any:
    mine = Offering.objects.filter(instructor=instructor, is_active=True, service__is_active=True)
    theirs = Offering.objects.filter(
        instructor=OuterRef("pk"), is_active=True, service__is_active=True
    )
    same = Q(offerings__is_active=True, offerings__service__in=Subquery(mine.values("service")))
    near = Q(base_neighborhood__borough=instructor.base_neighborhood.borough)
    categories = Subquery(mine.values("service__category"))
    return (
        Instructor.objects.live()
        .checked_since(checked_since)
        .exclude(pk=instructor.pk)
        .filter(Exists(theirs.filter(service__category__in=categories)))
        .annotate(
            shared=Count("offerings", filter=same), is_near=Case(When(near, then=0), default=1)
        )
        .order_by("-shared", "is_near", "pk")
    )


def _one_each(
    own: Collection[Offering], others: Sequence[Offering], distances: Mapping[int, float]
) -> list[Offering]:
    """Return one offer of each instructor, of a shared service where there is one.

    The nearest instructor comes first, of equally near ones who shares a service.
    """
    services = {row.service_id for row in own}
    categories = {row.service.category_id for row in own}
    best: dict[int, tuple[int, Offering]] = {}
    for row in others:
        fit = 2 if row.service_id in services else int(row.service.category_id in categories)
        if row.instructor_id not in best or fit > best[row.instructor_id][0]:
            best[row.instructor_id] = (fit, row)
    order = sorted(best.items(), key=lambda item: (distances.get(item[0], math.inf), -item[1][0]))
    return [row for _, (_, row) in order]
