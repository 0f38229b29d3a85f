"""Application configuration."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core.checks import register


class AccountsConfig(AppConfig):
    """People."""

    name = "accounts"
    label = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        """Register the start-up checks, and what accounts know about people."""
        from accounts import personal_data  # noqa: F401 - registers
        from accounts.checks import check_no_test_addresses

        register(check_no_test_addresses)


class StaffAdminConfig(AdminConfig):
    """The admin of Django with the product's own permissions."""

    default_site = "accounts.staff_admin.StaffAdminSite"
