"""Strikes of instructors: given with a late cancellation or a missed lesson (05 section 4)."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from accounts.audit import record_event, told_decision
from accounts.models import User
from accounts.permissions import require_permission, require_uninvolved
from bookings.lessons.models import Booking, Strike
from bookings.lessons.states import Status
from catalog.models import Instructor, Policy
from catalog.services import suspend_instructor
from instainstru import clock
from instainstru.errors import (
    ConflictError,
    NotFoundError,
    ValidationFailedError,
)

WITHDRAWN = "strike.withdrawn"
DISPUTE_DAYS = 14
DISPUTE_MIN, DISPUTE_MAX = 20, 1000


@dataclass(frozen=True)
class Standing:
    """How many strikes count now, and at how many something happens."""

    count: int
    review_at: int
    suspend_at: int

    @property
    def is_ranked_down(self) -> bool:
        """Whether search ranks the instructor down and staff look at them."""
        return self.count >= self.review_at

    @property
    def is_suspended(self) -> bool:
        """Whether the instructor takes no more bookings."""
        return self.count >= self.suspend_at


def standing_of(instructor_id: int, now: datetime) -> Standing:
    """Return the strikes that still count, in the policy's window of days (05 section 4)."""
    policy = Policy.objects.current()
    since = now - timedelta(days=policy.strike_window_days)
    rows = Strike.objects.filter(
        instructor_id=instructor_id, created_at__gt=since, withdrawn_at__isnull=True
    )
    return Standing(rows.count(), policy.strikes_review, policy.strikes_suspend)


@dataclass(frozen=True)
class Reliability:
    """What an instructor's lessons say of how sure they take place.

    ``completion_pct`` is the share of lessons that took place among those that did or failed
    through the instructor; ``None`` without any.
    """

    taught: int
    failed: int

    @property
    def completion_pct(self) -> int | None:
        """The share in per cent, rounded down: only nothing failed is all."""
        total = self.taught + self.failed
        return 100 * self.taught // total if total else None


def reliability_of(instructor_id: int) -> Reliability:
    """Return how many lessons an instructor taught, and how many they let fall. Spec: S15.15"""
    rows = Booking.objects.filter(instructor=instructor_id, code__isnull=False)
    return Reliability(
        **rows.aggregate(
            taught=Count("pk", filter=Q(status__in=[Status.COMPLETED, Status.NO_SHOW_STUDENT])),
            failed=Count(
                "pk",
                filter=Q(status=Status.NO_SHOW_INSTRUCTOR)
                | Q(status=Status.CANCELLED_INSTRUCTOR, strike__withdrawn_at__isnull=True)
                & Q(strike__isnull=False),
            ),
        )
    )


def strikes_of(by: User) -> QuerySet[Strike]:
    """Return the person's own strikes, the newest first."""
    rows = Strike.objects.filter(instructor__user=by).select_related("booking")
    return rows.order_by("-created_at", "-pk")


def find_strike(*, by: User, code: str) -> Strike:
    """Return the person's strike for a lesson; raises ``NotFoundError``. Spec: G5"""
    strike = strikes_of(by).filter(booking__code=code).first()
    if strike is None:
        raise NotFoundError("We couldn't find this strike.")
    return strike


def may_dispute(strike: Strike, now: datetime) -> bool:
    """Tell whether the instructor can still say why a strike is wrong: once, within 14 days."""
    is_young = now <= strike.created_at + timedelta(days=DISPUTE_DAYS)
    return is_young and not strike.dispute and strike.withdrawn_at is None


def dispute_strike(*, by: User, code: str, text: str, now: datetime | None = None) -> Strike:
    """Say, as the instructor, why the strike for a lesson is wrong; staff decide. Spec: S15.15.

    Raises ``NotFoundError`` for somebody else's, ``ValidationFailedError`` for a text that says
    nothing, ``ConflictError`` for the second time or too late.
    """
    now = now or clock.now()
    if not DISPUTE_MIN <= len(text.strip()) <= DISPUTE_MAX:
        message = f"Write {DISPUTE_MIN} to {DISPUTE_MAX} characters."
        raise ValidationFailedError(message, fields={"text": message})
    strike = find_strike(by=by, code=code)
    open_rows = Strike.objects.filter(pk=strike.pk, dispute="", withdrawn_at__isnull=True)
    if not may_dispute(strike, now) or not open_rows.update(dispute=text.strip(), disputed_at=now):
        raise ConflictError("This strike can't be disputed any more.", code="dispute_closed")
    strike.refresh_from_db()
    return strike


@transaction.atomic
def withdraw_strike(*, by: User, strike_id: int, reason: str, now: datetime | None = None) -> None:
    """Take a strike back as staff; it counts no more. Spec: S15.15, S5.9, S5.10.

    Raises ``ForbiddenError`` without ``bookings.manage_all`` and for one's own profile,
    ``ConflictError`` when it was taken back already.
    """
    require_permission(by, "bookings.manage_all")
    strike = Strike.objects.select_related("instructor__user", "booking").get(pk=strike_id)
    require_uninvolved(by, strike.instructor.user_id)
    rows = Strike.objects.filter(pk=strike.pk, withdrawn_at__isnull=True)
    if not rows.update(withdrawn_at=now or clock.now()):
        words = told_decision("This strike was taken back already.", strike, WITHDRAWN)
        raise ConflictError(words)
    record_event(
        WITHDRAWN,
        by=by,
        on=strike,
        subject=strike.instructor.user,
        after={"booking": strike.booking.code},
        reason=reason,
    )


def add_strike(booking: Booking, reason: str, now: datetime) -> Strike:
    """Mark the instructor of a lesson, once per lesson; at the limit they are suspended.

    The caller holds the instructor's lock. Spec: C6, C7, 05 section 4
    """
    strike, is_new = Strike.objects.get_or_create(
        booking=booking,
        defaults={
            "instructor_id": booking.instructor_id,
            "reason": reason,
            "created_at": now,
        },
    )
    instructor = booking.instructor
    takes_lessons = instructor.status in {Instructor.Status.LIVE, Instructor.Status.PAUSED}
    if is_new and takes_lessons and standing_of(instructor.pk, now).is_suspended:
        suspend_instructor(instructor.pk, by=None, reason="Too many strikes in the last days")
    return strike
