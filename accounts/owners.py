"""Who owns a hold or a search: an account or a guest, never both (Spec: S2.1, S17.8)."""

from dataclasses import dataclass

from django.http import HttpRequest


@dataclass(frozen=True)
class Owner:
    """Exactly one of the two is set."""

    user_id: int | None = None
    guest_key: str | None = None

    def __post_init__(self) -> None:
        if (self.user_id is None) == (self.guest_key is None):
            raise ValueError("An owner is a user or a guest, never both and never neither.")


def owner_of(request: HttpRequest) -> Owner:
    """Return the owner behind a request; a guest without a key gets a fresh one."""
    if request.user.is_authenticated:
        return Owner(user_id=request.user.pk)
    from accounts.guests import ensure_guest_key

    return Owner(guest_key=ensure_guest_key(request))
