"""Reserve, charge, confirm: every way a payment can end, and no charge twice."""

import base64
from datetime import timedelta

import pytest
import time_machine

from accounts.blocking import block_person, unblock_person
from accounts.models import User
from bookings.lessons import checkout, lapsed
from bookings.lessons.checkout import Step, pay_and_confirm
from bookings.lessons.errors import (
    HoldExpiredError,
    LearnerBusyError,
    LessonChangedError,
    SlotTakenError,
)
from bookings.lessons.invariants import lesson_violations
from bookings.lessons.models import Booking
from bookings.lessons.services import claim_guest_holds, hold_slot
from bookings.lessons.states import Status
from bookings.notifications.models import OutgoingMail
from bookings.payments import services as payments
from bookings.payments.models import LedgerTransaction, OfflineIntent, PaymentAttempt, Refund
from bookings.payments.selectors import ledger_imbalances, payment_summary
from instainstru import clock
from instainstru.errors import (
    ConflictError,
    NotFoundError,
    PaymentDeclinedError,
    ValidationFailedError,
)
from tests.bookings.lessons.stage import details, guest, hold_of, owner, self_learner, wanted
from tests.factories import payments as make
from tests.factories.accounts import LearnerFactory, student
from tests.factories.catalog import NeighborhoodFactory, OfferingFactory
from tests.factories.lessons import BookingFactory

pytestmark = [pytest.mark.S13, pytest.mark.S14, pytest.mark.django_db]


@pytest.fixture
def maya() -> User:
    return student()


def pay(by: User, hold: Booking, number: str = make.SUCCEEDS) -> checkout.CheckoutResult:
    return pay_and_confirm(by=by, hold_id=hold.hold_id, details=details(hold, number))


def charged_cents() -> list[int]:
    rows = OfflineIntent.objects.filter(status="succeeded")
    return list(rows.values_list("amount_cents", flat=True))


def test_paid_hold_is_a_lesson_with_money_and_mail(maya: User) -> None:
    """T4, R15, S13.4"""
    hold = hold_of(maya, travel_fee_cents=500)
    result = pay(maya, hold)

    lesson = Booking.objects.get(pk=hold.pk)
    assert (result.step, lesson.status) == (Step.CONFIRMED, Status.CONFIRMED)
    assert (lesson.expires_at, lesson.note) == (None, "Ring twice")
    assert lesson.code
    assert lesson.confirmed_at
    assert charged_cents() == [9000]
    assert LedgerTransaction.objects.get().booking == lesson
    assert ledger_imbalances() == []
    mails = {mail.to: mail for mail in OutgoingMail.objects.filter(kind="lesson_confirmed")}
    assert set(mails) == {maya.email, hold.instructor.user.email}
    calendar = base64.b64decode(mails[maya.email].attachments[0]["base64"]).decode()
    assert "SEQUENCE:0" in calendar
    assert str(lesson.ics_uid) in calendar


def test_price_changed_during_the_hold_does_not_matter(maya: User) -> None:
    """S13.2: the held price is charged, and a service switched off is honoured."""
    hold = hold_of(maya)
    hold.offering.prices.update(price_cents=20000)
    hold.offering.is_active = False
    hold.offering.save(update_fields=["is_active"])
    assert pay(maya, hold).step == Step.CONFIRMED
    assert charged_cents() == [8500]


@pytest.mark.parametrize("number", [make.DECLINED, make.INSUFFICIENT_FUNDS, make.FAILS_ON_CHARGE])
def test_declined_card_charges_nothing_and_another_card_works(maya: User, number: str) -> None:
    """S14.4"""
    hold = hold_of(maya)
    with pytest.raises(PaymentDeclinedError) as caught:
        pay(maya, hold, number)
    assert caught.value.status == 402
    now = Booking.objects.get(pk=hold.pk)
    assert (now.status, now.expires_at) == (Status.HELD, hold.expires_at)
    assert charged_cents() == []
    assert not OutgoingMail.objects.exists()
    assert pay(maya, hold).step == Step.CONFIRMED
    assert charged_cents() == [8500]


