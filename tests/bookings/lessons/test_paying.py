"""Paying a hold through the pages: one charge, clear refusals (Spec: S13.1, S13.2, S14.2-S14.4)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from accounts.models import Learner
from accounts.roles import Role
from bookings.lessons import checkout
from bookings.lessons.models import Booking
from bookings.notifications.models import OutgoingMail
from bookings.payments.models import LedgerTransaction, PaymentAttempt
from instainstru import clock
from tests.bookings.lessons.stage import due_cents
from tests.factories.accounts import UserFactory
from tests.factories.catalog import OfferingFactory
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at

pytestmark = [pytest.mark.django_db, pytest.mark.S13, pytest.mark.S14]


@pytest.fixture
def student() -> Any:
    user = UserFactory()
    user.groups.add(Group.objects.get(name=Role.STUDENT.value))
    Learner.objects.get_or_create(manager=user, is_self=True, defaults={"name": "Sam"})
    return user


@pytest.fixture
def signed_in(student: Any) -> Client:
    client = Client()
    client.force_login(student)
    return client


def held(student: Any, **fields: Any) -> Booking:
    return HoldFactory(student=student, start_at=tomorrow_at(10, days=3), **fields)


def form(hold: Booking, number: str = "4242424242424242", **fields: Any) -> dict[str, Any]:
    learner = Learner.objects.get(manager=hold.student, is_self=True)
    return {
        "learner": learner.public_id,
        "neighborhood": hold.instructor.base_neighborhood.slug,
        "address": "123 5th Street",
        "note": "Second bell",
        "card_number": number,
        "card_expiry": "12/30",
        "card_cvc": "123",
        "card_zip": "11215",
        "terms": "on",
        "due_cents": due_cents(hold),
        **fields,
    }


def pay(client: Client, hold: Booking, **fields: Any) -> Any:
    return client.post(f"/book/{hold.hold_id}/pay/", form(hold, **fields))


def test_a_test_card_confirms_charges_once_and_writes_to_both(
    signed_in: Client, student: Any
) -> None:
    hold = held(student)
    answer = pay(signed_in, hold)
    hold.refresh_from_db()
    assert hold.status == "confirmed"
    assert answer["Location"] == f"/lessons/{hold.code}/confirmed/"
    assert LedgerTransaction.objects.filter(booking=hold, kind="charge").count() == 1
    mails = OutgoingMail.objects.filter(kind="lesson_confirmed")
    assert {mail.to for mail in mails} == {student.email, hold.instructor.user.email}
    assert all(mail.attachments[0]["name"] == "lesson.ics" for mail in mails)


def test_a_declined_card_charges_nothing_and_keeps_the_hold(
    signed_in: Client, student: Any
) -> None:
    """Spec: S14.4."""
    hold = held(student)
    answer = pay(signed_in, hold, number="4000000000000002")
    expires_at, page = hold.expires_at, answer.content.decode()
    hold.refresh_from_db()
    assert answer.status_code == 402
    assert "Nothing was charged" in page
    assert "123 5th Street" in page
    assert "4000000000000002" not in page
    assert (hold.status, hold.expires_at) == ("held", expires_at)
    assert not LedgerTransaction.objects.exists()


@pytest.mark.parametrize("key", ["same", None])
def test_paying_twice_charges_once(signed_in: Client, student: Any, key: str | None) -> None:
    """A double click repeats a key, a second tab has another. Spec: R14, S13.2, S14.2."""
    hold = held(student)
    first = pay(signed_in, hold, idempotency_key=key or "one")
    second = pay(signed_in, hold, idempotency_key=key or "two")
    assert first["Location"] == second["Location"]
    assert PaymentAttempt.objects.filter(status="succeeded").count() == 1
    assert LedgerTransaction.objects.filter(kind="charge").count() == 1


def test_a_lapsed_hold_is_409_and_can_be_held_again(signed_in: Client, student: Any) -> None:
    """Spec: S13.2, T3."""
    hold = held(student, expires_at=clock.now() - timedelta(seconds=1))
    answer = pay(signed_in, hold)
    assert answer.status_code == 409
    assert "Hold it again" in answer.content.decode()
    again = signed_in.post(f"/book/{hold.hold_id}/again/")
    fresh = Booking.objects.get(status="held", expires_at__gt=clock.now())
    assert again["Location"] == f"/book/{fresh.hold_id}/"
    assert fresh.note == "Second bell"


def test_an_extra_bank_step_keeps_the_time_and_then_confirms(
    signed_in: Client, student: Any
) -> None:
    """Spec: T2."""
    hold = held(student)
    answer = pay(signed_in, hold, number="4000000000003155")
    assert answer["Location"] == f"/book/{hold.hold_id}/bank/"
    hold.refresh_from_db()
    assert hold.is_payment_extended
    done = signed_in.post(f"/book/{hold.hold_id}/bank/", {"answer": "yes"})
    hold.refresh_from_db()
    assert done["Location"] == f"/lessons/{hold.code}/confirmed/"


def test_a_late_bank_answer_is_finished_by_the_job(
    signed_in: Client, student: Any, time_machine: Any
) -> None:
    """Spec: S14.2, S14.13."""
    hold = held(student)
    answer = pay(signed_in, hold, number="4000000000009987")
    assert answer["Location"] == f"/book/{hold.hold_id}/payment/"
    time_machine.move_to(clock.now() + timedelta(minutes=2))
    assert checkout.finish_attempts() == 1
    hold.refresh_from_db()
    assert hold.status == "confirmed"
    assert LedgerTransaction.objects.filter(kind="charge").count() == 1


def test_the_waiting_page_looks_again_by_itself_and_leads_on(
    signed_in: Client, student: Any, time_machine: Any
) -> None:
    """With scripts the state is asked for, without them the page is. Spec: S14.2."""
    hold = held(student)
    address = pay(signed_in, hold, number="4000000000009987")["Location"]
    waiting = signed_in.get(address).content.decode()
    assert f'hx-post="{address}" hx-trigger="load, every ' in waiting
    assert '<noscript><meta http-equiv="refresh"' in waiting
    time_machine.move_to(clock.now() + timedelta(minutes=2))
    signed_in.get(address, headers={"HX-Request": "true"})
    hold.refresh_from_db()
    assert hold.status == "held", "looking changes nothing (S17.10)"
    answer = signed_in.post(address, headers={"HX-Request": "true"})
    hold.refresh_from_db()
    assert (answer.status_code, answer["HX-Redirect"]) == (200, f"/lessons/{hold.code}/confirmed/")


@pytest.mark.parametrize("number", ["4111111111111111", "abc", "1234"])
def test_a_number_outside_the_list_is_422_and_kept_nowhere(
    signed_in: Client, student: Any, number: str, caplog: Any
) -> None:
    """Spec: S14.1."""
    hold = held(student)
    answer = pay(signed_in, hold, number=number)
    assert answer.status_code == 422
    assert not PaymentAttempt.objects.exists()
    assert number not in caplog.text


@pytest.mark.parametrize("missing", ["terms", "address", "neighborhood", "learner"])
def test_missing_answers_are_422_with_everything_else_kept(
    signed_in: Client, student: Any, missing: str
) -> None:
    """Spec: G2."""
    hold = held(student)
    data = form(hold)
    del data[missing]
    answer = signed_in.post(f"/book/{hold.hold_id}/pay/", data)
    assert answer.status_code == 422
    assert "Second bell" in answer.content.decode()


def test_an_address_outside_the_area_names_where_the_instructor_goes(
    signed_in: Client, student: Any
) -> None:
    """Spec: S13.1."""
    from tests.factories.catalog import NeighborhoodFactory

    far = NeighborhoodFactory(name="Riverdale", borough="Bronx")
    hold = held(student)
    answer = pay(signed_in, hold, neighborhood=far.slug)
    assert answer.status_code == 422
    assert "Park Slope" in answer.content.decode()


def test_a_busy_learner_is_409(signed_in: Client, student: Any) -> None:
    """Spec: R7."""
    hold = held(student, learner=None)
    BookingFactory(student=student, start_at=hold.start_at, offering=OfferingFactory())
    assert pay(signed_in, hold).status_code == 409


def test_holds_and_lessons_of_others_do_not_exist(signed_in: Client) -> None:
    """Spec: G5."""
    other = HoldFactory(start_at=tomorrow_at(10, days=3))
    lesson = BookingFactory(start_at=tomorrow_at(14, days=3))
    for address in (
        f"/book/{other.hold_id}/",
        f"/lessons/{lesson.code}/",
        f"/lessons/{lesson.code}/cancel/",
        f"/lessons/{lesson.code}/lesson.ics",
    ):
        assert signed_in.get(address).status_code == 404
    assert signed_in.post(f"/book/{other.hold_id}/pay/", {}).status_code == 404
    assert signed_in.post(f"/book/{other.hold_id}/release/").status_code == 404


def test_cancelling_gives_exactly_what_was_shown(signed_in: Client, student: Any) -> None:
    """Spec: S11.2, C2."""
    hold = held(student)
    pay(signed_in, hold)
    hold.refresh_from_db()
    address = f"/lessons/{hold.code}/cancel/"
    assert "Visa ending 4242" in signed_in.get(address).content.decode()
    wrong = signed_in.post(
        address, {"reason": "schedule", "card_refund_cents": 1, "credit_cents": 0}
    )
    assert wrong.status_code == 409
    right = {"reason": "schedule", "card_refund_cents": hold.total_cents, "credit_cents": 0}
    assert signed_in.post(address, right).status_code == 303
    hold.refresh_from_db()
    assert (hold.status, hold.ics_sequence) == ("cancelled_student", 1)
    again = signed_in.post(address, right)
    assert again.status_code == 409
    refund = hold.payment_attempts.get(status="succeeded").refunds.get()
    assert refund.amount_cents == hold.total_cents


def test_a_started_lesson_cannot_be_cancelled(signed_in: Client, student: Any) -> None:
    """Spec: 05 section 2, edge cases."""
    lesson = BookingFactory(student=student, start_at=clock.now() - timedelta(minutes=5))
    assert signed_in.get(f"/lessons/{lesson.code}/cancel/").status_code == 409
