"""Number receipts without gaps (Spec: S11.6, S14.10)."""

from datetime import datetime

from django.db import connection, transaction

from bookings.payments.models import LedgerTransaction, Receipt
from instainstru.clock import NEW_YORK

_NEXT = """
INSERT INTO payments_receiptcounter AS counter (year, last) VALUES (%s, 1)
ON CONFLICT (year) DO UPDATE SET last = counter.last + 1 RETURNING last
"""
# In the order in which they were charged, behind the numbers that are given already.
_NUMBER_ALL = """
WITH missing AS (
  SELECT event.id, event.occurred_at,
         extract(year FROM event.occurred_at AT TIME ZONE 'America/New_York')::int AS year
  FROM payments_ledgertransaction AS event
  LEFT JOIN payments_receipt AS receipt ON receipt.event_id = event.id
  WHERE event.kind = 'charge' AND receipt.id IS NULL
), numbered AS (
  SELECT missing.id, missing.year, missing.occurred_at,
         coalesce(counter.last, 0)
           + row_number() OVER (PARTITION BY missing.year ORDER BY occurred_at, id) AS sequence
  FROM missing LEFT JOIN payments_receiptcounter AS counter ON counter.year = missing.year
), written AS (
  INSERT INTO payments_receipt (event_id, year, sequence, issued_at)
  SELECT id, year, sequence, occurred_at FROM numbered RETURNING year, sequence
)
INSERT INTO payments_receiptcounter AS counter (year, last)
SELECT year, max(sequence) FROM written GROUP BY year
ON CONFLICT (year) DO UPDATE SET last = excluded.last
"""


def issue_receipt(event: LedgerTransaction, now: datetime) -> Receipt:
    """Give a charge its number, once, in the caller's transaction.

    Payments of one year wait for each other here, so this comes last; rolling back gives the
    number back. Spec: S11.6
    """
    known = Receipt.objects.filter(event=event).first()
    if known is not None:
        return known
    year = now.astimezone(NEW_YORK).year
    with connection.cursor() as cursor:
        cursor.execute(_NEXT, [year])
        sequence = cursor.fetchone()[0]
    return Receipt.objects.create(event=event, year=year, sequence=sequence, issued_at=now)


@transaction.atomic
def number_missing_receipts() -> None:
    """Number charges that were written in bulk, in the order of their time."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE payments_receiptcounter IN EXCLUSIVE MODE")
        cursor.execute(_NUMBER_ALL)
