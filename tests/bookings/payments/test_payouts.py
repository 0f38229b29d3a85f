"""Instructors are paid once a week, once, for what is theirs for good (Spec: S14.6, S14.11)."""

from datetime import date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import IntegrityError, transaction

from accounts.models import AuditEvent, User
from accounts.roles import Role
from bookings.lessons.models import Booking
from bookings.notifications.models import OutgoingMail
from bookings.payments import selectors
from bookings.payments.entries import Account
from bookings.payments.gateways.base import GatewayTimeoutError
from bookings.payments.gateways.test import OfflineGateway
from bookings.payments.models import (
    LedgerEntry,
    OfflinePayout,
    Payee,
    Payout,
    PayoutLine,
)
from bookings.payments.services import payouts, request_refund
from bookings.payments.services.payees import hold_payouts, release_payouts, set_payout_details
from bookings.payments.services.payouts import (
    RETRY_AFTER,
    make_payouts,
    payday_of,
    pays_at,
    send_payouts,
)
from catalog.models import Instructor, Policy
from instainstru import clock
from instainstru.clock import NEW_YORK
from instainstru.errors import ConflictError, ForbiddenError, ValidationFailedError
from tests.bookings.payments.conftest import in_parallel
from tests.factories import payments as make
from tests.factories.accounts import VerifiedUserFactory
from tests.factories.catalog import InstructorFactory, OfferingFactory

pytestmark = [pytest.mark.S14, pytest.mark.django_db]
TAKES, REFUSES, LATE = "000123456789", "000123451116", "000123459987"


def teacher() -> Instructor:
    user = VerifiedUserFactory(role=Role.INSTRUCTOR)
    return OfferingFactory(instructor=InstructorFactory(user=user)).instructor


def taught(instructor: Instructor, *, end_at: datetime | None = None, **fields: Any) -> Booking:
    """A paid lesson of $95 that ended long ago unless told: $81.50 are the instructor's."""
    end_at = end_at or clock.now() - timedelta(days=30)
    booking = make.lesson_to_pay(
        offering=instructor.offerings.get(),
        start_at=end_at - timedelta(hours=1),
        end_at=end_at,
        duration_minutes=60,
        status=Booking.Status.COMPLETED,
        **fields,
    )
    make.pay(booking)
    return booking


def ready(account: str = TAKES) -> Instructor:
    instructor = teacher()
    set_payout_details(by=instructor.user, account_number=account)
    return instructor


def balance(instructor: Instructor) -> int:
    rows = LedgerEntry.objects.filter(
        transaction__instructor=instructor,
        account__in=[Account.INSTRUCTOR_PAYABLE, Account.TIPS],
    )
    return sum(rows.values_list("amount_cents", flat=True))


def test_lessons_are_paid_once_and_the_ledger_says_so() -> None:
    """S14.6: payout of a lesson; S14.5: instructor_payable -8150, student_cash +8150."""
    instructor, now = ready(), clock.now()
    taught(instructor)
    taught(instructor, end_at=now - timedelta(days=20))
    assert [make_payouts(now) for _ in range(3)] == [1, 0, 0]
    assert [send_payouts(now) for _ in range(2)] == [1, 0]
    payout = Payout.objects.get()
    assert (payout.amount_cents, payout.status, payout.bank_last4) == (16300, "paid", "6789")
    assert balance(instructor) == 0
    assert selectors.ledger_imbalances() == []
    assert OfflinePayout.objects.get().amount_cents == 16300
    assert OutgoingMail.objects.filter(kind="payout_sent", to=instructor.user.email).count() == 1


def test_payday_is_tuesday_in_new_york_from_nine() -> None:
    policy = Policy.objects.current()
    tuesday = date(2026, 3, 10)
    nine = datetime(2026, 3, 10, 9, tzinfo=NEW_YORK)
    assert payday_of(nine, policy) == tuesday
    assert payday_of(nine - timedelta(seconds=1), policy) == date(2026, 3, 3)
    assert payday_of(nine + timedelta(days=6, hours=23), policy) == tuesday


def test_what_is_not_final_waits() -> None:
    """S14.6: end + 48 h as of the payday, and no report open; a late run pays no more than that."""
    instructor, now = ready(), clock.now()
    border = pays_at(payday_of(now, Policy.objects.current())) - timedelta(hours=48)
    taught(instructor, end_at=border)
    reported = taught(instructor, end_at=border - timedelta(days=3))
    Booking.objects.filter(pk=reported.pk).update(status="reported")
    assert make_payouts(now) == 0
    taught(instructor, end_at=border - timedelta(seconds=1))
    assert make_payouts(now) == 1
    assert Payout.objects.get().amount_cents == 8150
    assert make_payouts(now + timedelta(days=7)) == 1
    assert Payout.objects.count() == 2


