"""Everything that moves money; callers use these names only (Spec: 08)."""

from bookings.payments.services.attempts import (
    ChargeResult,
    abandon_attempt,
    charge_attempt,
    complete_extra_step,
    open_attempt,
    reassign_attempt,
    refresh_attempt,
)
from bookings.payments.services.cards import (
    TypedCard,
    bank_page_of,
    has_card_page,
    open_card_page,
    read_card,
    typed_card,
)
from bookings.payments.services.credits import (
    available_credit_cents,
    grant_credit,
    release_credit,
    reserve_credit,
)
from bookings.payments.services.ledger import LessonTerms, record_charge, record_tip
from bookings.payments.services.promos import (
    carry_promo,
    choose_promo,
    drop_promo,
    return_promo,
)
from bookings.payments.services.refunds import (
    exchange_credit,
    refund_orphan_charge,
    request_refund,
    settle_refunds,
)
from bookings.payments.services.removals import order_removals

__all__ = [
    "ChargeResult",
    "LessonTerms",
    "TypedCard",
    "abandon_attempt",
    "available_credit_cents",
    "bank_page_of",
    "carry_promo",
    "charge_attempt",
    "choose_promo",
    "complete_extra_step",
    "drop_promo",
    "exchange_credit",
    "grant_credit",
    "has_card_page",
    "open_attempt",
    "open_card_page",
    "order_removals",
    "read_card",
    "reassign_attempt",
    "record_charge",
    "record_tip",
    "refresh_attempt",
    "refund_orphan_charge",
    "release_credit",
    "request_refund",
    "reserve_credit",
    "return_promo",
    "settle_refunds",
    "typed_card",
]
