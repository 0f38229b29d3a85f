"""Overlapping series at once: one winner, nothing half held (Spec: R10, R11, R12, R19)."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from accounts.models import User
from accounts.owners import Owner
from bookings.lessons.checkout import CheckoutResult, pay_and_confirm
from bookings.lessons.errors import SeriesTakenError, SlotTakenError
from bookings.lessons.models import Booking
from bookings.lessons.services import hold_series, hold_slot
from bookings.payments.models import LedgerTransaction, OfflineIntent
from bookings.payments.selectors import ledger_imbalances
from catalog.models import Offering
from tests.bookings.lessons.stage import details, guest, owner, self_learner, wanted
from tests.bookings.payments.conftest import in_parallel
from tests.factories.accounts import student
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import tomorrow_at

pytestmark = [pytest.mark.S12, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def offering() -> Offering:
    return OfferingFactory()


def weekly(count: int, first: int = 7) -> list[datetime]:
    return [tomorrow_at(10, days=first + 7 * week) for week in range(count)]


def holding(offering: Offering, by: Owner, starts: list[datetime]) -> Callable[[], Any]:
    return lambda: hold_series(by=by, wanted=wanted(offering), starts=starts)


def test_overlapping_series_have_one_winner(offering: Offering) -> None:
    """Two shifted by a week share three dates: the loser keeps none of its own."""
    for number in range(4):
        Booking.objects.all().delete()
        answers = in_parallel(
            [
                holding(offering, guest(f"guest-{number}-a"), weekly(4)),
                holding(offering, guest(f"guest-{number}-b"), weekly(4, first=14)),
            ]
        )
        winners = [answer for answer in answers if isinstance(answer, Booking)]
        losers = [answer for answer in answers if isinstance(answer, SeriesTakenError)]
        assert (len(winners), len(losers)) == (1, 1), answers
        rows = Booking.objects.filter(status="held")
        assert {row.series for row in rows} == {winners[0].series}
        assert rows.count() == 4


def test_twenty_people_and_single_lessons_leave_whole_series_only(offering: Offering) -> None:
    """R12: losers get 409, never 500; who holds one date keeps out every series over it."""
    calls = [
        holding(offering, guest(f"guest-{n}"), weekly(3, first=7 * (1 + n % 3))) for n in range(14)
    ]
    calls += [
        lambda n=n: hold_slot(  # type: ignore[misc]
            by=guest(f"single-{n}"), wanted=wanted(offering, weekly(5)[n % 5])
        )
        for n in range(6)
    ]
    answers = in_parallel(calls)
    refused = [answer for answer in answers if not isinstance(answer, Booking)]
    assert all(isinstance(error, SeriesTakenError | SlotTakenError) for error in refused), refused
    rows = Booking.objects.filter(status="held")
    assert rows.count() == len({row.start_at for row in rows})
    for series in {row.series for row in rows if row.series}:
        assert rows.filter(series=series).count() == 3


def test_ten_payments_of_one_series_charge_once(offering: Offering) -> None:
    """S13.2, S14.2: two tabs, ten tabs."""
    maya: User = student()
    hold = hold_series(by=owner(maya), wanted=wanted(offering), starts=weekly(3))
    said = details(hold, learner_id=self_learner(maya).pk)
    answers = in_parallel(
        [lambda: pay_and_confirm(by=maya, hold_id=hold.hold_id, details=said)] * 10
    )
    others = [answer for answer in answers if not isinstance(answer, CheckoutResult)]
    assert len(others) < 10
    assert all(getattr(error, "status", 500) == 409 for error in others), others
    assert OfflineIntent.objects.get(status="succeeded").amount_cents == 3 * 8500
    assert LedgerTransaction.objects.filter(kind="charge").count() == 3
    assert set(Booking.objects.values_list("status", flat=True)) == {"confirmed"}
    assert ledger_imbalances() == []
