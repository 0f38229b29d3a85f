"""A promo pays first, within its limits, and comes back with a refund (Spec: S14.7, 05 §4)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from bookings.lessons.cancellation import (
    StaffSplit,
    cancel_as_staff,
    cancel_lesson,
    preview_cancellation,
)
from bookings.lessons.checkout import pay_and_confirm, split_of, use_promo
from bookings.lessons.errors import AmountChangedError, LessonChangedError
from bookings.lessons.goodwill import excuse_emergency, waive_fee
from bookings.lessons.models import Booking
from bookings.lessons.policies import Outcome, RefundTo
from bookings.lessons.settlement import settle
from bookings.lessons.states import Actor
from bookings.payments.gateways.test import OfflineGateway
from bookings.payments.models import (
    LedgerEntry,
    LedgerTransaction,
    OfflineIntent,
    PaymentAttempt,
    PromoCode,
    PromoUse,
    Refund,
)
from bookings.payments.selectors import ledger_imbalances, promo_miscounts
from bookings.payments.services import settle_refunds
from instainstru import clock
from instainstru.errors import (
    ConflictError,
    PaymentDeclinedError,
    RateLimitedError,
    ValidationFailedError,
)
from tests.bookings.lessons.stage import details, due_cents, hold_of, pay_form
from tests.bookings.payments.conftest import in_parallel
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.lessons import tomorrow_at
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.S14, pytest.mark.django_db]


@pytest.fixture
def maya() -> User:
    return student()


def promo(code: str = "WELCOME10", **fields: Any) -> PromoCode:
    if "percent" not in fields:
        fields.setdefault("amount_cents", 1000)
    return PromoCode.objects.create(code=code, **fields)


def hold_with(maya: User, code: str = "WELCOME10", **fields: Any) -> Booking:
    hold = hold_of(maya, **fields)
    use_promo(by=maya, hold_id=hold.hold_id, code=code)
    return hold


def pay(maya: User, hold: Booking, number: str | None = make.SUCCEEDS) -> Booking:
    typed = details(hold) if number is None else details(hold, number)
    typed = replace(typed, card=None) if number is None else typed
    return pay_and_confirm(by=maya, hold_id=hold.hold_id, details=typed).booking


def entries(kind: str) -> dict[str, int]:
    rows = LedgerEntry.objects.filter(transaction__kind=kind)
    return dict(rows.values_list("account", "amount_cents"))


def test_promo_then_credit_then_card(maya: User) -> None:
    """S14.7, S14.5: promo -1000, student_credit -2000, the rest student_cash; full share."""
    promo()
    make.give_credit(maya, 2000)
    lesson = pay(maya, hold_with(maya, " welcome10 "))
    attempt = PaymentAttempt.objects.get()
    total = lesson.total_cents
    assert (attempt.promo_cents, attempt.credit_cents) == (1000, 2000)
    assert OfflineIntent.objects.get().amount_cents == total - 3000
    written = entries("charge")
    assert (written["promo"], written["student_credit"]) == (-1000, -2000)
    assert written["instructor_payable"] + written["platform_fee"] == total
    assert ledger_imbalances() == []
    assert PromoUse.objects.get().status == "spent"


def test_a_total_of_nothing_books_without_a_card(maya: User) -> None:
    promo(percent=100)
    lesson = pay(maya, hold_with(maya), number=None)
    assert lesson.status == "confirmed"
    assert not OfflineIntent.objects.exists()
    assert entries("charge")["promo"] == -lesson.total_cents


def test_share_is_capped_and_rounded_half_even() -> None:
    assert promo(percent=15, cap_cents=1200).discount_cents(8500) == 1200
    assert promo("OTHER", percent=15).discount_cents(8550) == 1282
    assert promo("BIG", amount_cents=99900).discount_cents(8500) == 8500


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"is_active": False}, "This code has ended."),
        ({"starts_at": clock.now() - timedelta(days=9), "ends_at": clock.now()}, "has ended"),
        ({"starts_at": clock.now() + timedelta(days=9)}, "This code isn't valid yet."),
        ({"uses_total": 0}, "This code is used up."),
    ],
)
def test_codes_that_do_not_count_say_why(maya: User, fields: dict[str, Any], sentence: str) -> None:
    promo(**fields)
    with pytest.raises(ValidationFailedError, match=sentence) as refused:
        hold_with(maya)
    assert "promo_code" in refused.value.fields


def test_somebody_elses_code_is_refused(maya: User) -> None:
    """S14.7, S17.5"""
    promo(owner=student())
    with pytest.raises(ValidationFailedError, match="isn't valid for you"):
        hold_with(maya)
    promo("MINE", owner=maya)
    assert pay(maya, hold_with(maya, "MINE", start_at=tomorrow_at(15))).status == "confirmed"


def test_each_person_uses_it_once_and_a_decline_does_not_count(maya: User) -> None:
    code = promo()
    hold = hold_with(maya)
    with pytest.raises(PaymentDeclinedError):
        pay(maya, hold, make.DECLINED)
    code.refresh_from_db()
    assert code.uses == 0
    pay(maya, hold)
    with pytest.raises(ValidationFailedError, match="You have used"):
        hold_with(maya, start_at=tomorrow_at(15))
    code.refresh_from_db()
    assert code.uses == 1


def end(code: PromoCode) -> None:
    PromoCode.objects.filter(pk=code.pk).update(
        starts_at=clock.now() - timedelta(days=2), ends_at=clock.now()
    )


def test_code_that_ends_after_it_was_shown_is_refused_and_nothing_is_charged(maya: User) -> None:
    """S13.1: the price that is charged is the one that was shown."""
    code = promo()
    hold = hold_with(maya)
    shown = details(hold)
    end(code)
    with pytest.raises(AmountChangedError):
        pay_and_confirm(by=maya, hold_id=hold.hold_id, details=shown)
    assert not PaymentAttempt.objects.exists()
    split = split_of(hold, maya.pk, clock.now())
    assert (split.promo_cents, split.promo_code) == (0, "")
    assert split.promo_refusal == "This code has ended."
    assert pay(maya, hold).status == "confirmed"
    assert OfflineIntent.objects.get().amount_cents == hold.total_cents


def test_canceling_gives_card_money_to_the_card_and_the_code_back(maya: User) -> None:
    """05 section 4: refunds in reverse order, a promo returns if unexpired."""
    code = promo()
    lesson = pay(maya, hold_with(maya, start_at=tomorrow_at(10, days=5)))
    due = preview_cancellation(lesson, clock.now(), Actor.STUDENT)
    assert due.card_refund_cents == lesson.total_cents - 1000
    cancel_lesson(
        by=maya, code=str(lesson.code), reason="illness",
        expected_card_cents=due.card_refund_cents, expected_credit_cents=0,
    )  # fmt: skip
    settle_refunds(clock.now())
    assert OfflineIntent.objects.get().refunded_cents == lesson.total_cents - 1000
    assert entries("refund")["promo"] == 1000
    assert ledger_imbalances() == []
    code.refresh_from_db()
    assert (PromoUse.objects.get().status, code.uses) == ("returned", 0)
    assert pay(maya, hold_with(maya, start_at=tomorrow_at(12, days=5))).status == "confirmed"


def test_canceled_lesson_that_a_code_paid_alone_pays_nobody(maya: User) -> None:
    """S14.5, 05 section 4: nothing goes to the card, and nothing stays with the instructor."""
    promo(percent=100)
    lesson = pay(maya, hold_with(maya, start_at=tomorrow_at(10, days=5)), number=None)
    cancel_lesson(
        by=maya, code=str(lesson.code), reason="illness",
        expected_card_cents=0, expected_credit_cents=0,
    )  # fmt: skip
    charged = entries("charge")
    assert entries("refund") == {account: -cents for account, cents in charged.items()}
    assert not Refund.objects.exists()
    assert PromoUse.objects.get().status == "returned"
    lesson.refresh_from_db()
    due = Outcome(case="C1")
    settle(lesson, due, key=f"cancel:{lesson.pk}", now=clock.now())
    assert LedgerTransaction.objects.filter(kind="refund").count() == 1
    assert ledger_imbalances() == []


def test_late_cancel_of_such_a_lesson_keeps_the_instructors_share(maya: User) -> None:
    """C4: no entry."""
    promo(percent=100)
    lesson = pay(maya, hold_with(maya, start_at=tomorrow_at(10)), number=None)
    settle(
        lesson,
        Outcome(
            case="C4",
            instructor_cents=entries("charge")["instructor_payable"],
            fee_cents=entries("charge")["platform_fee"],
        ),
        key=f"cancel:{lesson.pk}",
        now=clock.now(),
    )
    assert not LedgerTransaction.objects.filter(kind="refund").exists()


def test_what_a_code_paid_alone_is_given_back_once(maya: User) -> None:
    """C4, C8: waiving and excusing know of each other though no money went back."""
    promo(percent=100)
    lesson = pay(maya, hold_with(maya, start_at=tomorrow_at(10, days=5)), number=None)
    at = lesson.start_at - timedelta(hours=3)
    cancel_lesson(
        by=maya, code=str(lesson.code), reason="illness", now=at,
        expected_card_cents=0, expected_credit_cents=0,
    )  # fmt: skip
    excused: dict[str, Any] = {
        "by": staff(Role.ADMIN),
        "code": str(lesson.code),
        "reason": "A hospital letter",
    }
    excuse_emergency(**excused, now=at)
    with pytest.raises(LessonChangedError):
        excuse_emergency(**excused, now=at)
    with pytest.raises(LessonChangedError):
        waive_fee(by=lesson.instructor.user, code=str(lesson.code), refund_to=RefundTo.CARD, now=at)
    assert ledger_imbalances() == []


def test_staff_cannot_give_back_what_the_platform_paid(maya: User) -> None:
    promo()
    lesson = pay(maya, hold_with(maya, start_at=tomorrow_at(10, days=5)))
    with pytest.raises(ConflictError, match="more than was paid"):
        cancel_as_staff(
            by=staff(Role.ADMIN), code=str(lesson.code), reason="Sorry about this.",
            staff_split=StaffSplit(lesson.total_cents, 0),
        )  # fmt: skip


def test_guesses_are_counted(maya: User) -> None:
    hold = hold_of(maya)
    for number in range(10):
        with pytest.raises(ValidationFailedError, match="don't know"):
            use_promo(by=maya, hold_id=hold.hold_id, code=f"GUESS{number}")
    with pytest.raises(RateLimitedError):
        use_promo(by=maya, hold_id=hold.hold_id, code="WELCOME10")


def test_database_keeps_the_limits(maya: User) -> None:
    code = promo(uses_total=1)
    pay(maya, hold_with(maya))
    use = PromoUse.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        PromoCode.objects.filter(pk=code.pk).update(uses=2)
    other = make.attempt_for(make.lesson_to_pay(student=maya, start_at=tomorrow_at(16)))
    for ordinal in (use.ordinal, use.ordinal + 1, 0):
        with pytest.raises(IntegrityError), transaction.atomic():
            PromoUse.objects.create(
                promo=code, attempt=other, user=maya, ordinal=ordinal, allowed=1, amount_cents=1
            )


def test_every_night_tells_of_a_counter_that_lies(maya: User) -> None:
    code = promo()
    pay(maya, hold_with(maya))
    assert promo_miscounts() == []
    PromoCode.objects.filter(pk=code.pk).update(uses=4)
    assert promo_miscounts() == ["code WELCOME10 says 4 uses and has 1"]


@pytest.mark.django_db(transaction=True)
def test_eight_people_at_the_last_use_leave_one_winner() -> None:
    """S14.7: uses in total, under parallel payments."""
    code = promo(uses_total=1)
    people = [student() for _ in range(8)]
    holds = [hold_with(person) for person in people]
    shown = [details(hold) for hold in holds]
    calls = [
        lambda person=person, hold=hold, said=said: (
            pay_and_confirm(by=person, hold_id=hold.hold_id, details=said).booking
        )
        for person, hold, said in zip(people, holds, shown, strict=True)
    ]
    results = in_parallel(calls)
    won = [one for one in results if isinstance(one, Booking)]
    lost = [one for one in results if isinstance(one, ValidationFailedError | AmountChangedError)]
    assert (len(won), len(lost)) == (1, 7)
    code.refresh_from_db()
    assert code.uses == 1
    assert LedgerTransaction.objects.filter(kind="charge").count() == 1
    assert ledger_imbalances() == []


# --- The page -------------------------------------------------------------------------------------
def test_code_changes_the_price_and_keeps_what_was_typed(client: Client, maya: User) -> None:
    promo()
    client.force_login(maya)
    hold = hold_of(maya)
    typed = pay_form(hold, make.SUCCEEDS, note="Bring the blue book", promo_code="welcome10")
    page = client.post(f"/book/{hold.hold_id}/promo/", typed)
    text = page.content.decode()
    assert page.status_code == 200
    assert "Bring the blue book" in text
    assert f"Pay ${(hold.total_cents - 1000) / 100:.2f} and book" in text
    assert "There is a problem" not in text
    assert f'value="{make.SUCCEEDS}"' not in text
    page = client.post(f"/book/{hold.hold_id}/promo/", typed | {"drop": "1"})
    assert f"Pay ${hold.total_cents / 100:.2f} and book" in page.content.decode()


def test_code_typed_and_not_applied_is_applied_before_anything_is_paid(
    client: Client, maya: User
) -> None:
    """S13.1: the price that is charged is the one that was shown."""
    promo()
    client.force_login(maya)
    hold = hold_of(maya)
    address = f"/book/{hold.hold_id}/pay/"
    typed = pay_form(hold, make.SUCCEEDS, promo_code="NOPE", idempotency_key="a")
    assert client.post(address, typed).status_code == 422
    typed |= {"promo_code": "welcome10", "idempotency_key": "b"}
    page = client.post(address, typed)
    assert f"Pay ${(hold.total_cents - 1000) / 100:.2f} and book" in page.content.decode()
    assert not PaymentAttempt.objects.exists()
    typed |= {"promo_code": "", "idempotency_key": "c", "due_cents": due_cents(hold)}
    assert client.post(address, typed).status_code == 303
    assert OfflineIntent.objects.get().amount_cents == hold.total_cents - 1000


def test_code_removed_in_another_tab_charges_nothing_until_the_new_price_was_seen(
    client: Client, maya: User
) -> None:
    """S13.1, S11.2: another amount than the one shown is a conflict, with the way out."""
    promo(percent=100)
    client.force_login(maya)
    hold = hold_with(maya)
    shown = pay_form(hold, note="Bring the blue book")
    use_promo(by=maya, hold_id=hold.hold_id, code="")
    page = client.post(f"/book/{hold.hold_id}/pay/", shown)
    text = page.content.decode()
    assert page.status_code == 409
    assert "The price to pay changed" in text
    assert "Bring the blue book" in text
    assert f"Pay ${hold.total_cents / 100:.2f} and book" in text
    assert 'name="card_number"' in text
    assert not PaymentAttempt.objects.exists()
    again = pay_form(hold, idempotency_key="again")
    assert client.post(f"/book/{hold.hold_id}/pay/", again).status_code == 303


@pytest.mark.parametrize("said", ["", "x", "-1", "9" * 30])
def test_form_that_does_not_say_the_price_charges_nothing(
    client: Client, maya: User, said: str
) -> None:
    client.force_login(maya)
    hold = hold_of(maya)
    page = client.post(f"/book/{hold.hold_id}/pay/", pay_form(hold, due_cents=said))
    assert page.status_code in (409, 422)
    assert not PaymentAttempt.objects.exists()


def test_page_says_that_a_code_counts_no_more(client: Client, maya: User) -> None:
    code = promo()
    client.force_login(maya)
    hold = hold_with(maya)
    end(code)
    text = client.get(f"/book/{hold.hold_id}/").content.decode()
    assert "This code has ended." in text
    assert f"Pay ${hold.total_cents / 100:.2f} and book" in text
    assert 'id="id_promo_code"' in text


def test_staff_give_a_code_to_one_person(maya: User) -> None:
    """S14.7: a personal code is its owner's alone."""
    desk, address = at_work(staff(Role.ADMIN)), "/admin/payments/promocode/add/"
    form = {
        "code": "SORRY20", "amount_cents": "2000", "starts_at": "2026-01-01 09:00",
        "uses_per_user": "1", "is_active": "on", "reason": "For the lesson that went wrong.",
    }  # fmt: skip
    for nobody in ("NOBODY", "A\x00B"):
        desk.post(address, form | {"owner": nobody})
        assert not PromoCode.objects.exists()
    desk.post(address, form | {"owner": maya.public_id})
    assert PromoCode.objects.get().owner == maya
    change = f"/admin/payments/promocode/{PromoCode.objects.get().pk}/change/"
    assert f'value="{maya.public_id}"' in desk.get(change).content.decode()
    hold_with(maya, "SORRY20")
    with pytest.raises(ValidationFailedError, match="isn't valid for you"):
        hold_with(student(), "SORRY20")


