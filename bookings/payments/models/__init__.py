"""What was tried, charged, refunded and credited, and the ledger of it all (Spec: 08)."""

from bookings.payments.models.attempts import PaymentAttempt, Refund
from bookings.payments.models.credits import Credit, CreditUse
from bookings.payments.models.ledger import LedgerEntry, LedgerTransaction
from bookings.payments.models.offline import (
    OfflineEvent,
    OfflineIntent,
    OfflinePayee,
    OfflinePayout,
    OfflineRefund,
)
from bookings.payments.models.payouts import Payee, PayeePage, Payout, PayoutLine
from bookings.payments.models.promos import PromoChoice, PromoCode, PromoUse
from bookings.payments.models.receipts import Receipt, ReceiptCounter
from bookings.payments.models.reconciliation import Reconciliation
from bookings.payments.models.removals import GatewayRemoval
from bookings.payments.models.tax import TaxRecord
from bookings.payments.models.webhooks import WebhookEvent

__all__ = [
    "Credit",
    "CreditUse",
    "GatewayRemoval",
    "LedgerEntry",
    "LedgerTransaction",
    "OfflineEvent",
    "OfflineIntent",
    "OfflinePayee",
    "OfflinePayout",
    "OfflineRefund",
    "Payee",
    "PayeePage",
    "PaymentAttempt",
    "Payout",
    "PayoutLine",
    "PromoChoice",
    "PromoCode",
    "PromoUse",
    "Receipt",
    "ReceiptCounter",
    "Reconciliation",
    "Refund",
    "TaxRecord",
    "WebhookEvent",
]