def test_less_than_the_least_amount_waits_and_is_not_lost() -> None:
    """S14.6: $20 at least."""
    instructor, now = ready(), clock.now()
    taught(instructor, price_cents=1500, travel_fee_cents=0)
    assert make_payouts(now) == 0
    taught(instructor, price_cents=1500, travel_fee_cents=0, end_at=now - timedelta(days=25))
    assert make_payouts(now) == 1
    assert Payout.objects.get().amount_cents == 2 * 1275


def test_refund_after_the_payout_is_taken_from_the_next_ones() -> None:
    """S14.6: recovered from following payouts, never from the bank."""
    instructor, now = ready(), clock.now()
    first = taught(instructor)
    make_payouts(now)
    send_payouts(now)
    request_refund(
        booking_id=first.pk, key="late", amount_cents=9500, credit_cents=0,
        instructor_keeps_cents=0, fee_keeps_cents=0, policy=first.policy, now=now,
    )  # fmt: skip
    assert balance(instructor) == -8150
    later = now + timedelta(days=7)
    assert make_payouts(later) == 0
    for days in (6, 5):
        taught(instructor, end_at=now - timedelta(days=days))
    assert make_payouts(later) == 1
    newest = Payout.objects.latest("payday")
    assert newest.amount_cents == 8150
    assert sorted(newest.lines.values_list("lesson_cents", flat=True)) == [-8150, 8150, 8150]
    assert send_payouts(later) == 1
    assert balance(instructor) == 0


def test_a_bank_that_refuses_is_asked_four_times_and_then_stops() -> None:
    """S14.6: three retries over three days, then update your bank details."""
    instructor, now = ready(REFUSES), clock.now()
    taught(instructor)
    make_payouts(now)
    for day in range(6):
        send_payouts(now + day * RETRY_AFTER)
    payout = Payout.objects.get()
    assert (payout.status, payout.failures) == ("stopped", 4)
    assert balance(instructor) == 8150
    subjects = OutgoingMail.objects.filter(kind="payout_failed").values_list("subject", flat=True)
    assert sorted(subjects) == ["Update your bank details", "Your bank refused a payout"]
    set_payout_details(by=instructor.user, account_number=TAKES)
    assert send_payouts(clock.now() + timedelta(hours=71)) == 0
    assert send_payouts(clock.now() + timedelta(hours=73)) == 1
    assert Payout.objects.get().bank_last4 == "6789"


def test_answer_that_never_came_is_asked_for_again_where_it_was_sent() -> None:
    """A payout without an answer is not paid twice, not even when the bank changed meanwhile."""
    instructor, now = ready(LATE), clock.now()
    taught(instructor)
    make_payouts(now)
    assert send_payouts(now) == 0
    assert Payout.objects.get().status == "sent"
    set_payout_details(by=instructor.user, account_number=TAKES)
    assert send_payouts(now + timedelta(minutes=11)) == 1
    assert OfflinePayout.objects.count() == 1
    assert Payout.objects.get().bank_last4 == "9987"
    assert balance(instructor) == 0


def test_money_that_went_out_while_the_process_died_is_booked_once() -> None:
    """S14.13 for payouts: the lease ends, the same key is asked again."""
    instructor, now = ready(), clock.now()
    taught(instructor)
    make_payouts(now)
    real = OfflineGateway.payout

    def pay_and_die(self: OfflineGateway, **given: Any) -> None:
        real(self, **given)
        raise GatewayTimeoutError

    with patch.object(OfflineGateway, "payout", pay_and_die):
        assert send_payouts(now) == 0
    assert send_payouts(now) == 0
    assert send_payouts(now + timedelta(minutes=11)) == 1
    assert OfflinePayout.objects.count() == 1
    assert balance(instructor) == 0


