"""Chainable reads on bookings in domain words."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q, Value
from django.db.models.functions import Coalesce

from accounts.owners import Owner

if TYPE_CHECKING:
    from accounts.models import User
    from bookings.lessons.models import Booking, Proposal  # noqa: F401 - the base names it


_HOUR = Value(timedelta(hours=1), output_field=DurationField())
_CLOSES_AFTER = ExpressionWrapper(
    F("policy__auto_complete_hours") * _HOUR, output_field=DurationField()
)
_DAY = Value(timedelta(days=1), output_field=DurationField())
_REVIEW_WINDOW = ExpressionWrapper(
    F("policy__review_window_days") * _DAY, output_field=DurationField()
)


class BookingQuerySet(models.QuerySet["Booking"]):
    """Reads on bookings; every page starts from the person who asks."""

    def of_student(self, user: "User") -> "BookingQuerySet":
        """Bookings this person made, holds of proposals left out."""
        return self.filter(student=user, purpose="checkout")

    def of_instructor(self, user: "User") -> "BookingQuerySet":
        """Lessons this person teaches or taught: confirmed once, so never a hold."""
        return self.filter(instructor__user=user, purpose="checkout", code__isnull=False)

    def once_booked(self) -> "BookingQuerySet":
        """Lessons, whatever became of them: holds have no code."""
        return self.filter(code__isnull=False)

    def with_people(self) -> "BookingQuerySet":
        """Read everybody and everything that a lesson's page, mail or service names."""
        return self.select_related(
            "instructor__user", "instructor__base_neighborhood", "offering__service", "policy",
            "neighborhood", "learner", "student",
        )  # fmt: skip

    def together_with(self, booking: "Booking") -> "BookingQuerySet":
        """The lessons that were booked in one go with this one, itself included, in their order.

        The first is the one whose hold is paid for all of them. Spec: R19
        """
        same = Q(pk=booking.pk) if booking.series is None else Q(series=booking.series)
        return self.filter(same).order_by("pk")

    def last_at_home(self) -> "Booking | None":
        """The newest lesson at the student's own place whose address is known."""
        rows = self.filter(modality="at_student", code__isnull=False).exclude(address="")
        return rows.select_related("neighborhood").order_by("-pk").first()

    def held_by(self, owner: Owner) -> "BookingQuerySet":
        """Holds and former holds of an account or a guest."""
        if owner.user_id is not None:
            return self.filter(student_id=owner.user_id, purpose="checkout")
        return self.filter(guest_key=owner.guest_key, purpose="checkout")

    def blocking(self, now: datetime) -> "BookingQuerySet":
        """Rows that keep a time: lapsed holds do not (Spec: R4, S4.3)."""
        return self.filter(
            Q(status__in=["confirmed", "ended", "reported"]) | Q(status="held", expires_at__gt=now)
        )

    def live_holds(self, now: datetime) -> "BookingQuerySet":
        """Holds of a checkout that have not lapsed."""
        return self.filter(status="held", purpose="checkout", expires_at__gt=now)

    def with_close(self) -> "BookingQuerySet":
        """Add ``closes_at``: when an ended lesson completes by itself, in UTC (Spec: T12)."""
        closes_at = ExpressionWrapper(F("end_at") + _CLOSES_AFTER, output_field=DateTimeField())
        return self.annotate(closes_at=closes_at)

    def with_review_until(self) -> "BookingQuerySet":
        """Add ``closes_at`` and ``review_until``: the last instant to review (Spec: S11.3)."""
        until = Coalesce("completed_at", "closes_at") + _REVIEW_WINDOW
        return self.with_close().annotate(
            review_until=ExpressionWrapper(until, output_field=DateTimeField())
        )

    def completed_since(self, instant: datetime) -> "BookingQuerySet":
        """Lessons that were completed after this instant."""
        return self.filter(completed_at__gt=instant)


class ProposalQuerySet(models.QuerySet["Proposal"]):
    """Reads on proposed times."""

    def alive(self, now: datetime) -> "ProposalQuerySet":
        """Those that can still be answered (Spec: T7, S4.3)."""
        return self.filter(status="open", expires_at__gt=now)

    def lapsed(self, now: datetime) -> "ProposalQuerySet":
        """Those whose time is over but which nobody has written down yet."""
        return self.filter(status="open", expires_at__lte=now)
