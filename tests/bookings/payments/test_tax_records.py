"""What the law wants known of instructors' years, encrypted and no longer (Spec: S14.12, S6.8)."""

import csv
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from cryptography.fernet import InvalidToken
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from accounts.models import AuditEvent
from accounts.roles import Role
from bookings.payments.checks import check_tax_record_keys
from bookings.payments.entries import charge_entries, payout_entries, refund_entries, tip_entries
from bookings.payments.gateways.base import GatewayTimeoutError
from bookings.payments.gateways.test import OfflineGateway
from bookings.payments.models import LedgerEntry, LedgerTransaction, Payee, Payout, TaxRecord
from bookings.payments.services.ledger import post_event
from bookings.payments.services.payees import set_payout_details
from bookings.payments.services.tax_records import (
    keep_tax_records_of,
    make_own_tax_records,
    make_tax_records,
    purge_tax_records,
    read_tax_record,
    reseal_tax_records,
)
from bookings.payments.years import years_of
from catalog.models import Instructor
from instainstru import clock
from instainstru.clock import NEW_YORK
from instainstru.errors import ConflictError, ForbiddenError
from privacy import registry
from tests.bookings.payments.conftest import in_parallel
from tests.bookings.payments.test_payouts import TAKES, ready, teacher
from tests.factories.staff import at_work, staff

pytestmark = [pytest.mark.S14, pytest.mark.S6, pytest.mark.django_db]
LIST = "/admin/payments/taxrecord/"
CSV = f"{LIST}csv/"
NEW_YEAR = datetime(2026, 1, 1, 5, tzinfo=UTC)  # Midnight in New York.
IN_2025 = datetime(2025, 6, 10, 15, tzinfo=UTC)


def charged(instructor: Instructor, at: datetime, key: str = "c", **cents: int) -> None:
    amounts = {"price_cents": 9000, "travel_fee_cents": 500, "fee_pct": 15, **cents}
    with transaction.atomic():
        post_event(
            kind="charge",
            key=f"{key}:{instructor.pk}:{at}",
            entries=charge_entries(**amounts),
            occurred_at=at,
            instructor_id=instructor.pk,
        )


def paid(instructor: Instructor, at: datetime, cents: int = 8150) -> None:
    Payout.objects.create(
        instructor=instructor, payday=at.date(), amount_cents=cents, status="paid", paid_at=at
    )


def with_year(at: datetime = IN_2025) -> Instructor:
    instructor = ready()
    charged(instructor, at)
    paid(instructor, at + timedelta(days=7))
    return instructor


# --- The figures ----------------------------------------------------------------------------------
def test_the_law_s_figures_of_the_example() -> None:
    """S14.5's lesson: $95 gross, $13.50 fee, $81.50 earned, and half of it given back."""
    instructor = with_year()
    with transaction.atomic():
        post_event(
            kind="tip", key="t", entries=tip_entries(1000), instructor_id=instructor.pk,
            occurred_at=datetime(2025, 7, 1, 3, tzinfo=UTC),
        )  # fmt: skip
        half = refund_entries(
            card_cents=4750, credit_cents=0, instructor_reversal_cents=4075, fee_reversal_cents=675
        )
        post_event(
            kind="refund", key="r", entries=half, instructor_id=instructor.pk, occurred_at=IN_2025
        )
    assert make_tax_records(NEW_YEAR) == 1
    sheet = read_tax_record(TaxRecord.objects.get())
    told = sheet.figures
    assert [told] == years_of(instructor)
    assert (told.year, told.lessons, told.payments, told.payouts) == (2025, 1, 2, 1)
    assert (told.gross_cents, told.refund_cents, told.tip_cents) == (10500, -4750, 1000)
    assert (told.fee_cents, told.earned_cents, told.paid_cents) == (675, 5075, 8150)
    # Three in the morning in London is still June in New York.
    assert told.gross_by_month == (0,) * 5 + (10500,) + (0,) * 6
    assert sheet.identity is not None
    assert (sheet.identity.legal_name, sheet.identity.tax_id_last4) == ("Test Payee 6789", "9876")


MOMENTS = st.datetimes(datetime(2023, 12, 30), datetime(2026, 1, 3), timezones=st.just(UTC))  # noqa: DTZ001
EVENTS = st.lists(
    st.tuples(
        MOMENTS, st.sampled_from(["charge", "tip", "refund", "payout"]), st.integers(0, 90_000)
    ),
    max_size=15,
)


