"""The arithmetic of the ledger, row by row of its table."""

import pytest

from bookings.payments.entries import (
    Account,
    charge_entries,
    gift_entries,
    orphan_charge_entries,
    percent_of,
    refund_entries,
    refund_settled_entries,
)

pytestmark = pytest.mark.S14
LESSON = {"price_cents": 9000, "travel_fee_cents": 500, "fee_pct": 15}


def test_charge_row() -> None:
    """S14.5: charge."""
    assert charge_entries(**LESSON) == {
        Account.STUDENT_CASH: -9500,
        Account.INSTRUCTOR_PAYABLE: 8150,
        Account.PLATFORM_FEE: 1350,
    }


def test_promo_and_credit_pay_before_the_card() -> None:
    """S14.5: charge with $10 promo, paid from $20 credit; the instructor's share is the same."""
    assert charge_entries(**LESSON, promo_cents=1000, credit_cents=2000) == {
        Account.PROMO: -1000,
        Account.STUDENT_CREDIT: -2000,
        Account.STUDENT_CASH: -6500,
        Account.INSTRUCTOR_PAYABLE: 8150,
        Account.PLATFORM_FEE: 1350,
    }


def test_full_refund_rows() -> None:
    """S14.5: full refund ordered, then settled."""
    ordered = refund_entries(
        card_cents=9500, credit_cents=0, instructor_reversal_cents=8150, fee_reversal_cents=1350
    )
    assert ordered == {
        Account.REFUNDS: 9500,
        Account.INSTRUCTOR_PAYABLE: -8150,
        Account.PLATFORM_FEE: -1350,
    }
    assert refund_settled_entries(9500) == {Account.REFUNDS: -9500, Account.STUDENT_CASH: 9500}


def test_cancelled_with_credit_row() -> None:
    """S14.5, C3."""
    row = refund_entries(
        card_cents=0, credit_cents=9500, instructor_reversal_cents=8150, fee_reversal_cents=1350
    )
    assert row == {
        Account.STUDENT_CREDIT: 9500,
        Account.INSTRUCTOR_PAYABLE: -8150,
        Account.PLATFORM_FEE: -1350,
    }


def test_apology_credit_row() -> None:
    """S14.5, C6."""
    assert gift_entries(1000) == {Account.STUDENT_CREDIT: 1000, Account.PROMO: -1000}


def test_credit_that_the_platform_pays_leaves_the_shares_alone() -> None:
    """C9: the instructor keeps everything less fee."""
    row = refund_entries(
        card_cents=0,
        credit_cents=9500,
        instructor_reversal_cents=0,
        fee_reversal_cents=0,
        platform_cents=9500,
    )
    assert row == {Account.STUDENT_CREDIT: 9500, Account.PROMO: -9500}


def test_charge_without_a_lesson_is_owed_back() -> None:
    """S14.3."""
    assert orphan_charge_entries(9500) == {Account.STUDENT_CASH: -9500, Account.REFUNDS: 9500}


def test_shares_that_do_not_make_up_the_refund_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to 0"):
        refund_entries(
            card_cents=9500, credit_cents=0, instructor_reversal_cents=8150, fee_reversal_cents=0
        )


@pytest.mark.parametrize(
    ("cents", "pct", "fee"),
    [
        (9000, 15, 1350),
        (1010, 15, 152),
        (1030, 15, 154),
        (1070, 15, 160),
        (1050, 8, 84),
        (0, 15, 0),
    ],
)
def test_fee_is_rounded_half_to_even(cents: int, pct: int, fee: int) -> None:
    """G9: 151.5 and 154.5 go to the even neighbour, 160.5 too."""
    assert percent_of(cents, pct) == fee
