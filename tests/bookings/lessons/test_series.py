"""A weekly series: held whole or not at all, paid once, then lesson by lesson (Spec: R19)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
import time_machine

from accounts.models import User
from accounts.owners import Owner
from accounts.roles import Role
from accounts.services import grant_role
from bookings.lessons import checkout, lapsed
from bookings.lessons.cancellation import cancel_lesson
from bookings.lessons.checkout import Step
from bookings.lessons.errors import (
    HoldExpiredError,
    HoldLimitError,
    LearnerBusyError,
    SeriesTakenError,
)
from bookings.lessons.invariants import lesson_violations
from bookings.lessons.models import Booking
from bookings.lessons.moves import move_lesson, propose_move
from bookings.lessons.selectors import held_together
from bookings.lessons.services import (
    claim_guest_holds,
    flip_clock_states,
    hold_series,
    hold_slot,
    release_hold,
)
from bookings.lessons.states import Status
from bookings.notifications.models import OutgoingMail
from bookings.payments import services as payments
from bookings.payments.entries import Account
from bookings.payments.models import (
    LedgerEntry,
    OfflineIntent,
    PaymentAttempt,
    PromoCode,
    Receipt,
    Refund,
)
from bookings.payments.selectors import ledger_imbalances, payment_summary
from bookings.payments.services import webhooks
from catalog.models import Offering
from instainstru import clock
from instainstru.errors import PaymentDeclinedError, ValidationFailedError
from tests.bookings.lessons.stage import details, guest, owner, self_learner, wanted
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.catalog import InstructorFactory, OfferingFactory
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.S12, pytest.mark.S14, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def maya() -> User:
    return student()


@pytest.fixture
def offering() -> Offering:
    return OfferingFactory(instructor=InstructorFactory(rules={"max_advance_days": 120}))


def weekly(count: int, hour: int = 10, first: int = 7) -> list[datetime]:
    return [tomorrow_at(hour, days=first + 7 * week) for week in range(count)]


def held(by: Owner, offering: Offering, starts: Sequence[datetime]) -> Booking:
    return hold_series(by=by, wanted=wanted(offering), starts=starts)


def pay(maya: User, hold: Booking, number: str = make.SUCCEEDS) -> checkout.CheckoutResult:
    said = details(hold, number, learner_id=self_learner(maya).pk)
    return checkout.pay_and_confirm(by=maya, hold_id=hold.hold_id, details=said)


def statuses() -> list[str]:
    return list(Booking.objects.order_by("pk").values_list("status", flat=True))


def charged_cents() -> list[int]:
    rows = OfflineIntent.objects.filter(status="succeeded")
    return list(rows.values_list("amount_cents", flat=True))


def lapse(hold: Booking) -> None:
    rows = Booking.objects.filter(series=hold.series)
    rows.update(expires_at=clock.now() - timedelta(seconds=1))


# --- Holding ------------------------------------------------------------------------------------
def test_all_dates_are_held_together_and_end_together(maya: User, offering: Offering) -> None:
    """R19, T1"""
    starts = weekly(12)
    first = held(owner(maya), offering, starts)
    rows = held_together(first)
    assert [row.start_at for row in rows] == starts
    assert {row.expires_at for row in rows} == {first.expires_at}
    assert {row.status for row in rows} == {"held"}
    assert len({row.series for row in rows}) == 1
    assert first.series is not None
    for row in rows:
        assert checkout.find_hold(by=owner(maya), hold_id=row.hold_id).pk == first.pk


@pytest.mark.parametrize("count", [1, 13])
def test_a_series_has_two_to_twelve_lessons(maya: User, offering: Offering, count: int) -> None:
    """R19"""
    with pytest.raises(ValidationFailedError, match="from 2 to 12"):
        held(owner(maya), offering, weekly(count))
    assert not Booking.objects.exists()


def test_one_taken_date_leaves_nothing_held(maya: User, offering: Offering) -> None:
    """R19: all or nothing; the refusal names the dates."""
    starts = weekly(4)
    BookingFactory(offering=offering, start_at=starts[2])
    with pytest.raises(SeriesTakenError) as refusal:
        held(owner(maya), offering, starts)
    assert refusal.value.starts == [starts[2]]
    assert not Booking.objects.filter(status="held").exists()


def test_lessons_of_a_series_keep_the_rules_among_themselves(maya: User) -> None:
    """R4, R6: another time may lie on the day of its neighbour."""
    strict = InstructorFactory(rules={"max_lessons_per_day": 1})
    offering = OfferingFactory(instructor=strict)
    ten = tomorrow_at(10, days=7)
    with pytest.raises(SeriesTakenError):
        held(owner(maya), offering, [ten, tomorrow_at(14, days=7)])
    close = OfferingFactory()
    with pytest.raises(SeriesTakenError):
        held(owner(maya), close, [ten, ten + timedelta(minutes=60)])
    with pytest.raises(ValidationFailedError, match="overlap"):
        held(owner(maya), close, [ten, ten + timedelta(minutes=30)])
    assert not Booking.objects.exists()


def test_a_series_is_one_of_three_live_holds(maya: User, offering: Offering) -> None:
    """T1: the limit counts what a person is paying for."""
    first = held(owner(maya), offering, weekly(12))
    for hour in (12, 14):
        hold_slot(by=owner(maya), wanted=wanted(offering, tomorrow_at(hour, days=7)))
    with pytest.raises(HoldLimitError) as refusal:
        held(owner(maya), offering, weekly(3, hour=16))
    assert next(row.pk for row in refusal.value.holds) == first.pk
    assert len(refusal.value.holds) == 3
    assert Booking.objects.filter(status="held").count() == 14


def test_giving_one_back_gives_all_back(maya: User, offering: Offering) -> None:
    """T3"""
    rows = held_together(held(owner(maya), offering, weekly(3)))
    release_hold(by=owner(maya), hold_id=rows[1].hold_id)
    assert statuses() == ["expired"] * 3
    assert hold_slot(by=guest(), wanted=wanted(offering, weekly(3)[0])).pk


def test_a_new_hold_over_one_date_replaces_the_whole_series(maya: User, offering: Offering) -> None:
    """T3, R19: nothing half held."""
    held(owner(maya), offering, weekly(3))
    hold_slot(by=owner(maya), wanted=wanted(offering, weekly(3)[1]))
    assert statuses() == ["expired"] * 3 + ["held"]


def test_a_longer_series_replaces_the_shorter_one(maya: User, offering: Offering) -> None:
    """T3"""
    held(owner(maya), offering, weekly(2))
    held(owner(maya), offering, weekly(4))
    assert statuses() == ["expired"] * 2 + ["held"] * 4


def test_a_guest_holds_and_pays_after_signing_in(maya: User, offering: Offering) -> None:
    """S17.8"""
    hold = held(guest(), offering, weekly(3))
    claim_guest_holds(user=maya, guest_key="guest-key-1")
    assert pay(maya, Booking.objects.get(pk=hold.pk)).step == Step.CONFIRMED
    assert statuses() == ["confirmed"] * 3


def test_the_clock_ends_all_at_once(maya: User, offering: Offering) -> None:
    """T3, S4.3"""
    hold = held(owner(maya), offering, weekly(3))
    lapse(hold)
    with pytest.raises(HoldExpiredError):
        pay(maya, hold)
    flip_clock_states()
    assert statuses() == ["expired"] * 3


# --- Paying -------------------------------------------------------------------------------------
def test_one_payment_confirms_all_and_each_has_its_own_books(
    maya: User, offering: Offering
) -> None:
    """R19, T4, S14.5, S11.6"""
    hold = held(owner(maya), offering, weekly(4))
    result = pay(maya, hold)
    lessons = held_together(result.booking)
    assert result.booking.pk == hold.pk
    assert {row.status for row in lessons} == {"confirmed"}
    assert len({row.code for row in lessons}) == 4
    assert charged_cents() == [4 * 8500]
    assert Receipt.objects.count() == 4
    summaries = [payment_summary(row.pk) for row in lessons]
    assert [one.paid_cents for one in summaries if one] == [8500] * 4
    fees = LedgerEntry.objects.filter(account=Account.PLATFORM_FEE)
    assert list(fees.values_list("amount_cents", flat=True)) == [1275] * 4
    assert ledger_imbalances() == []


def test_one_mail_to_each_side_names_all_dates(maya: User, offering: Offering) -> None:
    """S13.4, R19: with a calendar file for every lesson."""
    hold = held(owner(maya), offering, weekly(3))
    lessons = held_together(pay(maya, hold).booking)
    mails = OutgoingMail.objects.all()
    assert {mail.to for mail in mails} == {maya.email, offering.instructor.user.email}
    for mail in mails:
        assert mail.subject.startswith("Booked: 3 lessons")
        names = [attachment["name"] for attachment in mail.attachments]
        assert names == ["lesson-1.ics", "lesson-2.ics", "lesson-3.ics"]
        for lesson in lessons:
            local = lesson.start_at.astimezone(clock.NEW_YORK)
            assert f"{local:%b} {local.day}" in mail.text
            assert str(lesson.code) in mail.text
            assert str(lesson.code) in mail.html


def test_paying_again_leads_to_the_same_lessons(maya: User, offering: Offering) -> None:
    """S13.2"""
    hold = held(owner(maya), offering, weekly(2))
    pay(maya, hold)
    other = held_together(hold)[1]
    assert pay(maya, other).booking.pk == hold.pk
    assert charged_cents() == [2 * 8500]


def test_credit_and_code_pay_the_first_lessons(maya: User, offering: Offering) -> None:
    """S14.7: promo, credit, card; the code is for one lesson, the first."""
    PromoCode.objects.create(code="TENOFF", amount_cents=1000)
    make.give_credit(maya, 10000)
    hold = held(owner(maya), offering, weekly(3))
    checkout.use_promo(by=maya, hold_id=hold.hold_id, code="tenoff")
    lessons = held_together(pay(maya, hold).booking)
    paid = PaymentAttempt.objects.filter(booking__in=lessons).order_by("booking")
    assert list(paid.values_list("promo_cents", "credit_cents", "amount_cents")) == [
        (1000, 7500, 0),
        (0, 2500, 6000),
        (0, 0, 8500),
    ]
    assert charged_cents() == [14500]
    assert ledger_imbalances() == []


def test_a_declined_card_keeps_all_holds(maya: User, offering: Offering) -> None:
    """S14.4"""
    hold = held(owner(maya), offering, weekly(3))
    with pytest.raises(PaymentDeclinedError):
        pay(maya, hold, make.DECLINED)
    assert statuses() == ["held"] * 3
    assert pay(maya, hold).step == Step.CONFIRMED
    assert charged_cents() == [3 * 8500]


def test_the_bank_step_extends_all_holds(maya: User, offering: Offering) -> None:
    """T2, S14.4"""
    hold = held(owner(maya), offering, weekly(3))
    assert pay(maya, hold, make.EXTRA_STEP).step == Step.NEEDS_BANK
    rows = held_together(hold)
    assert len({row.expires_at for row in rows}) == 1
    assert all(row.is_payment_extended for row in rows)
    answer = checkout.complete_bank_step(by=maya, hold_id=rows[2].hold_id, is_approved=True)
    assert answer.step == Step.CONFIRMED
    assert statuses() == ["confirmed"] * 3


def test_the_learner_must_be_free_on_every_date(maya: User, offering: Offering) -> None:
    """R7: a guest's holds learn at checkout who comes."""
    starts = weekly(3)
    hold = held(guest(), offering, starts)
    claim_guest_holds(user=maya, guest_key="guest-key-1")
    BookingFactory(student=maya, learner=self_learner(maya), start_at=starts[2])
    with pytest.raises(LearnerBusyError):
        pay(maya, hold)
    assert Booking.objects.filter(series=hold.series, status="held").count() == 3
    assert not PaymentAttempt.objects.exists()


