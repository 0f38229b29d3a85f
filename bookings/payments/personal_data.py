"""What payments know about people. Spec: S6.5."""

from bookings.payments.services.pseudonyms import pseudonymise_ledger_of
from privacy.registry import Basis, Erasure, Holding, Nobody, Use, register
from privacy.replacements import CARD_DIGITS, REFERENCE

BOOKS = Use(
    purpose="To charge, refund, pay out and keep the books",
    basis=Basis.LAW,
    erasure=Erasure.RETAIN,
    retention="7 years, under a pseudonym",
    law="26 U.S.C. § 6001 and 26 CFR § 1.6001-1 (records of income)",
)

register(
    [
        Holding(
            model="payments.PaymentAttempt",
            subjects=("student",),
            use=BOOKS,
            personal={"gateway_reference": REFERENCE, "card_last4": CARD_DIGITS},
            plain=(
                "booking",
                "part_of",
                "purpose",
                "idempotency_key",
                "gateway",
                "decline_reason",
                "card_brand",
            ),
        ),
        Nobody(
            model="payments.GatewayRemoval",
            why="names of what a payment company has to forget; its own, of nobody here any more",
        ),
        Holding(
            model="payments.Refund",
            subjects=("attempt__student",),
            use=BOOKS,
            personal={"gateway_reference": REFERENCE},
            plain=("key",),
        ),
        Holding(
            model="payments.Credit",
            subjects=("user",),
            use=BOOKS,
            plain=("key", "source_booking"),
        ),
        Holding(
            model="payments.CreditUse",
            subjects=("credit__user",),
            use=BOOKS,
            plain=("attempt",),
        ),
        Holding(
            model="payments.LedgerTransaction",
            subjects=("student", "instructor__user"),
            use=BOOKS,
            plain=("booking", "key", "student_pseudonym", "instructor_pseudonym"),
            pseudonymise=pseudonymise_ledger_of,
        ),
        Holding(
            model="payments.Receipt",
            subjects=("event__student",),
            use=BOOKS,
            plain=("event",),
        ),
        Holding(
            model="payments.Payee",
            subjects=("instructor__user",),
            use=BOOKS,
            personal={"reference": REFERENCE, "bank_reference": REFERENCE, "last4": CARD_DIGITS},
            plain=("gateway", "hold_reason"),
        ),
        Holding(
            model="payments.PayeePage",
            subjects=("instructor__user",),
            use=BOOKS,
            personal={"reference": REFERENCE},
            plain=("gateway",),
        ),
        Holding(
            model="payments.Payout",
            subjects=("instructor__user",),
            use=BOOKS,
            personal={
                "payee_reference": REFERENCE,
                "gateway_reference": REFERENCE,
                "bank_last4": CARD_DIGITS,
            },
            plain=("gateway", "failure_reason"),
        ),
        Holding(
            model="payments.PayoutLine",
            subjects=("payout__instructor__user",),
            use=BOOKS,
            plain=("event",),
        ),
        Holding(
            model="payments.TaxRecord",
            subjects=("instructor__user",),
            use=Use(
                purpose="To tell the tax office what instructors were paid",
                basis=Basis.LAW,
                erasure=Erasure.RETAIN,
                retention="until 7 years after the last year with a payout; encrypted",
                law="26 U.S.C. § 6050W and 26 CFR § 1.6001-1(e) (what we report, and its records)",
            ),
            personal={"sealed": REFERENCE},
            is_left_out_of_copies=True,
        ),
        Holding(
            model="payments.PromoUse",
            subjects=("user",),
            use=BOOKS,
            plain=("promo", "attempt"),
        ),
        Holding(
            model="payments.PromoCode",
            subjects=("owner",),
            use=BOOKS,
            plain=("code", "uses_per_user"),
        ),
        Nobody(
            model="payments.PromoChoice",
            why="the code of a hold, which knows whose it is",
            plain=("booking", "promo"),
        ),
        Nobody(
            model="payments.OfflinePayee",
            why="the books of the offline gateway: test accounts, and never on PROD",
            plain=("key", "reference", "account_token", "last4"),
        ),
        Nobody(
            model="payments.OfflinePayout",
            why="the books of the offline gateway",
            plain=("key", "reference"),
        ),
        Nobody(
            model="payments.WebhookEvent",
            why="the ids and kinds of a gateway's events",
            plain=("gateway", "event_id", "kind", "reference"),
        ),
        Nobody(
            model="payments.OfflineEvent",
            why="what the offline gateway has to tell; no person is named",
            plain=("event_id", "kind", "reference"),
        ),
        Nobody(
            model="payments.Reconciliation",
            why="counts, and the gateway's references of payments that differ",
            plain=("gateway", "problems"),
        ),
        Nobody(model="payments.ReceiptCounter", why="the last number of a year"),
        Holding(
            model="payments.LedgerEntry",
            subjects=("transaction__student", "transaction__instructor__user"),
            use=BOOKS,
        ),
        Nobody(
            model="payments.OfflineIntent",
            why="the books of the offline gateway: test cards, and never on PROD",
            plain=("card_token",),
        ),
        Nobody(model="payments.OfflineRefund", why="the books of the offline gateway"),
    ]
)