def test_held_and_fresh_details_wait() -> None:
    instructor, now = ready(), clock.now()
    boss = VerifiedUserFactory(role=Role.FINANCE, is_staff=True)
    taught(instructor)
    payee = Payee.objects.get()
    hold_payouts(by=boss, payee=payee, reason="We are checking your identity.")
    other = VerifiedUserFactory(role=Role.FINANCE, is_staff=True)
    with pytest.raises(ConflictError, match=f"{boss.short_name} was first: We are checking"):
        hold_payouts(by=other, payee=payee, reason="Again.")
    assert make_payouts(now) == 0
    release_payouts(by=boss, payee=payee, reason="All is well.")
    with pytest.raises(ConflictError, match=f"{boss.short_name} was first: All is well."):
        release_payouts(by=other, payee=payee, reason="All is well, too.")
    set_payout_details(by=instructor.user, account_number=TAKES)
    assert make_payouts(now) == 0
    assert make_payouts(now + timedelta(hours=73)) == 1
    hold_payouts(by=boss, payee=payee, reason="We are checking again.")
    assert send_payouts(now + timedelta(hours=73)) == 0
    actions = AuditEvent.objects.filter(subject=instructor.user).values_list("action", flat=True)
    assert {"payouts.held", "payouts.released", "payout_details.changed"} <= set(actions)


def test_a_refusal_that_comes_after_new_details_waits_for_them() -> None:
    """S14.11: the try after it goes to the new account, so it waits 72 hours as well."""
    instructor = ready(REFUSES)
    taught(instructor)
    now = clock.now()
    make_payouts(now)
    with patch.object(OfflineGateway, "payout", side_effect=GatewayTimeoutError("late")):
        send_payouts(now)
    set_payout_details(by=instructor.user, account_number=TAKES)
    send_payouts(now + timedelta(minutes=11))
    payout, payee = Payout.objects.get(), Payee.objects.get(instructor=instructor)
    assert payout.status == "failed"
    assert payout.next_try_at == payee.delayed_until


def test_a_refused_payout_waits_for_details_that_changed_unseen() -> None:
    """S14.11: whatever was written down when the bank refused it."""
    instructor = ready(REFUSES)
    taught(instructor)
    now = clock.now()
    make_payouts(now)
    send_payouts(now)
    set_payout_details(by=instructor.user, account_number=TAKES)
    Payout.objects.update(status="failed", next_try_at=now + RETRY_AFTER)
    assert send_payouts(now + RETRY_AFTER) == 0
    delayed_until = Payee.objects.get(instructor=instructor).delayed_until
    assert delayed_until is not None
    assert send_payouts(delayed_until) == 1


def test_details_that_change_while_payouts_are_made_wait() -> None:
    """S14.11: asked again under the lock."""
    instructor = ready()
    taught(instructor)
    make = payouts._make_payout

    def changes_first(*args: Any) -> bool:
        set_payout_details(by=instructor.user, account_number=TAKES)
        return make(*args)

    with patch.object(payouts, "_make_payout", changes_first):
        assert make_payouts(clock.now()) == 0
    assert not Payout.objects.exists()


def test_only_finance_holds_and_nobody_their_own() -> None:
    """P24"""
    payee = Payee.objects.get(instructor=ready())
    with pytest.raises(ForbiddenError):
        hold_payouts(by=VerifiedUserFactory(role=Role.SUPPORT), payee=payee, reason="Because.")
    own: User = payee.instructor.user
    own.groups.clear()
    boss = VerifiedUserFactory(role=Role.FINANCE, is_staff=True)
    Instructor.objects.filter(pk=payee.instructor_id).update(user=boss)
    with pytest.raises(ForbiddenError, match="concerns you"):
        hold_payouts(by=boss, payee=payee, reason="Because.")


def test_account_number_is_kept_nowhere() -> None:
    """S14.11: the payee's reference, last 4 and status."""
    ready("0001 2345-6789")
    rows = [*Payee.objects.values(), *OutgoingMail.objects.values(), *AuditEvent.objects.values()]
    assert "00012345" not in str(rows)
    with pytest.raises(ValidationFailedError) as refused:
        set_payout_details(by=teacher().user, account_number="4000123456789010")
    assert "account_number" in refused.value.fields


def test_no_event_is_in_two_payouts() -> None:
    instructor, now = ready(), clock.now()
    taught(instructor)
    make_payouts(now)
    line = PayoutLine.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        PayoutLine.objects.create(payout=line.payout, event=line.event, lesson_cents=1)


@pytest.mark.django_db(transaction=True)
def test_eight_runs_at_once_pay_once() -> None:
    """S14.6: one per instructor and week, whatever runs beside."""
    instructors, now = [ready() for _ in range(3)], clock.now()
    for instructor in instructors:
        taught(instructor)

    in_parallel([lambda: make_payouts(now) + send_payouts(now)] * 8)
    send_payouts(now)
    assert Payout.objects.filter(status="paid").count() == 3
    assert OfflinePayout.objects.count() == 3
    assert [balance(instructor) for instructor in instructors] == [0, 0, 0]
    assert selectors.ledger_imbalances() == []