def _entries(kind: str, cents: int) -> Any:
    return {
        "charge": lambda: charge_entries(price_cents=cents, travel_fee_cents=500, fee_pct=15),
        "tip": lambda: tip_entries(cents + 1),
        "refund": lambda: refund_entries(
            card_cents=2 * cents + 2, credit_cents=0, instructor_reversal_cents=2 * cents + 1,
            fee_reversal_cents=1,
        ),
        "payout": lambda: payout_entries(lesson_cents=cents + 1, tip_cents=0),
    }[kind]()  # fmt: skip


@examples(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(events=EVENTS)
def test_figures_equal_the_sums_of_the_ledger(events: list[tuple[datetime, str, int]]) -> None:
    """S14.12, S14.5: whatever happened, and on whichever side of midnight in New York."""
    with transaction.atomic():
        instructor = teacher()
        for number, (at, kind, cents) in enumerate(events):
            post_event(
                kind=kind, key=f"e{number}", entries=_entries(kind, cents), occurred_at=at,
                instructor_id=instructor.pk,
            )  # fmt: skip
            if kind == "payout":
                Payout.objects.create(
                    instructor=instructor, payday=date(2020, 1, 1) + timedelta(days=number),
                    amount_cents=cents + 1, status="paid", paid_at=at,
                )  # fmt: skip
        years = years_of(instructor)
        assert {one.year for one in years} == {at.astimezone(NEW_YORK).year for at, _, _ in events}
        for told in years:
            here = [one for one in events if one[0].astimezone(NEW_YORK).year == told.year]
            moments = [at for at, _, _ in here]
            rows = LedgerEntry.objects.filter(transaction__occurred_at__in=moments)
            own = rows.exclude(transaction__kind="payout")

            def total(*accounts: str, rows: Any = own) -> int:
                found = rows.filter(account__in=accounts).aggregate(cents=Sum("amount_cents"))
                return found["cents"] or 0

            assert told.fee_cents == total("platform_fee")
            assert told.tip_cents == total("tips")
            assert told.earned_cents == total("instructor_payable", "tips")
            assert told.gross_cents + told.refund_cents - told.fee_cents == told.earned_cents
            assert told.gross_cents == -total(
                "student_cash", rows=own.filter(transaction__kind__in=["charge", "tip"])
            )
            assert told.refund_cents == -total("refunds")
            assert sum(told.gross_by_month) == told.gross_cents
            assert told.payments == sum(kind in {"charge", "tip"} for _, kind, _ in here)
            assert told.paid_cents == total(
                "student_cash", rows=rows.filter(transaction__kind="payout")
            )
            assert told.payouts == sum(kind == "payout" for _, kind, _ in here)
        transaction.set_rollback(True)


# --- Making them ----------------------------------------------------------------------------------
def test_a_second_run_changes_nothing() -> None:
    with_year()
    teacher()
    assert make_tax_records(NEW_YEAR) == 1
    before = TaxRecord.objects.values().get()
    assert make_tax_records(NEW_YEAR + timedelta(days=9)) == 0
    assert TaxRecord.objects.values().get() == before


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_make_one_row() -> None:
    with_year()
    runs: list[Callable[[], Any]] = [lambda: make_tax_records(NEW_YEAR)] * 4
    assert sorted(in_parallel(runs)) == [0, 0, 0, 1]
    assert TaxRecord.objects.count() == 1


def test_the_database_holds_one_row_a_year() -> None:
    instructor = with_year()
    make_tax_records(NEW_YEAR)
    row = TaxRecord.objects.get()
    with pytest.raises(IntegrityError, match="tax_record_one_a_year"), transaction.atomic():
        TaxRecord.objects.create(
            instructor=instructor, year=2025, sealed=row.sealed, purge_on=row.purge_on
        )


@pytest.mark.parametrize(("now", "made"), [(NEW_YEAR - timedelta(seconds=1), 0), (NEW_YEAR, 1)])
def test_the_year_ends_at_midnight_in_new_york(now: datetime, made: int) -> None:
    with_year()
    assert make_tax_records(now) == made


def test_a_year_that_is_not_over_is_refused() -> None:
    with_year()
    with pytest.raises(ValueError, match="2026 is not over"):
        make_tax_records(NEW_YEAR, year=2026)
    with pytest.raises(CommandError, match="not over"):
        call_command("make_tax_records", year=9999)
    assert not TaxRecord.objects.exists()


def test_an_earlier_year_can_be_made_up_for() -> None:
    with_year()
    assert make_tax_records(NEW_YEAR.replace(year=2027)) == 0
    call_command("make_tax_records", year=2025)
    assert TaxRecord.objects.get().year == 2025


def test_who_cannot_be_asked_for_comes_with_the_next_run_and_holds_up_nobody() -> None:
    first, second = with_year(), with_year()
    ask = OfflineGateway.fetch_tax_details

    def silent(gateway: OfflineGateway, *, reference: str) -> Any:
        if reference == first.payee.reference:
            raise GatewayTimeoutError
        return ask(gateway, reference=reference)

    with patch.object(OfflineGateway, "fetch_tax_details", silent):
        assert make_tax_records(NEW_YEAR) == 1
    assert TaxRecord.objects.get().instructor == second
    assert make_tax_records(NEW_YEAR) == 1


def test_who_somebody_is_can_come_later_and_the_sums_stay() -> None:
    instructor = teacher()
    charged(instructor, IN_2025)
    assert make_tax_records(NEW_YEAR) == 1
    before = read_tax_record(TaxRecord.objects.get())
    assert before.identity is None
    set_payout_details(by=instructor.user, account_number=TAKES)
    assert make_tax_records(NEW_YEAR) == 0
    after = TaxRecord.objects.get()
    assert after.identified_at == NEW_YEAR
    found = read_tax_record(after)
    assert found.identity is not None
    assert found.figures == before.figures


# --- Encrypted at rest ----------------------------------------------------------------------------
def test_the_table_holds_no_plain_word() -> None:
    """S6.8: encrypted; neither the name nor the number nor a sum can be read."""
    with_year()
    make_tax_records(NEW_YEAR)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM payments_taxrecord AS t")
        raw = cursor.fetchone()[0]
    for plain in ("Test Payee", "6789", "9876", "9500", "legal_name", "figures"):
        assert plain not in raw
    with pytest.raises(IntegrityError, match="tax_record_is_sealed"), transaction.atomic():
        TaxRecord.objects.update(sealed='{"identity": null}')


def test_keys_can_be_changed(settings: LazySettings) -> None:
    settings.TAX_RECORD_KEYS = ["old" * 11]
    with_year()
    make_tax_records(NEW_YEAR)
    told = read_tax_record(TaxRecord.objects.get())
    settings.TAX_RECORD_KEYS = ["new" * 11, "old" * 11]
    assert read_tax_record(TaxRecord.objects.get()) == told
    call_command("make_tax_records", reseal=True)
    settings.TAX_RECORD_KEYS = ["new" * 11]
    assert read_tax_record(TaxRecord.objects.get()) == told
    settings.TAX_RECORD_KEYS = ["old" * 11]
    with pytest.raises(ConflictError):
        read_tax_record(TaxRecord.objects.get())
    with pytest.raises(InvalidToken):
        reseal_tax_records()


@pytest.mark.parametrize(
    ("keys", "is_prod", "is_fine"),
    [
        ([], False, True),
        ([], True, False),
        (["k" * 31], False, False),
        (["k" * 32], True, True),
        (["k" * 32, "short"], True, False),
    ],
)
def test_keys_are_checked_at_the_start(
    settings: LazySettings, keys: list[str], is_prod: bool, is_fine: bool
) -> None:
    settings.TAX_RECORD_KEYS, settings.IS_PROD = keys, is_prod
    assert (check_tax_record_keys(None) == []) is is_fine


# --- How long -------------------------------------------------------------------------------------
def test_it_is_removed_on_its_day_and_not_before() -> None:
    """S6.8: 7 years after the last year with a payout."""
    with_year()
    make_tax_records(NEW_YEAR)
    assert TaxRecord.objects.get().purge_on == date(2033, 1, 1)
    midnight = datetime(2033, 1, 1, tzinfo=NEW_YORK)
    assert purge_tax_records(midnight - timedelta(seconds=1)) == 0
    assert purge_tax_records(midnight) == 1
    assert not TaxRecord.objects.exists()


def test_a_later_payout_keeps_the_earlier_years_too() -> None:
    instructor = with_year()
    make_tax_records(NEW_YEAR)
    paid(instructor, datetime(2027, 3, 2, 15, tzinfo=UTC))
    make_tax_records(datetime(2028, 1, 2, 15, tzinfo=UTC))
    found = dict(TaxRecord.objects.values_list("year", "purge_on"))
    assert found == {2025: date(2035, 1, 1), 2027: date(2035, 1, 1)}


def test_a_record_that_was_removed_stays_away(settings: LazySettings) -> None:
    """S6.8: neither the button nor a payout of many years later brings it back."""
    instructor = with_year(datetime(2014, 6, 10, 15, tzinfo=UTC))
    make_tax_records(datetime(2015, 1, 2, 12, tzinfo=UTC))
    assert purge_tax_records(datetime(2022, 1, 2, 12, tzinfo=UTC)) == 1
    charged(instructor, IN_2025)
    paid(instructor, IN_2025)
    reason = "They asked for it today."
    assert make_own_tax_records(by=staff(Role.FINANCE), payee=instructor.payee, reason=reason) == 1
    assert list(TaxRecord.objects.values_list("year", flat=True)) == [2025]


def test_a_payout_in_time_keeps_what_was_never_written() -> None:
    """S6.8: a year whose record waited belongs to those that a later payout keeps."""
    instructor = with_year(datetime(2016, 6, 10, 15, tzinfo=UTC))
    paid(instructor, datetime(2023, 6, 10, 15, tzinfo=UTC))
    keep_tax_records_of(instructor, now=NEW_YEAR)
    found = dict(TaxRecord.objects.values_list("year", "purge_on"))
    assert found == {2016: date(2031, 1, 1), 2023: date(2031, 1, 1)}


def test_a_record_of_the_running_year_gets_what_moved_after_it() -> None:
    """S14.12, S6.8: made because somebody leaves, who was owed more by then."""
    instructor = with_year()
    keep_tax_records_of(instructor, now=IN_2025 + timedelta(days=8))
    row = TaxRecord.objects.get()
    before = read_tax_record(row)
    charged(instructor, IN_2025 + timedelta(days=9), key="later")
    # Who they are was told then; the gateway may know nothing of them any more.
    with patch.object(OfflineGateway, "fetch_tax_details", side_effect=GatewayTimeoutError):
        assert make_tax_records(NEW_YEAR) == 0
    row.refresh_from_db()
    after = read_tax_record(row)
    assert (before.figures.gross_cents, after.figures.gross_cents) == (9500, 19000)
    assert after.identity == before.identity
    assert row.made_at == NEW_YEAR
    # When the books have forgotten whose the money was, the record stays as it is.
    TaxRecord.objects.update(made_at=IN_2025)
    LedgerTransaction.objects.filter(instructor=instructor).update(
        instructor=None, instructor_pseudonym="former-" + "A" * 26
    )
    make_tax_records(NEW_YEAR)
    row.refresh_from_db()
    assert read_tax_record(row).figures.gross_cents == 19000


def test_it_is_declared_with_its_law() -> None:
    """S6.5."""
    found = registry.declared("payments.TaxRecord")
    assert isinstance(found, registry.Holding)
    assert (found.use.erasure, found.is_left_out_of_copies) == (registry.Erasure.RETAIN, True)
    assert "6050W" in found.use.law


# --- Staff ----------------------------------------------------------------------------------------
def page() -> str:
    return f"{LIST}{TaxRecord.objects.get().pk}/change/"


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.MODERATOR, Role.ANALYST, Role.INSTRUCTOR])
def test_nobody_else_sees_any_of_it(role: Role) -> None:
    """S6.8: only payouts.manage."""
    with_year()
    make_tax_records(NEW_YEAR)
    desk = at_work(staff(role))
    for address in (LIST, page(), CSV):
        assert desk.get(address).status_code == 403


