"""The entries of every money event, as pure arithmetic in cents (Spec: S14.5).

Signs: ``student_cash`` is money held, negative when it comes in; all other accounts are what is
owed or earned. The entries of one event sum to 0.
"""

from collections.abc import Mapping
from enum import StrEnum

Entries = Mapping["Account", int]


class Account(StrEnum):
    """Where money stands."""

    STUDENT_CASH = "student_cash"
    STUDENT_CREDIT = "student_credit"
    INSTRUCTOR_PAYABLE = "instructor_payable"
    PLATFORM_FEE = "platform_fee"
    REFUNDS = "refunds"
    TIPS = "tips"
    PROMO = "promo"


def percent_of(cents: int, pct: int) -> int:
    """Return ``pct`` per cent of ``cents``, rounded half to even (Spec: G9)."""
    whole, rest = divmod(cents * pct, 100)
    is_up = rest > 50 or (rest == 50 and whole % 2 == 1)  # noqa: PLR2004 - half of a hundred
    return whole + is_up


def charge_entries(
    *,
    price_cents: int,
    travel_fee_cents: int,
    fee_pct: int,
    credit_cents: int = 0,
    promo_cents: int = 0,
) -> Entries:
    """Return what a paid lesson writes: the fee is on the lesson price, travel is free of it.

    The promo and the credit part pay first, the card pays the rest. Spec: 00 §5, S14.5.
    """
    total_cents = price_cents + travel_fee_cents
    fee_cents = percent_of(price_cents, fee_pct)
    return _entries(
        {
            Account.STUDENT_CASH: promo_cents + credit_cents - total_cents,
            Account.STUDENT_CREDIT: -credit_cents,
            Account.PROMO: -promo_cents,
            Account.INSTRUCTOR_PAYABLE: total_cents - fee_cents,
            Account.PLATFORM_FEE: fee_cents,
        }
    )


def refund_entries(
    *,
    card_cents: int,
    credit_cents: int,
    instructor_reversal_cents: int,
    fee_reversal_cents: int,
    platform_cents: int = 0,
) -> Entries:
    """Return what an ordered refund writes: who gets it, and from whose share it comes.

    ``platform_cents`` is the part that the platform pays itself; negative where a promo comes
    back. Raises ``ValueError`` when the shares do not make up the refund. Spec: S14.5, 05 §4.
    """
    return _entries(
        {
            Account.REFUNDS: card_cents,
            Account.STUDENT_CREDIT: credit_cents,
            Account.INSTRUCTOR_PAYABLE: -instructor_reversal_cents,
            Account.PLATFORM_FEE: -fee_reversal_cents,
            Account.PROMO: -platform_cents,
        }
    )


def credit_exchange_entries(cents: int) -> Entries:
    """Return what it writes that unspent credit becomes money to the card (C3)."""
    return _entries({Account.STUDENT_CREDIT: -cents, Account.REFUNDS: cents})


def refund_settled_entries(card_cents: int) -> Entries:
    """Return what it writes that the gateway paid an ordered refund out (Spec: S14.5)."""
    return _entries({Account.REFUNDS: -card_cents, Account.STUDENT_CASH: card_cents})


def refund_failed_entries(card_cents: int) -> Entries:
    """Return what it writes that a paid out refund came back: it is owed again (Spec: S14.9)."""
    return _entries({Account.REFUNDS: card_cents, Account.STUDENT_CASH: -card_cents})


def orphan_charge_entries(card_cents: int) -> Entries:
    """Return what a charge without a lesson writes: all is owed back at once (Spec: S14.3)."""
    return _entries({Account.STUDENT_CASH: -card_cents, Account.REFUNDS: card_cents})


def gift_entries(credit_cents: int) -> Entries:
    """Return what a credit writes that the platform gives (Spec: S14.5, C6)."""
    return _entries({Account.STUDENT_CREDIT: credit_cents, Account.PROMO: -credit_cents})


def tip_entries(cents: int) -> Entries:
    """Return what a tip writes: all of it is the instructor's (Spec: S11.10)."""
    return _entries({Account.STUDENT_CASH: -cents, Account.TIPS: cents})


def payout_entries(*, lesson_cents: int, tip_cents: int) -> Entries:
    """Return what a payout writes; refunds of lessons paid out before make the first part less."""
    return _entries(
        {
            Account.INSTRUCTOR_PAYABLE: -lesson_cents,
            Account.TIPS: -tip_cents,
            Account.STUDENT_CASH: lesson_cents + tip_cents,
        }
    )


def _entries(amounts: Entries) -> Entries:
    if sum(amounts.values()) != 0:
        raise ValueError(f"entries must sum to 0: {dict(amounts)}")
    return {account: cents for account, cents in amounts.items() if cents}