def test_a_webhook_or_the_sweeper_finishes_a_series(maya: User, offering: Offering) -> None:
    """S14.8, S14.13: nobody came back from the bank."""
    hold = held(owner(maya), offering, weekly(3))
    assert pay(maya, hold, make.LATE_RESULT).step == Step.WAITING
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert checkout.finish_attempts() == 1
        webhooks.process_events(clock.now())
    assert statuses() == ["confirmed"] * 3
    assert charged_cents() == [3 * 8500]
    assert ledger_imbalances() == []


def test_a_late_payment_takes_all_free_times_again(maya: User, offering: Offering) -> None:
    """S14.3: the whole series is written anew, the lapsed rows stay."""
    hold = held(owner(maya), offering, weekly(3))
    pay(maya, hold, make.LATE_RESULT)
    lapse(hold)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        checkout.finish_attempts()
    assert statuses() == ["expired"] * 3 + ["confirmed"] * 3
    lesson = checkout.lesson_from(hold)
    assert lesson is not None
    assert len(held_together(lesson)) == 3
    assert all(payment_summary(row.pk) for row in held_together(lesson))
    assert ledger_imbalances() == []


def test_a_late_payment_with_one_time_gone_goes_back_whole(maya: User, offering: Offering) -> None:
    """S14.3, R19: never a part of a series, never a charge without a lesson or a refund."""
    make.give_credit(maya, 10000)
    hold = held(owner(maya), offering, weekly(3))
    pay(maya, hold, make.LATE_RESULT)
    lapse(hold)
    flip_clock_states()
    BookingFactory(offering=offering, start_at=weekly(3)[1])
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        checkout.finish_attempts()
        payments.settle_refunds(clock.now())
    assert statuses() == ["expired"] * 3 + ["confirmed"]
    intent = OfflineIntent.objects.get()
    assert (intent.amount_cents, intent.refunded_cents) == (15500, 15500)
    assert payments.available_credit_cents(maya.pk, clock.now()) == 10000
    mail = OutgoingMail.objects.get()
    assert mail.kind == "lesson_lost_time"
    assert "$255.00" in mail.text
    assert ledger_imbalances() == []


