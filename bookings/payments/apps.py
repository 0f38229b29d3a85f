"""Application configuration."""

from django.apps import AppConfig
from django.core.checks import register


def _ledger_violations() -> list[str]:
    from bookings.payments.selectors import ledger_imbalances, promo_miscounts

    money = [f"{item.rule} {item.subject}: {item.cents} cents" for item in ledger_imbalances()]
    return [*money, *promo_miscounts()]


class PaymentsConfig(AppConfig):
    """Payments."""

    name = "bookings.payments"
    label = "payments"
    verbose_name = "Payments"

    def ready(self) -> None:
        """Register the start-up checks, and what must hold of money."""
        from bookings.payments import personal_data  # noqa: F401 - registers
        from bookings.payments.checks import check_gateway, check_tax_record_keys
        from instainstru import invariants

        register(check_gateway, "start")
        register(check_tax_record_keys, "start")
        invariants.register("ledger", _ledger_violations)
