"""Chainable reads and one-table writes on what people would like."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from accounts.models import User
    from catalog.models import Neighborhood


class FavoriteQuerySet(models.QuerySet[Any]):
    """Instructors that people keep."""

    def of_user(self, user: "User") -> "FavoriteQuerySet":
        """Return what a person keeps, the newest first; people without a public page are left out.

        Spec: S10.3
        """
        return self.filter(user=user, instructor__status__in=["live", "paused"]).order_by(
            "-created_at", "-pk"
        )

    def of_guest(self, guest_key: str) -> "FavoriteQuerySet":
        """Return what a guest keeps until they sign in."""
        return self.filter(guest_key=guest_key)

    def left_by_guests(self, before: datetime) -> "FavoriteQuerySet":
        """Return rows of guests who never came back."""
        return self.filter(guest_key__isnull=False, created_at__lt=before)


class WaitingQuerySet(models.QuerySet[Any]):
    """Addresses that wait for one mail."""

    def unanswered(self) -> "WaitingQuerySet":
        """Return those nobody has written to, the oldest first."""
        return self.filter(notified_at__isnull=True).order_by("created_at", "pk")

    def record(self, email: str, **wanted: Any) -> None:
        """Add the address unless it waits for the same already, whatever its case."""
        self.bulk_create([self.model(email=email.lower(), **wanted)], ignore_conflicts=True)

    def wait_again(self, email: str, now: datetime, **wanted: Any) -> None:
        """Let an address that was written to wait for the same once more."""
        self.filter(email__iexact=email, notified_at__isnull=False, **wanted).update(
            notified_at=None, removal_hash="", created_at=now
        )

    def out_of_date(self, *, written_before: datetime, asked_before: datetime) -> "WaitingQuerySet":
        """Return rows old enough to forget. Spec: S7.5."""
        return self.filter(
            models.Q(notified_at__lt=written_before) | models.Q(created_at__lt=asked_before)
        )

    def of_nobody(self) -> "WaitingQuerySet":
        """Return rows whose address has no account."""
        from accounts.models import User

        known = User.objects.filter(email__iexact=models.OuterRef("email"))
        return self.filter(~models.Exists(known))


class QueueQuerySet(models.QuerySet[Any]):
    """Rows that staff look through."""

    def newest_first(self) -> Any:
        """Return what waits for staff first, the newest before older ones."""
        return self.order_by(models.F("handled_at").desc(nulls_first=True), "-created_at", "-pk")

    def until(self, instant: datetime) -> Any:
        """Return those that came up to an instant, whether or not anybody looked at them."""
        return self.filter(created_at__lte=instant)


class ProfileReportQuerySet(QueueQuerySet):
    """Reports of profiles; of other things where a list reads other rows along."""

    reads_along: tuple[str, ...] = ("instructor", "reporter")

    def newest_first(self) -> Any:
        """Return open reports first, among them those about somebody's safety. Spec: S10.5."""
        is_safety = models.ExpressionWrapper(
            models.Q(kind="safety"), output_field=models.BooleanField()
        )
        waiting_first = models.F("handled_at").desc(nulls_first=True)
        rows = self.select_related(*self.reads_along).annotate(is_safety=is_safety)
        return rows.order_by(waiting_first, "-is_safety", "-created_at", "-pk")


class TeachingInterestQuerySet(QueueQuerySet):
    """People who would like to teach."""

    def record(
        self, *, email: str, first_name: str, teaches: str, neighborhood: "Neighborhood"
    ) -> None:
        """Add the wish unless the same one waits already, whatever its case."""
        row = self.model(
            email=email.lower(), first_name=first_name, teaches=teaches, neighborhood=neighborhood
        )
        self.bulk_create([row], ignore_conflicts=True)


class LearningPreferencesQuerySet(models.QuerySet[Any]):
    """What new users told us."""

    def of(self, user: "User") -> Any:
        """Return the person's answers, or None when they were never asked."""
        return self.filter(user=user).select_related("category", "neighborhood").first()