def test_staff_are_told_of_limits_that_cannot_be(maya: User) -> None:
    code = promo()
    pay(maya, hold_with(maya))
    desk, address = at_work(staff(Role.ADMIN)), f"/admin/payments/promocode/{code.pk}/change/"
    form = {
        "code": code.code, "amount_cents": "1000", "starts_at": "2026-01-01 09:00",
        "uses_per_user": "1", "is_active": "on", "reason": "Fewer uses from now on.",
    }  # fmt: skip
    for wrong in ({"uses_total": "0"}, {"uses_per_user": "0"}):
        answer = desk.post(address, form | wrong)
        assert answer.status_code in (200, 422)
        code.refresh_from_db()
        assert (code.uses_total, code.uses_per_user) == (None, 1)


def test_code_with_a_nul_is_an_unknown_code(client: Client, maya: User) -> None:
    client.force_login(maya)
    hold = hold_of(maya)
    page = client.post(f"/book/{hold.hold_id}/promo/", {"promo_code": "A\x00B"})
    assert page.status_code == 422


def test_bad_code_is_refused_at_its_field(client: Client, maya: User) -> None:
    """06 section 1: bad promo code, 422 at the field."""
    client.force_login(maya)
    hold = hold_of(maya)
    typed = pay_form(hold, make.SUCCEEDS, note="Bring it", promo_code="<b>NOPE</b>")
    page = client.post(f"/book/{hold.hold_id}/promo/", typed)
    text = page.content.decode()
    assert page.status_code == 422
    assert "We don&#x27;t know this code." in text
    assert "&lt;b&gt;NOPE" in text
    assert "Bring it" in text