def test_paying_a_confirmed_hold_again_changes_nothing(maya: User) -> None:
    """S13.2, S14.2"""
    hold = hold_of(maya)
    first, second = pay(maya, hold), pay(maya, hold)
    assert first.booking.code == second.booking.code
    assert charged_cents() == [8500]
    assert OutgoingMail.objects.count() == 2


def test_bank_step_keeps_the_hold_fifteen_minutes_once(maya: User) -> None:
    """T2, S14.4"""
    hold = hold_of(maya)
    assert pay(maya, hold, make.EXTRA_STEP).step == Step.NEEDS_BANK
    kept = Booking.objects.get(pk=hold.pk)
    assert kept.is_payment_extended
    assert kept.expires_at is not None
    assert kept.expires_at - clock.now() > timedelta(minutes=14)

    result = checkout.complete_bank_step(by=maya, hold_id=hold.hold_id, is_approved=True)
    assert result.step == Step.CONFIRMED
    assert charged_cents() == [8500]
    with_code = checkout.complete_bank_step(by=maya, hold_id=hold.hold_id, is_approved=True)
    assert with_code.step == Step.CONFIRMED


def test_refused_bank_step_charges_nothing(maya: User) -> None:
    hold = hold_of(maya)
    pay(maya, hold, make.EXTRA_STEP)
    with pytest.raises(PaymentDeclinedError):
        checkout.complete_bank_step(by=maya, hold_id=hold.hold_id, is_approved=False)
    assert charged_cents() == []
    assert Booking.objects.get(pk=hold.pk).status == Status.HELD
    with pytest.raises(LessonChangedError):
        checkout.complete_bank_step(by=maya, hold_id=hold.hold_id, is_approved=True)


def test_slow_bank_is_finished_later_without_a_second_charge(maya: User) -> None:
    """S14.2, S14.13"""
    hold = hold_of(maya)
    assert pay(maya, hold, make.LATE_RESULT).step == Step.WAITING
    assert checkout.finish_attempts() == 0
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        assert checkout.finish_attempts() == 1
        assert checkout.finish_attempts() == 0
    assert Booking.objects.get(pk=hold.pk).status == Status.CONFIRMED
    assert charged_cents() == [8500]
    assert LedgerTransaction.objects.count() == 1


def lapse(hold: Booking) -> None:
    Booking.objects.filter(pk=hold.pk).update(expires_at=clock.now() - timedelta(seconds=1))


def test_late_payment_of_a_lapsed_hold_takes_the_free_time_again(maya: User) -> None:
    """S14.3"""
    hold = hold_of(maya)
    pay(maya, hold, make.LATE_RESULT)
    lapse(hold)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        checkout.finish_attempts()
    hold.refresh_from_db()
    lesson = checkout.lesson_from(hold)
    assert hold.status == Status.EXPIRED
    assert lesson is not None
    assert (lesson.status, lesson.replaces, lesson.start_at) == ("confirmed", hold, hold.start_at)
    assert payment_summary(lesson.pk) is not None
    assert ledger_imbalances() == []


def test_late_payment_of_a_time_that_is_gone_goes_back(maya: User) -> None:
    """S14.3"""
    hold = hold_of(maya)
    pay(maya, hold, make.LATE_RESULT)
    lapse(hold)
    Booking.objects.filter(pk=hold.pk).update(status=Status.EXPIRED)
    BookingFactory(offering=hold.offering, start_at=hold.start_at)
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        checkout.finish_attempts()
    hold.refresh_from_db()
    assert checkout.lesson_from(hold) is None
    assert Refund.objects.get().amount_cents == hold.total_cents
    assert OutgoingMail.objects.get().kind == "lesson_lost_time"
    assert ledger_imbalances() == []


