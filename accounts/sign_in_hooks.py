"""What other apps do when a guest becomes somebody: they register a function at start-up.

Apps above ``accounts`` own what a guest may have (a held time, recent searches), so they say here
what happens to it (Spec: S17.8). Register in ``AppConfig.ready``::

    sign_in_hooks.register(move_holds_to_account)
    sign_in_hooks.register_verification_started(extend_hold_for_verification)
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import transaction

if TYPE_CHECKING:
    from accounts.models import User

SignInHook = Callable[["User", str], None]
VerificationHook = Callable[[str], None]

_sign_in: list[SignInHook] = []
_verification_started: list[VerificationHook] = []


def register(hook: SignInHook) -> None:
    """Call ``hook(user, guest_key)`` whenever a person with a guest key signs in or up."""
    if hook not in _sign_in:
        _sign_in.append(hook)


def register_verification_started(hook: VerificationHook) -> None:
    """Call ``hook(guest_key)`` when a guest is asked for an e-mail code.

    The hook learns no user: it runs alike whether the address was new or already had an account,
    so that nothing a guest sees tells the two apart.
    """
    if hook not in _verification_started:
        _verification_started.append(hook)


def guest_signed_in(user: "User", guest_key: str) -> None:
    """Run the sign-in hooks as one transaction."""
    with transaction.atomic():
        for hook in _sign_in:
            hook(user, guest_key)


def verification_started(guest_key: str) -> None:
    """Run the verification hooks as one transaction."""
    with transaction.atomic():
        for hook in _verification_started:
            hook(guest_key)
