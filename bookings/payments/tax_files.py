"""A year's tax records as a table for finance (Spec: S14.12, S17.3)."""

import calendar

from django.db import transaction

from accounts.audit import record_event
from accounts.models import User
from accounts.permissions import require_permission
from bookings.payments.gateways.base import GatewayTaxDetails
from bookings.payments.models import TaxRecord
from bookings.payments.services.tax_records import MANAGE, TaxSheet, read_tax_record
from instainstru import clock
from instainstru.clock import NEW_YORK
from instainstru.csv_files import Cell, dollars
from instainstru.errors import ValidationFailedError

TAX_COLUMNS = (
    "Year", "Instructor", "Legal name", "Kind", "Tax number", "Payments", "Gross",
    *calendar.month_name[1:], "Given back", "Fees", "Earned", "Payouts", "Paid out",
)  # fmt: skip
EXPORTED = "taxrecord.exported"


@transaction.atomic
def export_tax_records(*, by: User, year: str) -> list[list[Cell]]:
    """Return a line for each record of a year, the last one where none is told.

    For each line it is written down who read it. Raises ``ValidationFailedError`` for what is no
    year, ``ConflictError`` when no key opens a record.
    """
    require_permission(by, MANAGE)
    if year and not (year.isascii() and year.isdigit() and len(year) == len("2026")):
        raise ValidationFailedError("A year has four digits.", fields={"year": "2026"})
    wanted = int(year) if year else clock.now().astimezone(NEW_YORK).year - 1
    rows = TaxRecord.objects.filter(year=wanted).select_related("instructor__user")
    lines = []
    for row in rows.order_by("instructor__slug"):
        record_event(EXPORTED, by=by, on=row, subject=row.instructor.user, after={"year": wanted})
        lines.append(_line(row, read_tax_record(row)))
    return lines


def _line(row: TaxRecord, sheet: TaxSheet) -> list[Cell]:
    told, money = sheet.identity, sheet.figures
    return [
        row.year,
        row.instructor.slug,
        told.legal_name if told else "",
        ("company" if told.is_company else "person") if told else "",
        tax_id_words(told),
        money.payments,
        dollars(money.gross_cents),
        *map(dollars, money.gross_by_month),
        dollars(money.refund_cents),
        dollars(money.fee_cents),
        dollars(money.earned_cents),
        money.payouts,
        dollars(money.paid_cents),
    ]


def tax_id_words(told: GatewayTaxDetails | None) -> str:
    """Say where the whole number is found, and how it ends if the gateway told that."""
    if told is None or not told.has_tax_id:
        return "not known"
    ending = f"ends in {told.tax_id_last4}, " if told.tax_id_last4 else ""
    return f"{ending}kept with {told.reference}"
