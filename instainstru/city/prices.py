"""What lessons cost: by subject, borough and experience; longer is never cheaper (Spec: S15.3)."""

from collections.abc import Sequence
from random import Random

PRICE_RANGE_CENTS = (10_00, 500_00)
_STEP_CENTS = 5_00
# Short lessons cost a little more per minute, long ones a little less.
_SHARE_OF_HOUR = {30: 0.55, 45: 0.78, 60: 1.0, 75: 1.22, 90: 1.42, 120: 1.85}


def hourly_cents(base_dollars: int, level: float, years: int, chance: Random) -> int:
    """Return the price of 60 minutes in cents, in steps of five dollars."""
    experience = 0.82 + 0.014 * min(years, 25)
    return _rounded(base_dollars * 100 * level * experience * chance.uniform(0.86, 1.18))


def price_list(hour_cents: int, lengths: Sequence[int]) -> dict[int, int]:
    """Return the price in cents of each length in minutes, never falling."""
    prices: dict[int, int] = {}
    least = PRICE_RANGE_CENTS[0]
    for minutes in sorted(lengths):
        cents = _rounded(hour_cents * _SHARE_OF_HOUR[minutes])
        least = prices[minutes] = min(max(cents, least), PRICE_RANGE_CENTS[1])
    return prices


def _rounded(cents: float) -> int:
    return max(_STEP_CENTS, round(cents / _STEP_CENTS) * _STEP_CENTS)
