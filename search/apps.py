"""Application configuration."""

from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from accounts.models import User


def _merge_history(user: "User", guest_key: str) -> None:
    from search.history import merge_guest_history

    merge_guest_history(user, guest_key)


def _mode_warning() -> dict[str, str]:
    """Say that search works by words alone. Spec: S8.10, S16.1"""
    from search.encoder.embedder import query_embedder
    from search.snapshot import current_snapshot

    is_lexical = query_embedder().is_open or current_snapshot().vectors is None
    return {"search": "warn: lexical mode"} if is_lexical else {}


class SearchConfig(AppConfig):
    """Search."""

    name = "search"
    label = "search"
    verbose_name = "Search"

    def ready(self) -> None:
        """Keep a guest's searches through sign-in; tell health of lexical mode.

        Spec: S2.4, S17.8, S16.1
        """
        from accounts import sign_in_hooks
        from instainstru import health
        from search import personal_data  # noqa: F401 - registers

        sign_in_hooks.register(_merge_history)
        health.WARNINGS.append(_mode_warning)
