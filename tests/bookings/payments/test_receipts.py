"""Receipt numbers without gaps, and what a receipt says (Spec: S11.6, S14.10)."""

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import Client

from bookings.lessons.cancellation import cancel_as_instructor
from bookings.payments.entries import charge_entries
from bookings.payments.models import LedgerTransaction, Receipt, ReceiptCounter
from bookings.payments.services.ledger import post_event
from bookings.payments.services.receipts import issue_receipt, number_missing_receipts
from tests.bookings.lessons.lesson_stage import set_stage
from tests.bookings.payments.conftest import in_parallel
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.lessons import BookingFactory

pytestmark = [pytest.mark.S14]


def event(key: str, at: datetime) -> LedgerTransaction:
    with transaction.atomic():
        return post_event(
            kind="charge",
            key=key,
            entries=charge_entries(price_cents=9000, travel_fee_cents=0, fee_pct=15),
            occurred_at=at,
        )


def numbers() -> list[str]:
    return [row.number for row in Receipt.objects.order_by("year", "sequence")]


@pytest.mark.django_db
def test_paying_gives_one_number_and_paying_again_none() -> None:
    lesson = BookingFactory()
    attempt = make.pay(lesson)
    from bookings.payments.services import record_charge

    record_charge(attempt_id=attempt.pk, lesson=make.terms_of(lesson), now=attempt.recorded_at)
    make.pay(BookingFactory())
    year = attempt.recorded_at.year
    assert numbers() == [f"II-{year}-000001", f"II-{year}-000002"]


@pytest.mark.django_db
def test_a_payment_that_fails_leaves_no_gap() -> None:
    at = datetime(2026, 3, 4, 15, tzinfo=UTC)
    issue_receipt(event("a", at), at)
    with pytest.raises(RuntimeError), transaction.atomic():
        issue_receipt(event("b", at), at)
        raise RuntimeError
    issue_receipt(event("c", at), at)
    assert numbers() == ["II-2026-000001", "II-2026-000002"]


@pytest.mark.django_db
def test_the_year_is_new_yorks() -> None:
    """An hour past midnight in London is last year's receipt."""
    for key, at in (
        ("a", datetime(2027, 1, 1, 1, tzinfo=UTC)),
        ("b", datetime(2027, 1, 1, 6, tzinfo=UTC)),
    ):
        issue_receipt(event(key, at), at)
    assert numbers() == ["II-2026-000001", "II-2027-000001"]


@pytest.mark.django_db
def test_charges_in_bulk_are_numbered_by_their_time_behind_the_others() -> None:
    at = datetime(2026, 3, 4, 15, tzinfo=UTC)
    issue_receipt(event("first", at), at)
    event("late", datetime(2026, 3, 6, tzinfo=UTC))
    event("early", datetime(2026, 3, 5, tzinfo=UTC))
    number_missing_receipts()
    number_missing_receipts()
    found = dict(Receipt.objects.values_list("event__key", "sequence"))
    assert found == {"first": 1, "early": 2, "late": 3}
    assert ReceiptCounter.objects.get(year=2026).last == 3
    assert issue_receipt(event("next", at), at).sequence == 4


@pytest.mark.django_db(transaction=True)
def test_thirty_payments_at_once_get_thirty_numbers() -> None:
    at = datetime(2026, 3, 4, 15, tzinfo=UTC)

    def pay(number: int) -> None:
        with transaction.atomic():
            issue_receipt(event(f"key-{number}", at), at)

    assert in_parallel([lambda n=n: pay(n) for n in range(30)]) == [None] * 30  # type: ignore[misc]
    assert sorted(Receipt.objects.values_list("sequence", flat=True)) == list(range(1, 31))


@pytest.mark.django_db
def test_receipt_page_shows_lines_and_refunds_to_its_owner_alone() -> None:
    """S11.6, G5: refunds add lines."""
    stage = set_stage(credit_cents=2000)
    owner, stranger = Client(), Client()
    owner.force_login(stage.maya)
    stranger.force_login(student())
    address = f"/lessons/{stage.code}/receipt/"
    text = owner.get(address).content.decode()
    for words in ("$90.00", "$5.00", "$20.00", "$75.00", "Visa ending 4242", "-000001"):
        assert words in text, words
    assert stranger.get(address).status_code == 404
    cancel_as_instructor(by=stage.andre, code=stage.code, reason="I am ill today, I am sorry.")
    text = owner.get(address).content.decode()
    for words in ("Given back to your card", "Given back to your credit"):
        assert words in text, words
    unpaid = BookingFactory(student=stage.maya)
    assert owner.get(f"/lessons/{unpaid.code}/receipt/").status_code == 404