@pytest.mark.parametrize("role", [Role.FINANCE, Role.ADMIN])
def test_finance_reads_it_and_each_look_is_written_down(role: Role) -> None:
    instructor = with_year()
    make_tax_records(NEW_YEAR)
    person = staff(role)
    desk = at_work(person)
    assert desk.get(LIST).status_code == 200
    assert not AuditEvent.objects.filter(action="taxrecord.read").exists()
    for _ in range(2):
        text = desk.get(page()).content.decode()
    for words in ("Test Payee 6789", "ends in 9876", "$95.00", "$81.50"):
        assert words in text
    looks = AuditEvent.objects.filter(action="taxrecord.read", actor=person)
    assert list(looks.values_list("subject", flat=True)) == [instructor.user_id] * 2


def test_it_is_read_only() -> None:
    with_year()
    make_tax_records(NEW_YEAR)
    desk = at_work(staff(Role.FINANCE))
    before = TaxRecord.objects.values().get()
    assert desk.post(page(), {"year": "1999", "reason": "Because I want to."}).status_code == 403
    assert desk.get(f"{LIST}add/").status_code == 404
    assert TaxRecord.objects.values().get() == before


def test_what_no_key_opens_says_so(settings: LazySettings) -> None:
    with_year()
    make_tax_records(NEW_YEAR)
    settings.TAX_RECORD_KEYS = ["other" * 7]
    desk = at_work(staff(Role.FINANCE))
    answer = desk.get(page())
    assert answer.status_code == 200
    assert "No key of this site opens it" in answer.content.decode()
    assert desk.get(f"{CSV}?year=2025").status_code == 409