def test_process_that_died_after_the_charge_is_finished(maya: User) -> None:
    """S14.13"""
    hold = hold_of(maya)
    make.charge_attempt(make.attempt_for(hold), make.card(), now=clock.now())
    assert Booking.objects.get(pk=hold.pk).status == Status.HELD
    with time_machine.travel(clock.now() + timedelta(minutes=2)):
        checkout.finish_attempts()
    assert Booking.objects.get(pk=hold.pk).status == Status.CONFIRMED
    assert charged_cents() == [8500]


def test_credit_pays_first_and_the_card_the_rest(maya: User) -> None:
    """S14.7"""
    hold = hold_of(maya)
    make.give_credit(maya, 2500)
    pay(maya, hold)
    paid = payment_summary(hold.pk)
    assert paid is not None
    assert (paid.credit_cents, paid.paid_cents, charged_cents()) == (2500, 6000, [6000])


def test_credit_that_covers_everything_needs_no_card(maya: User) -> None:
    hold = hold_of(maya)
    said = details(hold, card=None)
    with pytest.raises(ValidationFailedError) as caught:
        pay_and_confirm(by=maya, hold_id=hold.hold_id, details=said)
    assert set(caught.value.fields) == {"card_number"}
    make.give_credit(maya, 10000)
    seen = details(hold, card=None)
    assert pay_and_confirm(by=maya, hold_id=hold.hold_id, details=seen).step == Step.CONFIRMED
    assert charged_cents() == []


# --- Refusals before any charge -------------------------------------------------------------------
def test_lapsed_hold_is_not_charged(maya: User) -> None:
    """T4, S13.2"""
    hold = hold_of(maya)
    lapse(hold)
    with pytest.raises(HoldExpiredError) as caught:
        pay(maya, hold)
    assert caught.value.status == 409
    assert not PaymentAttempt.objects.exists()


def test_busy_learner_is_not_charged(maya: User) -> None:
    """R7"""
    hold = hold_of(maya)
    child = LearnerFactory(manager=maya)
    BookingFactory(student=maya, learner=child, start_at=hold.start_at + timedelta(minutes=30))
    with pytest.raises(LearnerBusyError):
        pay_and_confirm(by=maya, hold_id=hold.hold_id, details=details(hold, learner_id=child.pk))
    assert not PaymentAttempt.objects.exists()


def test_place_outside_the_area_names_the_places(maya: User) -> None:
    """S13.1"""
    hold = hold_of(maya)
    far = NeighborhoodFactory(name="Riverdale", borough="Bronx")
    with pytest.raises(ValidationFailedError) as caught:
        pay_and_confirm(
            by=maya, hold_id=hold.hold_id, details=details(hold, neighborhood_id=far.pk)
        )
    text = caught.value.fields["neighborhood"]
    assert "Park Slope" in text
    assert "online" in text


@pytest.mark.parametrize(("age", "is_refused"), [(3, True), (6, False), (30, True)])
def test_learner_outside_the_ages_is_refused(maya: User, age: int, is_refused: bool) -> None:
    hold = hold_of(maya, offering=OfferingFactory(age_from=5, age_to=18))
    child = LearnerFactory(manager=maya, birth_year=hold.start_at.year - age)
    said = details(hold, learner_id=child.pk)
    if not is_refused:
        assert pay_and_confirm(by=maya, hold_id=hold.hold_id, details=said).booking.code
        return
    with pytest.raises(ValidationFailedError) as caught:
        pay_and_confirm(by=maya, hold_id=hold.hold_id, details=said)
    assert set(caught.value.fields) == {"learner"}


def test_strangers_hold_and_learner_are_refused(maya: User) -> None:
    """G5"""
    hold = hold_of(maya)
    with pytest.raises(NotFoundError):
        pay(student(), hold)
    said = details(hold, learner_id=LearnerFactory().pk)
    with pytest.raises(ValidationFailedError):
        pay_and_confirm(by=maya, hold_id=hold.hold_id, details=said)
    assert charged_cents() == []


