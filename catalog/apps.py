"""Application configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from accounts.models import User


def _claim_favorites(user: "User", guest_key: str) -> None:
    from catalog.interest import claim_guest_favorites

    claim_guest_favorites(user=user, guest_key=guest_key)


class CatalogConfig(AppConfig):
    """Catalogue."""

    name = "catalog"
    label = "catalog"
    verbose_name = "Catalogue"

    def ready(self) -> None:
        """Keep whom a guest saved through sign-in and sign-up. Spec: S9.5."""
        from accounts import sign_in_hooks
        from catalog import personal_data  # noqa: F401 - registers

        sign_in_hooks.register(_claim_favorites)
