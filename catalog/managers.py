"""Chainable reads on the catalogue in domain words."""

from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Count, F, Min, Q, Subquery
from django.db.models.functions import Coalesce, Greatest, JSONObject

from accounts.models import Block

if TYPE_CHECKING:
    from accounts.models import User
    from catalog.models import (  # noqa: F401 (named by the base classes below)
        Address,
        Category,
        Instructor,
        Neighborhood,
        Offering,
        Policy,
        Service,
    )
    from catalog.zip_codes import Located


# A degree of longitude in New York, as a part of a degree of latitude.
DEGREE_EAST = 0.76


class PolicyManager(models.Manager["Policy"]):
    """The newest row is in force."""

    def current(self) -> "Policy":
        """Return the policy in force; the first one is written by a migration."""
        policy = self.order_by("-pk").first()
        if policy is None:
            raise self.model.DoesNotExist("No policy row: run migrations.")
        return policy

    def numbers(self) -> "models.QuerySet[Any]":
        """Return the numbers in force by name as one JSON value, for a subquery of another read."""
        fields = self.model._meta.concrete_fields  # noqa: SLF001 - Django documents it
        names = {field.name: field.name for field in fields if field.name != "created_at"}
        return self.order_by("-pk").values(numbers=JSONObject(**names))[:1]

    def with_founding_spots(self) -> "models.QuerySet[Any]":
        """Add ``founding_spots_left``: the places no founding instructor has taken. Spec: S9.1."""
        from catalog.models import Instructor

        taken = (
            Instructor.objects.filter(is_founding=True)
            .order_by()
            .values("is_founding")
            .annotate(n=Count("pk"))
            .values("n")
        )
        left = F("founding_spots") - Coalesce(Subquery(taken), 0)
        return self.annotate(founding_spots_left=Greatest(left, 0))


class CategoryQuerySet(models.QuerySet["Category"]):
    """Reads on categories."""

    def with_service_counts(self) -> "CategoryQuerySet":
        """Add ``service_count``: the active services of each category."""
        counted = Count("services", filter=Q(services__is_active=True))
        return self.annotate(service_count=counted).order_by("position")


class ServiceQuerySet(models.QuerySet["Service"]):
    """Reads on services."""

    def active(self) -> "ServiceQuerySet":
        """Services that can be offered and found."""
        return self.filter(is_active=True)

    def with_offer_counts(self) -> "ServiceQuerySet":
        """Add ``instructor_count`` and ``hourly_from_cents`` over live instructors (Spec: S7.1)."""
        live = Q(offerings__is_active=True, offerings__instructor__status="live")
        return self.annotate(
            instructor_count=Count("offerings__instructor", filter=live, distinct=True),
            hourly_from_cents=Min("offerings__prices__hourly_cents", filter=live),
        )


class NeighborhoodQuerySet(models.QuerySet["Neighborhood"]):
    """Reads on neighborhoods."""

    def nearest_to(self, place: "Located") -> "NeighborhoodQuerySet":
        """Order by distance; within one city a plane is near enough to the sphere."""
        north = F("latitude") - place.latitude
        east = (F("longitude") - place.longitude) * DEGREE_EAST
        return self.order_by(north * north + east * east, "name")


class InstructorQuerySet(models.QuerySet["Instructor"]):
    """Reads on instructors."""

    def of_calendar(self, user: "User") -> "InstructorQuerySet":
        """Instructors whose hours a person may change: themselves, and whom they assist.

        One query; ask for the role permission beside it (Spec: S5.5, S5.6).
        """
        from catalog.models import InstructorGrant

        assisted = InstructorGrant.objects.live().held_by(user).values("content_object")
        return self.filter(Q(user=user) | Q(pk__in=assisted))

    def live(self) -> "InstructorQuerySet":
        """Instructors who may be found and booked (Spec: S8.7)."""
        return self.filter(status="live")

    def checked_since(self, earliest_on: date) -> "InstructorQuerySet":
        """Instructors whose background check is not older than ``earliest_on``."""
        return self.filter(background_checked_on__gte=earliest_on)

    def named(self, start: str) -> "InstructorQuerySet":
        """Instructors whose displayed name begins with these letters, whatever their case."""
        return self.filter(display_name__istartswith=start).order_by("display_name", "pk")

    def shown_to(self, user_id: int | None) -> "InstructorQuerySet":
        """Leave out the person who looks, and whom a block parts from them (Spec: S8.7)."""
        return self if user_id is None else self.exclude(_apart_from(user_id, "user"))

    def serving(self, neighborhood: "Neighborhood") -> "InstructorQuerySet":
        """Instructors who come to a neighborhood."""
        return self.filter(served_neighborhoods=neighborhood)

    def public_pages(self) -> "InstructorQuerySet":
        """Instructors whose profile answers: live and paused (Spec: S10.3)."""
        return self.filter(status__in=["live", "paused"])


class OfferingQuerySet(models.QuerySet["Offering"]):
    """Reads on offerings."""

    def bookable(self) -> "OfferingQuerySet":
        """Active offerings of active services by live instructors."""
        return self.filter(is_active=True, service__is_active=True, instructor__status="live")

    def shown_to(self, user_id: int | None) -> "OfferingQuerySet":
        """Leave out offers of the person who looks, and of whom a block parts from them."""
        return self if user_id is None else self.exclude(_apart_from(user_id, "instructor__user"))


def _apart_from(user_id: int, person: str) -> Q:
    """Return whether ``person`` is this user, or either side has blocked the other. Spec: S5.8"""
    blocked = Block.objects.filter(by=user_id).values("person")
    blocking = Block.objects.filter(person=user_id).values("by")
    return (
        Q(**{person: user_id}) | Q(**{f"{person}__in": blocked}) | Q(**{f"{person}__in": blocking})
    )


class AddressQuerySet(models.QuerySet["Address"]):
    """Reads on saved addresses."""

    def of(self, user: "User") -> "AddressQuerySet":
        """Return the addresses of a person, the oldest first."""
        rows = self.filter(user=user).select_related("neighborhood")
        return rows.order_by("created_at", "pk")