# --- Hold it again --------------------------------------------------------------------------------
@pytest.mark.parametrize("is_student_first", [True, False])
def test_block_during_a_hold_stops_the_payment(maya: User, is_student_first: bool) -> None:
    """R8, S5.8: also of a guest's hold, which did not know whose it would be."""
    hold = hold_slot(by=guest(), wanted=wanted(OfferingFactory()))
    pair = [maya, hold.instructor.user]
    by, person = pair if is_student_first else pair[::-1]
    block_person(by=by, person=person)
    claim_guest_holds(user=maya, guest_key="guest-key-1")
    said = details(hold, learner_id=self_learner(maya).pk)
    with pytest.raises(ConflictError):
        pay_and_confirm(by=maya, hold_id=hold.hold_id, details=said)
    assert charged_cents() == []
    unblock_person(by=by, person=person)
    assert pay_and_confirm(by=maya, hold_id=hold.hold_id, details=said).step is Step.CONFIRMED


def test_lapsed_time_is_held_again_with_what_was_typed(maya: User) -> None:
    """S13.2"""
    old = hold_of(maya, note="Second bell")
    lapse(old)
    fresh = lapsed.hold_again(by=owner(maya), hold_id=old.hold_id)
    assert (fresh.start_at, fresh.note, fresh.replaces_id) == (old.start_at, "Second bell", old.pk)
    assert (fresh.learner_id, fresh.neighborhood_id) == (old.learner_id, old.neighborhood_id)


def test_lost_time_is_not_held_again(maya: User) -> None:
    """S13.2, R12"""
    old = hold_of(maya)
    lapse(old)
    old.refresh_from_db()
    assert lapsed.still_free(old, by=owner(maya), now=clock.now()) is None
    Booking.objects.filter(pk=old.pk).update(status=Status.EXPIRED)
    BookingFactory(offering=old.offering, start_at=old.start_at)
    with pytest.raises(SlotTakenError) as caught:
        lapsed.hold_again(by=owner(maya), hold_id=old.hold_id)
    assert len(caught.value.nearest) == 3
    taken = lapsed.still_free(old, by=owner(maya), now=clock.now())
    assert taken is not None
    assert taken.nearest == caught.value.nearest


def test_confirmed_hold_is_not_held_again(maya: User) -> None:
    hold = hold_of(maya)
    pay(maya, hold)
    assert lapsed.hold_again(by=owner(maya), hold_id=hold.hold_id).pk == hold.pk
    assert Booking.objects.count() == 1


def test_a_slow_answer_after_the_end_revives_no_hold(maya: User) -> None:
    """T2, T3: a lapsed hold is over, whatever the bank is still thinking."""
    hold = hold_slot(by=owner(maya), wanted=wanted(OfferingFactory()))
    said = details(hold, make.LATE_RESULT, learner_id=self_learner(maya).pk)
    result = pay_and_confirm(by=maya, hold_id=hold.hold_id, details=said)
    assert result.step is Step.WAITING
    attempt = PaymentAttempt.objects.get()
    Booking.objects.update(is_payment_extended=False)
    ended_at = Booking.objects.get().expires_at
    assert ended_at is not None
    checkout.settle_attempt(attempt.pk, now=ended_at)
    assert Booking.objects.get().expires_at == ended_at
    checkout.settle_attempt(attempt.pk, now=ended_at - timedelta(seconds=1))
    assert Booking.objects.get().expires_at > ended_at


def test_nightly_check_tells_of_a_lesson_without_a_charge_in_the_books() -> None:
    """S14.5: what the gateway said is not enough."""
    lesson = BookingFactory()
    complaint = [f"lesson {lesson.code} is not paid"]
    assert lesson_violations() == complaint
    attempt = make.attempt_for(lesson)
    PaymentAttempt.objects.filter(pk=attempt.pk).update(status="succeeded")
    assert lesson_violations() == complaint
    payments.record_charge(attempt_id=attempt.pk, lesson=make.terms_of(lesson), now=clock.now())
    assert lesson_violations() == []
