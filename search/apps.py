"""Application configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from accounts.models import User


def _merge_history(user: "User", guest_key: str) -> None:
    from search.history import merge_guest_history

    merge_guest_history(user, guest_key)


class SearchConfig(AppConfig):
    """Search."""

    name = "search"
    label = "search"
    verbose_name = "Search"

    def ready(self) -> None:
        """Keep a guest's searches through sign-in and sign-up. Spec: S2.4, S17.8."""
        from accounts import sign_in_hooks
        from search import personal_data  # noqa: F401 - registers

        sign_in_hooks.register(_merge_history)
