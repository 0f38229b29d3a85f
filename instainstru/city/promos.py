"""A code that everybody in the demo city can use once."""

from datetime import datetime

from bookings.payments.models import PromoCode

CODE = "WELCOME10"


def add_promo(at: datetime) -> None:
    """Write the code, unless it is there: $10 off, for good."""
    PromoCode.objects.get_or_create(
        code=CODE, defaults={"amount_cents": 1000, "starts_at": at, "created_at": at}
    )
