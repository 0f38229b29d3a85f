"""Tables for people's spreadsheets (Spec: S17.3)."""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal

from django.http import HttpResponse

from instainstru.http import mark_private

# What a spreadsheet would take for a formula, or for the start of another cell.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
Cell = str | int | Decimal


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> HttpResponse:
    """Answer with a private file called ``name``; words that look like formulas stay words."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(header)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return mark_private(response)


def _harmless(cell: Cell) -> Cell:
    is_formula = isinstance(cell, str) and cell.startswith(FORMULA_STARTS)
    return f"'{cell}" if is_formula else cell


def dollars(cents: int) -> Decimal:
    """Return cents as dollars with two decimals."""
    return Decimal(cents).scaleb(-2)