def test_file_holds_a_line_for_each_and_no_formula() -> None:
    """S17.3, S5.7: words that look like formulas stay words; every line is a look."""
    instructor, person = with_year(), staff(Role.FINANCE)
    with patch.object(OfflineGateway, "fetch_tax_details") as ask:
        ask.side_effect = _formula
        make_tax_records(NEW_YEAR)
    answer = at_work(person).get(f"{CSV}?year=2025")
    assert "no-store" in answer["Cache-Control"]
    rows = list(csv.DictReader(StringIO(answer.content.decode())))
    assert [row["Instructor"] for row in rows] == [instructor.slug]
    assert rows[0]["Legal name"] == "'=1+1"
    assert (rows[0]["Gross"], rows[0]["June"], rows[0]["May"]) == ("95.00", "95.00", "0.00")
    assert (rows[0]["Fees"], rows[0]["Payouts"], rows[0]["Paid out"]) == ("13.50", "1", "81.50")
    looks = AuditEvent.objects.filter(action="taxrecord.exported", actor=person)
    assert list(looks.values_list("subject", flat=True)) == [instructor.user_id]


def _formula(*, reference: str) -> Any:
    from bookings.payments.gateways.base import GatewayTaxDetails

    return GatewayTaxDetails(reference=reference, legal_name="=1+1", has_tax_id=True)