def test_the_nightly_check_tells_of_a_series_that_stands_in_part(
    maya: User, offering: Offering
) -> None:
    """R19, S16.6"""
    hold = held(owner(maya), offering, weekly(3))
    assert lesson_violations() == []
    Booking.objects.filter(pk=hold.pk).update(status="expired")
    assert lesson_violations() == [f"series {hold.series} stands in part"]
    release_hold(by=owner(maya), hold_id=hold.hold_id)
    assert lesson_violations() == []
    booked = pay(maya, held(owner(maya), offering, weekly(3))).booking
    assert lesson_violations() == []
    HoldFactory(student=maya, series=booked.series, start_at=tomorrow_at(18, days=20))
    assert lesson_violations() == [f"series {booked.series} stands in part"]


# --- Afterwards ---------------------------------------------------------------------------------
def test_one_lesson_is_canceled_and_refunded_alone(maya: User, offering: Offering) -> None:
    """R19, 05 section 2: part of a weekly series may be cancelled alone."""
    hold = held(owner(maya), offering, weekly(3))
    lessons = held_together(pay(maya, hold).booking)
    gone, due = cancel_lesson(
        by=maya,
        code=str(lessons[1].code),
        reason="schedule",
        expected_card_cents=8500,
        expected_credit_cents=0,
    )
    payments.settle_refunds(clock.now())
    assert statuses() == ["confirmed", "cancelled_student", "confirmed"]
    assert due.card_refund_cents == 8500
    assert Refund.objects.get().attempt.booking_id == gone.pk
    assert OfflineIntent.objects.get().refunded_cents == 8500
    kept = payment_summary(lessons[0].pk)
    assert kept is not None
    assert kept.refunded_cents == 0
    assert ledger_imbalances() == []


