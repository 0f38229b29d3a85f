"""Application configuration."""

from django.apps import AppConfig
from django.core.checks import register


class PrivacyConfig(AppConfig):
    """Privacy."""

    name = "privacy"
    label = "privacy"
    verbose_name = "Privacy"

    def ready(self) -> None:
        """Declare what belongs to no app of ours, and check that nothing is left undeclared."""
        from privacy import personal_data  # noqa: F401 - registers
        from privacy.checks import check_everything_is_declared

        register(check_everything_is_declared)