@pytest.mark.parametrize(("year", "status"), [("", 200), ("2025", 200), ("x", 422), ("²0²5", 422)])
def test_file_takes_a_year(year: str, status: int) -> None:
    assert at_work(staff(Role.FINANCE)).get(CSV, {"year": year}).status_code == status


def test_file_asks_who_signed_in_long_ago_again() -> None:
    answer = at_work(staff(Role.FINANCE), is_fresh=False).get(CSV)
    assert answer.status_code == 302
    assert "/accounts/reauthenticate/" in answer["Location"]


def test_finance_makes_them_for_one_instructor() -> None:
    instructor, person = with_year(), staff(Role.FINANCE)
    address = f"/admin/payments/payee/{Payee.objects.get().pk}/tax-records/"
    with time_machine.travel(NEW_YEAR + timedelta(days=100)):
        answer = at_work(person).post(address, {"reason": "They asked for it today."})
    assert answer.status_code == 302
    assert TaxRecord.objects.get().instructor == instructor
    event = AuditEvent.objects.get(action="tax_records.made")
    assert (event.actor, event.subject, event.after) == (person, instructor.user, {"records": 1})


def test_only_finance_makes_them_and_nobody_their_own() -> None:
    instructor = with_year()
    reason = "They asked for it today."
    with pytest.raises(ForbiddenError):
        make_own_tax_records(by=staff(Role.SUPPORT), payee=instructor.payee, reason=reason)
    both = staff(Role.FINANCE)
    Instructor.objects.filter(pk=instructor.pk).update(user=both)
    with pytest.raises(ForbiddenError, match="concerns you"):
        make_own_tax_records(by=both, payee=Payee.objects.get(), reason=reason)
    assert not TaxRecord.objects.exists()


def test_the_running_year_waits(settings: LazySettings) -> None:
    instructor = with_year(clock.now() - timedelta(seconds=1))
    reason = "They asked for it today."
    assert make_own_tax_records(by=staff(Role.FINANCE), payee=instructor.payee, reason=reason) == 0
