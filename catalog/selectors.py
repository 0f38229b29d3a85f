"""Reads of the catalogue for its pages."""

from calendar import monthrange
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Case, Q, When

from catalog.models import Category, Instructor, InstructorSlugAlias, Offering, Policy, Service
from instainstru import clock


@dataclass(frozen=True)
class ServiceRow:
    """A service as All Services prints it; ``hourly_from_cents`` is rounded up to the dollar."""

    name: str
    slug: str
    description: str
    instructor_count: int
    hourly_from_cents: int | None

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
        )
        grouped[service.category_id][service.subcategory].append(row)
    return [
        CategorySection(category, list(grouped[category.pk].items()))
        for category in Category.objects.order_by("position")
    ]


def earliest_check(today: date) -> date:
    """Return the date of the oldest background check that still counts. Spec: S10.1, S15.10."""
    return months_before(today, Policy.objects.current().background_check_months)


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


def offers_of(service: Service, *, also: Sequence[str] = (), limit: int = 60) -> list[Offering]:
    """Return the bookable offers of a service with their instructors and prices.

    ``also`` names further relations to read along.
    """
    today = clock.now().astimezone(clock.NEW_YORK).date()
    rows = Offering.objects.bookable().filter(
        service=service, instructor__background_checked_on__gte=earliest_check(today)
    )
    return list(
        rows.select_related("instructor__base_neighborhood", *also)
        .prefetch_related("prices")
        .order_by("pk")[:limit]
    )


def profile_offers(instructor: Instructor) -> list[Offering]:
    """Return the active offers of an instructor with their prices."""
    rows = instructor.offerings.filter(is_active=True, service__is_active=True)
    return list(rows.select_related("service__category").prefetch_related("prices").order_by("pk"))


def similar_instructors(instructor: Instructor, *, limit: int = 3) -> list[Instructor]:
    """Return live instructors who teach the same services, nearest borough first."""
    services = instructor.offerings.values("service")
    offers = Offering.objects.bookable().filter(service__in=services)
    rows = Instructor.objects.live().filter(pk__in=offers.values("instructor"))
    near = Q(base_neighborhood__borough=instructor.base_neighborhood.borough)
    return list(
        rows.exclude(pk=instructor.pk)
        .select_related("base_neighborhood")
        .annotate(is_near=Case(When(near, then=0), default=1))
        .order_by("is_near", "pk")[:limit]
    )
