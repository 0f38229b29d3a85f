"""Which search led to a hold and to a lesson (Spec: T1, T4, S3.2, S3.3, S3.4)."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection

from accounts.models import User
from accounts.owners import Owner
from analytics.kinds import InteractionType
from analytics.models import SearchEvent, SearchInteraction
from bookings.lessons.checkout import pay_and_confirm
from bookings.lessons.models import Booking
from bookings.lessons.services import hold_slot
from catalog.models import Offering
from instainstru import clock
from tests.bookings.lessons.stage import details, guest, owner, self_learner, wanted
from tests.factories.accounts import student
from tests.factories.catalog import OfferingFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S3]

BOOKINGS = [InteractionType.HOLD_CREATED, InteractionType.BOOKING_CONFIRMED]


@pytest.fixture
def maya() -> User:
    return student()


@pytest.fixture
def offering() -> Offering:
    return OfferingFactory()


def opened(
    offering: Offering, *, kind: str = "result_click", days_ago: float = 0.01, **owner: Any
) -> SearchEvent:
    """Return a search from which somebody went to the instructor."""
    at = clock.now() - timedelta(days=days_ago)
    event = SearchEvent.objects.create(
        search_id=uuid4(), search_type="natural_language", parsed={}, filters={}, results_count=1,
        top_ids=[], match="results", mode="lexical", latency_ms=1, referrer="direct",
        created_at=at, **owner,
    )  # fmt: skip
    SearchInteraction.objects.create(
        event_id=uuid4(), search=event, type=kind, position=3, created_at=at,
        instructor=offering.instructor,
    )  # fmt: skip
    return event


def credited() -> list[tuple[str, Any, int | None]]:
    rows = SearchInteraction.objects.filter(type__in=BOOKINGS).order_by("created_at")
    return list(rows.values_list("type", "search", "position"))


def book(maya: User, offering: Offering) -> None:
    hold = hold_slot(by=owner(maya), wanted=wanted(offering))
    paid = details(hold, learner_id=self_learner(maya).pk)
    for _ in range(2):
        pay_and_confirm(by=maya, hold_id=hold.hold_id, details=paid)


@pytest.mark.parametrize("kind", ["result_click", "profile_view"])
def test_the_search_before_a_booking_has_the_credit(
    maya: User, offering: Offering, kind: str
) -> None:
    opened(offering, user=maya, days_ago=2)
    last = opened(offering, user=maya, kind=kind)
    book(maya, offering)
    assert credited() == [
        ("hold_created", last.pk, 3),
        ("booking_confirmed", last.pk, 3),
    ]


def test_a_guest_who_may_be_named_is_counted_by_the_key(offering: Offering) -> None:
    search = opened(offering, guest_key="guest-key-1")
    hold_slot(by=guest("guest-key-1"), wanted=wanted(offering))
    assert credited() == [("hold_created", search.pk, 3)]


@pytest.mark.parametrize(
    "case", ["nameless", "somebody else", "another instructor", "long ago", "only shown"]
)
def test_no_other_search_has_it(maya: User, offering: Offering, case: str) -> None:
    """Spec: S3.2, S3.4"""
    if case == "nameless":
        opened(offering)
    elif case == "somebody else":
        opened(offering, user=student())
    elif case == "another instructor":
        opened(OfferingFactory(), user=maya)
    elif case == "long ago":
        opened(offering, user=maya, days_ago=7.01)
    else:
        opened(offering, user=maya, kind="impression")
    hold_slot(by=Owner(user_id=maya.pk), wanted=wanted(offering))
    assert not credited()


@pytest.mark.django_db(transaction=True)
def test_no_hold_is_promised_when_the_connection_breaks_as_the_search_is_credited(
    maya: User, offering: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hold is gone with its transaction, so nobody may be told that they have it. T1, R12"""

    def breaks(_manager: object, _values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    monkeypatch.setattr(type(SearchInteraction.objects), "booked", breaks)
    with pytest.raises(OperationalError):
        hold_slot(by=owner(maya), wanted=wanted(offering))
    assert not Booking.objects.exists()


def test_a_step_that_cannot_be_written_fails_no_booking(
    maya: User, offering: Offering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spec: S2.7, T1"""

    def fails(_manager: object, _values: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")

    monkeypatch.setattr(type(SearchInteraction.objects), "booked", fails)
    hold_slot(by=owner(maya), wanted=wanted(offering))
    assert Booking.objects.filter(student=maya).exists()
