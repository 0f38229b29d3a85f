"""What gateways forget of somebody whose account is erased (S6.2, S14.11, S14.12)."""

from datetime import date, datetime, timedelta

import pytest

from bookings.payments.models import GatewayRemoval, Payee, PaymentAttempt, Payout
from bookings.payments.services import charge_attempt, read_card
from bookings.payments.services.removals import order_removals, remove_at_gateways
from catalog.models import Instructor
from instainstru import clock
from instainstru.clock import NEW_YORK
from tests.bookings.payments.stripe_stage import RefusedError, Stage
from tests.factories import payments as make
from tests.factories.catalog import InstructorFactory

pytestmark = [pytest.mark.S6, pytest.mark.django_db]
SECOND = timedelta(seconds=1)


def paid(stripe: Stage) -> PaymentAttempt:
    attempt = make.attempt_for(make.lesson_to_pay())
    card = read_card(stripe.typed_card(make.SUCCEEDS))
    charge_attempt(attempt, card, now=clock.now())
    attempt.refresh_from_db()
    return attempt


def payee(stripe: Stage) -> Payee:
    instructor = InstructorFactory()
    account = stripe._post_accounts({"external_account": "btok_6789"})["id"]
    return Payee.objects.create(
        instructor=instructor, gateway="stripe", reference=account, last4="6789"
    )


def payout(instructor: Instructor, payday: date) -> None:
    Payout.objects.create(
        instructor=instructor, payday=payday, amount_cents=8150, status="paid", paid_at=clock.now()
    )


def test_customers_go_with_their_cards_and_others_stay(stripe: Stage) -> None:
    mine, other = paid(stripe), paid(stripe)
    customers = {row.pk: stripe.intents[row.gateway_reference]["customer"] for row in (mine, other)}
    now = clock.now()
    assert order_removals(user_id=mine.student_id, now=now) == 1
    assert order_removals(user_id=mine.student_id, now=now) == 0
    assert stripe.deleted == []
    assert remove_at_gateways(now) == 1
    assert stripe.deleted == [customers[mine.pk]]
    assert remove_at_gateways(now + timedelta(days=9)) == 0


def test_gateway_that_does_not_answer_is_asked_again(
    stripe: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    """Killed in between, too: what is gone already counts as done."""
    mine, now = paid(stripe), clock.now()
    order_removals(user_id=mine.student_id, now=now)
    stripe.next_failure = RefusedError(503, "")
    assert remove_at_gateways(now) == 0
    assert "gateway_keeps_somebody" in caplog.text
    assert remove_at_gateways(now + timedelta(minutes=5) - SECOND) == 0
    stripe.deleted.append(stripe.intents[mine.gateway_reference]["customer"])
    assert remove_at_gateways(now + timedelta(minutes=5)) == 1
    assert GatewayRemoval.objects.get().done_at is not None


def test_account_stays_as_long_as_the_law_wants_its_tax_identity(stripe: Stage) -> None:
    """10 section 3: seven years after the year of the last payout, in New York."""
    row = payee(stripe)
    payout(row.instructor, date(2026, 11, 24))
    assert order_removals(user_id=row.instructor.user_id, now=clock.now()) == 1
    edge = datetime(2034, 1, 1, tzinfo=NEW_YORK)
    assert remove_at_gateways(edge - SECOND) == 0
    assert row.reference in stripe.accounts
    assert remove_at_gateways(edge) == 1
    assert stripe.accounts == {}


def test_account_that_was_never_paid_goes_after_90_days(stripe: Stage) -> None:
    row, now = payee(stripe), clock.now()
    order_removals(user_id=row.instructor.user_id, now=now)
    assert remove_at_gateways(now + timedelta(days=90) - SECOND) == 0
    assert remove_at_gateways(now + timedelta(days=90)) == 1


def test_payout_after_the_erasure_lets_the_account_wait(stripe: Stage) -> None:
    row, now = payee(stripe), clock.now()
    order_removals(user_id=row.instructor.user_id, now=now)
    payout(row.instructor, date(2026, 12, 1))
    assert remove_at_gateways(now + timedelta(days=90)) == 0
    assert row.reference in stripe.accounts
    assert GatewayRemoval.objects.get().next_try_at == datetime(2034, 1, 1, tzinfo=NEW_YORK)


def test_account_that_stripe_keeps_alerts_and_is_tried_again(
    stripe: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    row, now = payee(stripe), clock.now()
    order_removals(user_id=row.instructor.user_id, now=now)
    due = now + timedelta(days=90)
    stripe.refused = {row.reference: RefusedError(400, "balance_not_zero")}
    assert remove_at_gateways(due) == 0
    assert "gateway_keeps_somebody" in caplog.text
    stripe.refused = {}
    assert remove_at_gateways(due + timedelta(days=1)) == 1


def test_offline_gateway_has_nobody_to_forget() -> None:
    attempt = make.pay(make.lesson_to_pay())
    now = clock.now()
    assert order_removals(user_id=attempt.student_id, now=now) == 1
    assert remove_at_gateways(now) == 1