def test_nobody_changes_somebody_elses_hold(client: Client, maya: User) -> None:
    promo()
    client.force_login(student())
    hold = hold_of(maya)
    page = client.post(f"/book/{hold.hold_id}/promo/", {"promo_code": "WELCOME10"})
    assert page.status_code == 404
    assert client.get(f"/book/{hold.hold_id}/promo/").status_code == 404


def test_loading_the_address_of_a_code_again_leads_to_the_page(client: Client, maya: User) -> None:
    client.force_login(maya)
    hold = hold_of(maya)
    page = client.get(f"/book/{hold.hold_id}/promo/")
    assert (page.status_code, page["Location"]) == (302, f"/book/{hold.hold_id}/")


@pytest.mark.parametrize(
    ("off_cents", "credit_cents", "paid"),
    [
        (8450, 0, (8450, 0, 50)),
        (8451, 0, (8500, 0, 0)),
        (8499, 0, (8500, 0, 0)),
        (8451, 30, (8470, 30, 0)),
        (8400, 60, (8400, 50, 50)),
        (8451, 49, (8451, 49, 0)),
        (8500, 0, (8500, 0, 0)),
    ],
)
def test_cents_that_no_card_can_pay_are_paid_by_the_code(
    maya: User,
    monkeypatch: pytest.MonkeyPatch,
    off_cents: int,
    credit_cents: int,
    paid: tuple[int, int, int],
) -> None:
    """S14.7, 00 §5: a gateway charges 50 cents or more; the platform gives what a code leaves."""
    monkeypatch.setattr(OfflineGateway, "least_charge_cents", 50)
    code = promo(amount_cents=off_cents)
    if credit_cents:
        make.give_credit(maya, credit_cents)
    hold = hold_with(maya)
    split = split_of(hold, maya.pk, clock.now())
    assert (split.promo_cents, split.credit_cents, split.card_cents) == paid
    lesson = pay(maya, hold, make.SUCCEEDS if paid[2] else None)
    assert lesson.status == "confirmed"
    attempt = PaymentAttempt.objects.get()
    assert (attempt.promo_cents, attempt.credit_cents, attempt.amount_cents) == paid
    assert entries("charge").get("promo", 0) == -paid[0]
    assert PromoUse.objects.get(promo=code).amount_cents == paid[0]
    assert ledger_imbalances() == []
    assert promo_miscounts() == []


def test_code_that_pays_a_rest_pays_no_more_than_that(
    maya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the page and the click the code became smaller: a card is asked for."""
    monkeypatch.setattr(OfflineGateway, "least_charge_cents", 50)
    code = promo(amount_cents=8460)
    hold = hold_with(maya)
    PromoCode.objects.filter(pk=code.pk).update(amount_cents=8449)
    with pytest.raises(ValidationFailedError, match="Add a card"):
        pay(maya, hold, None)
    assert not PaymentAttempt.objects.exists()
