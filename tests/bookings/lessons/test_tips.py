"""Tips: card only, once, in time, all of it for the instructor (Spec: S11.10)."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import User
from bookings.lessons.checkout import finish_attempts
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.invariants import lesson_violations
from bookings.lessons.models import Booking
from bookings.lessons.tips import give_tip, tip_until
from bookings.notifications.models import OutgoingMail
from bookings.payments.earnings import earnings_lines, lessons_that_paid
from bookings.payments.models import LedgerEntry, OfflineIntent, PaymentAttempt, Payout
from bookings.payments.selectors import ledger_imbalances, payment_summary
from bookings.payments.services.payees import set_payout_details
from bookings.payments.services.payouts import make_payouts, send_payouts
from instainstru import clock
from instainstru.errors import NotFoundError, PaymentDeclinedError, ValidationFailedError
from tests.bookings.payments.conftest import in_parallel
from tests.bookings.payments.test_payouts import TAKES, balance, teacher
from tests.factories import payments as make
from tests.factories.accounts import student
from tests.factories.lessons import tomorrow_at

pytestmark = [pytest.mark.S11, pytest.mark.django_db]


@pytest.fixture
def maya() -> User:
    return student()


def taught(maya: User, *, status: str = "completed", **fields: object) -> Booking:
    lesson = make.lesson_to_pay(
        student=maya, status=status, **({"start_at": tomorrow_at(10, days=-3)} | fields)
    )
    make.pay(lesson)
    return lesson


def tip(
    maya: User, lesson: Booking, cents: int = 1000, number: str = make.SUCCEEDS, **more: object
) -> PaymentAttempt:
    return give_tip(
        by=maya, code=str(lesson.code), amount_cents=cents, card=make.card(number), **more
    )


def test_tip_is_charged_once_and_all_the_instructors(maya: User) -> None:
    """S14.5: tip of $10: student_cash -1000, tips +1000."""
    lesson = taught(maya)
    first = tip(maya, lesson)
    assert tip(maya, lesson, 5000).pk == first.pk
    rows = LedgerEntry.objects.filter(transaction__kind="tip")
    assert dict(rows.values_list("account", "amount_cents")) == {
        "student_cash": -1000,
        "tips": 1000,
    }
    assert OfflineIntent.objects.get(amount_cents=1000).status == "succeeded"
    assert OutgoingMail.objects.filter(kind="lesson_tip").count() == 2
    assert payment_summary(lesson.pk).total_cents == 9500
    assert ledger_imbalances() == []
    assert lesson_violations() == []


def test_tip_comes_with_the_payout_of_its_lesson(maya: User) -> None:
    """S14.5: payout of a lesson and a tip: instructor_payable -8150, tips -1000, cash +9150."""
    instructor = teacher()
    set_payout_details(by=instructor.user, account_number=TAKES)
    lesson = taught(maya, offering=instructor.offerings.get())
    tip(maya, lesson)
    line = next(earnings_lines(lessons_that_paid(instructor), clock.now()))
    assert (line.tip_cents, line.net_cents) == (1000, 9150)
    later = clock.now() + timedelta(days=14)
    assert (make_payouts(later), send_payouts(later)) == (1, 1)
    assert Payout.objects.get().amount_cents == 9150
    rows = LedgerEntry.objects.filter(transaction__kind="payout")
    assert dict(rows.values_list("account", "amount_cents")) == {
        "instructor_payable": -8150,
        "tips": -1000,
        "student_cash": 9150,
    }
    assert balance(instructor) == 0


@pytest.mark.parametrize("cents", [0, 99, 20001, -500])
def test_amounts_outside_one_to_two_hundred_dollars_are_refused(maya: User, cents: int) -> None:
    with pytest.raises(ValidationFailedError) as refused:
        tip(maya, taught(maya), cents)
    assert "amount" in refused.value.fields


def test_only_in_time_and_only_what_took_place(maya: User) -> None:
    """Up to 7 days after the end, to the instant."""
    lesson = taught(maya)
    until = tip_until(lesson)
    assert until == lesson.end_at + timedelta(days=7)
    with pytest.raises(LessonChangedError):
        tip(maya, lesson, now=until + timedelta(seconds=1))
    tip(maya, lesson, now=until)
    for number, status in enumerate(("confirmed", "reported", "cancelled_student")):
        days = 3 if status == "confirmed" else -2
        other = taught(maya, status=status, start_at=tomorrow_at(12 + number, days=days))
        with pytest.raises(LessonChangedError):
            tip(maya, other)
    with pytest.raises(NotFoundError):
        tip(student(), lesson)


@pytest.mark.parametrize("number", [make.DECLINED, make.INSUFFICIENT_FUNDS])
def test_declined_tips_charge_nothing_and_can_be_tried_again(maya: User, number: str) -> None:
    lesson = taught(maya)
    with pytest.raises(PaymentDeclinedError):
        tip(maya, lesson, number=number)
    assert not LedgerEntry.objects.filter(account="tips").exists()
    assert tip(maya, lesson).status == "succeeded"


def test_late_answer_is_found_by_the_job(maya: User) -> None:
    """S14.13: a tip whose answer came late is booked once, without anybody asking."""
    lesson = taught(maya)
    assert tip(maya, lesson, number=make.LATE_RESULT).status == "unknown"
    OfflineIntent.objects.update(result_at=clock.now())
    PaymentAttempt.objects.tips().update(created_at=clock.now() - timedelta(minutes=5))
    finish_attempts()
    finish_attempts()
    assert PaymentAttempt.objects.tips().get().recorded_at is not None
    assert LedgerEntry.objects.filter(account="tips").count() == 1
    assert OutgoingMail.objects.filter(kind="lesson_tip").count() == 2


@pytest.mark.django_db(transaction=True)
def test_eight_clicks_charge_one_tip() -> None:
    """S14.2, R14"""
    maya = student()
    lesson = taught(maya)
    in_parallel([lambda: tip(maya, lesson)] * 8)
    assert OfflineIntent.objects.filter(amount_cents=1000).count() == 1
    assert LedgerEntry.objects.filter(account="tips").count() == 1


# --- The page -------------------------------------------------------------------------------------
def form(**changes: str) -> dict[str, str]:
    return {
        "amount": "12.50", "card_number": make.SUCCEEDS, "card_expiry": "12/40",
        "card_cvc": "123", "card_zip": "11215", "idempotency_key": "tip-key", **changes,
    }  # fmt: skip


def test_page_takes_the_tip_and_says_thanks(client: Client, maya: User) -> None:
    client.force_login(maya)
    lesson = taught(maya)
    assert "Leave a tip" in client.get(f"/lessons/{lesson.code}/").content.decode()
    answers = [client.post(f"/lessons/{lesson.code}/tip/", form()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    page = client.get(f"/lessons/{lesson.code}/").content.decode()
    assert "Your tip: $12.50" in page
    assert "Leave a tip" not in page
    assert "$12.50" in client.get(f"/lessons/{lesson.code}/receipt/").content.decode()
    assert "You tipped $12.50" in client.get(f"/lessons/{lesson.code}/tip/").content.decode()


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"amount": "0.99"}, 422),
        ({"amount": "1e3"}, 422),
        ({"amount": "NaN"}, 422),
        ({"amount": "10.001"}, 422),
        ({"amount": "ten"}, 422),
        ({"card_number": "4111 1111 1111 1111"}, 422),
        ({"card_number": make.DECLINED}, 402),
    ],
)
def test_bad_input_keeps_the_amount_and_charges_nothing(
    client: Client, maya: User, changes: dict[str, str], status: int
) -> None:
    client.force_login(maya)
    lesson = taught(maya)
    answer = client.post(f"/lessons/{lesson.code}/tip/", form(**changes))
    assert answer.status_code == status
    assert f'value="{changes.get("amount", "12.50")}"' in answer.content.decode()
    assert not LedgerEntry.objects.filter(account="tips").exists()


def test_page_of_a_lesson_to_come_says_when(client: Client, maya: User) -> None:
    client.force_login(maya)
    lesson = taught(maya, status="confirmed", start_at=tomorrow_at(10))
    assert "after it took place" in client.get(f"/lessons/{lesson.code}/tip/").content.decode()
    assert client.post(f"/lessons/{lesson.code}/tip/", form()).status_code == 409
    client.force_login(student())
    assert client.get(f"/lessons/{lesson.code}/tip/").status_code == 404


# --- The bank asks --------------------------------------------------------------------------------
def asked(client: Client, maya: User) -> str:
    """Tip with a card whose bank asks; return the address of its question."""
    client.force_login(maya)
    lesson = taught(maya)
    answer = client.post(f"/lessons/{lesson.code}/tip/", form(card_number=make.EXTRA_STEP))
    assert answer["Location"] == f"/lessons/{lesson.code}/tip/bank/"
    assert client.get(f"/lessons/{lesson.code}/tip/")["Location"] == answer["Location"]
    return str(answer["Location"])


def test_bank_that_asks_is_answered_and_the_tip_paid(client: Client, maya: User) -> None:
    """S14.4"""
    page = asked(client, maya)
    text = client.get(page).content.decode()
    assert "Your tip of $12.50" in text
    lesson_page = page.removesuffix("tip/bank/")
    assert f'href="{page}"' in client.get(lesson_page).content.decode()
    assert not LedgerEntry.objects.filter(account="tips").exists()
    done = [client.post(page, {"answer": "yes"}) for _ in range(2)]
    assert [answer.status_code for answer in done] == [303, 303]
    assert "All of it goes to" in client.get(done[0]["Location"]).content.decode()
    assert LedgerEntry.objects.filter(account="tips").count() == 1
    assert OfflineIntent.objects.get(amount_cents=1250).status == "succeeded"
    assert client.get(page)["Location"] == page.removesuffix("bank/")


def test_bank_that_is_refused_charges_nothing(client: Client, maya: User) -> None:
    page = asked(client, maya)
    answer = client.post(page, {"answer": "no"})
    assert answer.status_code == 402
    assert "Nothing was charged" in answer.content.decode()
    assert OfflineIntent.objects.get(amount_cents=1250).status == "cancelled"
    assert client.post(page, {"answer": "yes"})["Location"] == page.removesuffix("bank/")
    again = client.post(page.removesuffix("bank/"), form(idempotency_key="another"))
    assert again.status_code == 303
    assert LedgerEntry.objects.filter(account="tips").count() == 1


def test_question_waits_fifteen_minutes(client: Client, maya: User) -> None:
    """S14.13: the job closes what nobody answered, and not sooner."""
    asked(client, maya)
    tips = PaymentAttempt.objects.tips()
    for minutes, status in ((14, "needs_action"), (16, "declined")):
        tips.update(created_at=clock.now() - timedelta(minutes=minutes))
        finish_attempts()
        assert tips.get().status == status
    assert OfflineIntent.objects.get(amount_cents=1250).status == "cancelled"


def test_question_is_for_its_student_only(client: Client, maya: User) -> None:
    page = asked(client, maya)
    client.force_login(student())
    assert client.get(page).status_code == 404
    assert client.post(page, {"answer": "yes"}).status_code == 404
    assert PaymentAttempt.objects.tips().get().status == "needs_action"