def test_one_lesson_moves_alone(maya: User, offering: Offering) -> None:
    """R19, T5"""
    hold = held(owner(maya), offering, weekly(3))
    lessons = held_together(pay(maya, hold).booking)
    move_lesson(by=maya, code=str(lessons[1].code), start_at=tomorrow_at(15, days=14))
    after = held_together(lessons[0])
    assert [row.revision for row in after] == [0, 1, 0]
    assert [row.start_at for row in after][::2] == [row.start_at for row in lessons][::2]


def test_time_proposed_for_one_lesson_is_no_lesson_of_the_series(
    maya: User, offering: Offering
) -> None:
    """R16, R19: the target that is kept stands in no list and breaks no promise."""
    grant_role(offering.instructor.user, Role.INSTRUCTOR)
    lessons = held_together(pay(maya, held(owner(maya), offering, weekly(3))).booking)
    proposal = propose_move(
        by=offering.instructor.user, code=str(lessons[1].code), start_at=tomorrow_at(15, days=15)
    )
    assert proposal.hold is not None
    assert held_together(lessons[0]) == lessons
    assert lesson_violations() == []


def test_a_lapsed_series_is_held_again_with_what_was_typed(maya: User, offering: Offering) -> None:
    """S13.2"""
    hold = held(owner(maya), offering, weekly(3))
    lapse(hold)
    lapsed.keep_typed(hold, {"note": "Bring tea"}, now=clock.now())
    assert lapsed.still_free(hold, by=owner(maya), now=clock.now()) is None
    fresh = lapsed.hold_again(by=owner(maya), hold_id=hold.hold_id)
    assert fresh.series not in (None, hold.series)
    assert [row.note for row in held_together(fresh)] == ["Bring tea"] * 3
    assert statuses() == ["expired"] * 3 + ["held"] * 3


def test_a_lapsed_series_with_a_taken_date_is_not_held_again(
    maya: User, offering: Offering
) -> None:
    """S13.2, R19"""
    starts = weekly(3)
    hold = held(owner(maya), offering, starts)
    lapse(hold)
    flip_clock_states()
    HoldFactory(offering=offering, start_at=starts[1])
    refusal = lapsed.still_free(hold, by=owner(maya), now=clock.now())
    assert isinstance(refusal, SeriesTakenError)
    assert refusal.starts == [starts[1]]
    with pytest.raises(SeriesTakenError):
        lapsed.hold_again(by=owner(maya), hold_id=hold.hold_id)
    assert statuses() == ["expired"] * 3 + [Status.HELD]
