"""Erased people leave the books, and the books stay as they were (Spec: S6.8, S14.5)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.db import DatabaseError, IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.payments.gateways.base import GatewayTimeoutError
from bookings.payments.gateways.test import OfflineGateway
from bookings.payments.models import LedgerEntry, LedgerTransaction, Payout, Refund, TaxRecord
from bookings.payments.selectors import ledger_imbalances
from bookings.payments.services import pseudonyms, request_refund
from bookings.payments.services.payouts import make_payouts, send_payouts
from bookings.payments.services.pseudonyms import pseudonymise_ledger_of
from bookings.payments.services.refunds import settle_refunds
from bookings.payments.services.tax_records import make_tax_records, read_tax_record
from bookings.payments.years import years_of
from catalog.models import Instructor
from instainstru import clock, invariants
from privacy import registry
from privacy.registry import Basis, DeclarationError, Erasure, Pseudonymised, Use
from tests.bookings.payments.test_payouts import ready, taught
from tests.factories import payments as make
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.S6, pytest.mark.S14, pytest.mark.django_db]

NAME, OTHER = "former-7K3M9Q0000", "former-0000000000"
MIDYEAR, NEXT_YEAR = (datetime(*day, 15, tzinfo=UTC) for day in ((2027, 6, 10), (2028, 1, 2)))
Books = list[tuple[Any, ...]]


def books() -> Books:
    """Everything that the ledger says but for who it is about."""
    columns = ("key", "kind", "booking", "occurred_at", "entries__account", "entries__amount_cents")
    return sorted(LedgerTransaction.objects.values_list("pk", *columns), key=str)


def give_back(lesson: Booking) -> Refund | None:
    return request_refund(
        booking_id=lesson.pk,
        key=f"back:{lesson.pk}",
        amount_cents=9500,
        credit_cents=0,
        instructor_keeps_cents=0,
        fee_keeps_cents=0,
        policy=lesson.policy,
        now=clock.now(),
    )


def paid_out(instructor: Instructor) -> Booking:
    lesson = taught(instructor)
    make_payouts(clock.now())
    send_payouts(clock.now())
    assert Payout.objects.get().status == "paid"
    return lesson


def names_of(side: str) -> set[tuple[int | None, str]]:
    return set(LedgerTransaction.objects.values_list(f"{side}_id", f"{side}_pseudonym"))


def broken() -> list[str]:
    return [text for texts in invariants.violations().values() for text in texts]


def test_a_student_gives_place_to_a_pseudonym_and_nothing_else_changes() -> None:
    """S6.8: retained, under a random pseudonym."""
    instructor = ready()
    lesson = taught(instructor)
    other = taught(instructor, end_at=lesson.end_at - timedelta(days=3))
    make.give_credit(lesson.student, 1000)
    before, violations = books(), broken()
    assert pseudonymise_ledger_of(lesson.student_id, NAME) == Pseudonymised(changed=2, left=0)
    assert books() == before
    assert broken() == violations
    assert names_of("student") == {(None, NAME), (other.student_id, "")}
    assert names_of("instructor") == {(instructor.pk, ""), (None, "")}


def test_a_second_run_finds_nothing_and_goes_on_where_the_first_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pseudonyms, "BATCH_SIZE", 2)
    student = UserFactory()
    for number in range(5):
        make.give_credit(student, 1000, key=f"gift-{number}")
    first = LedgerTransaction.objects.order_by("pk").first()
    assert first is not None
    LedgerTransaction.objects.filter(pk=first.pk).update(student=None, student_pseudonym=NAME)
    assert pseudonymise_ledger_of(student.pk, NAME) == Pseudonymised(changed=4, left=0)
    assert pseudonymise_ledger_of(student.pk, NAME) == Pseudonymised(changed=0, left=0)
    assert names_of("student") == {(None, NAME)}


def test_what_an_instructor_is_still_owed_leads_to_them_until_it_is_paid() -> None:
    """S6.11: unsettled money continues."""
    instructor = ready()
    user_id = instructor.user_id
    lesson = taught(instructor)
    assert pseudonymise_ledger_of(user_id, NAME) == Pseudonymised(changed=0, left=1)
    make_payouts(clock.now())
    assert pseudonymise_ledger_of(user_id, NAME) == Pseudonymised(changed=0, left=1)
    assert send_payouts(clock.now()) == 1
    before = books()
    assert pseudonymise_ledger_of(user_id, NAME) == Pseudonymised(changed=2, left=0)
    assert books() == before
    assert names_of("instructor") == {(None, NAME)}
    assert lesson.student_id in {row[0] for row in names_of("student")}


def test_a_lesson_that_came_to_nothing_waits_for_no_payout() -> None:
    instructor = ready()
    give_back(taught(instructor))
    found = pseudonymise_ledger_of(instructor.user_id, NAME)
    assert found == Pseudonymised(changed=2, left=0)


def test_what_an_instructor_owes_is_no_reason_to_wait() -> None:
    """S14.6: it was to be taken from the next payouts, never from the bank."""
    instructor = ready()
    give_back(paid_out(instructor))
    found = pseudonymise_ledger_of(instructor.user_id, NAME)
    assert found == Pseudonymised(changed=3, left=0)


def test_what_the_law_wants_of_the_years_is_kept_before_they_go() -> None:
    """S6.8, S14.12: the running year too; nobody can add it up afterwards."""
    instructor = ready()
    paid_out(instructor)
    years = years_of(instructor)
    pseudonymise_ledger_of(instructor.user_id, NAME)
    sheets = [read_tax_record(row) for row in TaxRecord.objects.filter(instructor=instructor)]
    assert [sheet.figures for sheet in sheets] == years
    assert [sheet.identity.legal_name for sheet in sheets if sheet.identity] == ["Test Payee 6789"]


@time_machine.travel(MIDYEAR)
def test_a_record_keeps_what_went_and_adds_what_followed() -> None:
    """S14.12, S6.11: events that come after an erasure count too, and each of them once."""
    instructor = ready()
    paid_out(instructor)
    pseudonymise_ledger_of(instructor.user_id, NAME)
    before = read_tax_record(TaxRecord.objects.get())
    taught(instructor)
    make_payouts(MIDYEAR + timedelta(days=7))
    send_payouts(MIDYEAR + timedelta(days=7))
    assert set(Payout.objects.values_list("status", flat=True)) == {"paid"}
    for _ in range(2):
        pseudonymise_ledger_of(instructor.user_id, NAME)
        assert make_tax_records(NEXT_YEAR) == 0
    after = read_tax_record(TaxRecord.objects.get())
    first, both = before.figures, after.figures
    assert (both.lessons, both.gross_cents) == (2, 2 * first.gross_cents)
    assert both.gross_by_month == tuple(2 * cents for cents in first.gross_by_month)
    assert (both.fee_cents, both.earned_cents) == (2 * first.fee_cents, 2 * first.earned_cents)
    assert (both.payouts, both.paid_cents) == (2, 16300)
    assert after.identity == before.identity


def test_who_is_in_a_year_without_a_record_stays_until_it_has_one() -> None:
    """S14.12: an event that came between the record and the deed."""
    instructor = ready()
    paid_out(instructor)
    with patch.object(pseudonyms, "keep_tax_records_of"):
        found = pseudonymise_ledger_of(instructor.user_id, NAME)
    assert found == Pseudonymised(changed=0, left=2)
    assert pseudonymise_ledger_of(instructor.user_id, NAME) == Pseudonymised(changed=2, left=0)


def test_nothing_goes_while_the_gateway_cannot_be_asked() -> None:
    instructor = ready()
    paid_out(instructor)
    with (
        patch.object(OfflineGateway, "fetch_tax_details", side_effect=GatewayTimeoutError),
        pytest.raises(GatewayTimeoutError),
    ):
        pseudonymise_ledger_of(instructor.user_id, NAME)
    assert names_of("instructor") == {(instructor.pk, "")}
    assert not TaxRecord.objects.exists()


def test_later_events_of_the_lesson_go_on_under_the_pseudonyms() -> None:
    """S6.11: nobody who was erased comes back with a refund."""
    instructor = ready()
    lesson = paid_out(instructor)
    pseudonymise_ledger_of(lesson.student_id, NAME)
    pseudonymise_ledger_of(instructor.user_id, OTHER)
    give_back(lesson)
    assert settle_refunds(clock.now()) == 1
    rows = LedgerTransaction.objects.filter(booking=lesson).order_by("pk")
    columns = ("kind", "student", "student_pseudonym", "instructor", "instructor_pseudonym")
    assert list(rows.values_list(*columns)) == [
        (kind, None, NAME, None, OTHER) for kind in ("charge", "refund", "refund_settled")
    ]
    assert broken() == []


@pytest.mark.parametrize(
    "pseudonym",
    ["", "Maya Cohen", "maya@example.com", "former-", "former-maya", "17", "former-A\n", NAME * 4],
)
def test_what_may_name_somebody_is_no_pseudonym(pseudonym: str) -> None:
    lesson = taught(ready())
    with pytest.raises(ValueError, match="says nothing"):
        pseudonymise_ledger_of(lesson.student_id, pseudonym)
    with pytest.raises(DatabaseError), transaction.atomic():
        LedgerTransaction.objects.update(student=None, student_pseudonym=pseudonym or "x")
    assert names_of("student") == {(lesson.student_id, "")}


def attack(change: str, *, table: str = "payments_ledgertransaction") -> None:
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"UPDATE {table} SET {change}")


GOES = f"student_id = NULL, student_pseudonym = '{NAME}'"
SPOILED = {
    "id": "id + 1000",
    "kind": "'gift'",
    "key": "key || 'x'",
    "booking_id": "NULL",
    "occurred_at": "occurred_at + interval '1 second'",
    "instructor_id": "NULL",
    "instructor_pseudonym": f"'{OTHER}'",
}


def test_every_column_is_attacked() -> None:
    """A new one comes into the list, or this fails."""
    columns = {field.column for field in LedgerTransaction._meta.concrete_fields}
    assert columns == SPOILED.keys() | {"student_id", "student_pseudonym"}


@pytest.mark.parametrize("column", SPOILED)
@pytest.mark.parametrize("rest", ["", f", {GOES}"])
def test_no_other_column_changes_alone_or_beside_the_pseudonym(column: str, rest: str) -> None:
    """S14.5."""
    taught(ready())
    attack(f"{column} = {SPOILED[column]}{rest}")


@pytest.mark.parametrize(
    "change",
    [
        "student_id = NULL",
        f"student_pseudonym = '{NAME}'",
        "student_id = student_id",
        "kind = kind",
        "student_id = (SELECT max(id) FROM accounts_user)",
        f"instructor_pseudonym = '{NAME}', student_id = NULL",
        f"instructor_id = NULL, instructor_pseudonym = '{NAME}', student_id = NULL",
    ],
)
def test_a_person_goes_only_for_a_pseudonym(change: str) -> None:
    taught(ready())
    UserFactory()
    attack(change)


@pytest.mark.parametrize(
    "change",
    [
        "student_id = {user}, student_pseudonym = ''",
        "student_id = {user}",
        "student_pseudonym = ''",
        f"student_pseudonym = '{OTHER}'",
        f"student_pseudonym = '{NAME}'",
    ],
)
def test_it_happens_once_and_never_back(change: str) -> None:
    lesson = taught(ready())
    pseudonymise_ledger_of(lesson.student_id, NAME)
    attack(change.format(user=lesson.student_id))


@pytest.mark.parametrize("table", ["payments_ledgertransaction", "payments_ledgerentry"])
def test_nothing_is_ever_deleted(table: str) -> None:
    lesson = taught(ready())
    pseudonymise_ledger_of(lesson.student_id, NAME)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"DELETE FROM {table}")


@pytest.mark.parametrize(
    "change", ["amount_cents = -amount_cents", "account = 'tips'", "transaction_id = 0", "id = -id"]
)
def test_entries_change_never(change: str) -> None:
    taught(ready())
    attack(change, table="payments_ledgerentry")


def test_an_event_cannot_name_both_a_person_and_a_pseudonym() -> None:
    student = UserFactory()
    with pytest.raises(IntegrityError, match="ledger_student_or_pseudonym"), transaction.atomic():
        LedgerTransaction.objects.create(
            kind="gift", key="g", student=student, student_pseudonym=NAME, occurred_at=clock.now()
        )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    events=st.lists(st.tuples(st.integers(0, 2), st.integers(1, 50_00)), max_size=12),
    gone=st.lists(st.integers(0, 2), max_size=4),
)
def test_sums_hold_whoever_goes_and_in_whichever_order(
    events: list[tuple[int, int]], gone: list[int]
) -> None:
    with transaction.atomic():
        people: list[User] = [UserFactory() for _ in range(3)]
        for number, (who, cents) in enumerate(events):
            make.give_credit(people[who], cents, key=f"gift-{number}")
        before = books()
        for who in gone:
            pseudonymise_ledger_of(people[who].pk, f"former-00000{who}")
        assert books() == before
        assert ledger_imbalances() == []
        left = LedgerTransaction.objects.exclude(student=None).values_list("student", flat=True)
        assert {people[who].pk for who in gone}.isdisjoint(left)
        assert sum(LedgerEntry.objects.values_list("amount_cents", flat=True)) == 0
        transaction.set_rollback(True)


def test_erasing_finds_what_to_call_in_the_registry() -> None:
    assert registry.pseudonymisers()["payments.LedgerTransaction"] is pseudonymise_ledger_of


def test_only_what_is_retained_gets_a_pseudonym() -> None:
    use = Use(purpose="t", basis=Basis.CONTRACT, erasure=Erasure.DELETE, retention="a day")
    holding = registry.declared("payments.LedgerTransaction")
    assert isinstance(holding, registry.Holding)
    change: Callable[[], object] = lambda: replace(holding, use=use)  # noqa: E731
    with pytest.raises(DeclarationError, match="retained"):
        change()
