"""Asking somebody by mail to take a grant (Spec: S5.5).

The mail carries a token; it opens the invitation, and an account with the invited address takes
it, so that a forwarded mail lets nobody in.
"""

import hashlib
import secrets
from datetime import datetime
from typing import TypeVar

from allauth.account.models import EmailAddress
from django.db.models import Model

from accounts.models import Invitation, User
from accounts.models.grants import INVITATION_VALID
from instainstru import clock
from instainstru.errors import ConflictError, ForbiddenError, NotFoundError, ValidationFailedError

AnyInvitation = TypeVar("AnyInvitation", bound=Invitation)


class WrongAddressError(ForbiddenError):
    """The invitation is for another address than the account's."""

    code = "wrong_address"


def open_invitation(
    table: type[AnyInvitation], *, by: User, email: str, target: Model
) -> tuple[AnyInvitation, str]:
    """Store an invitation, or renew the one to this address; return it and its token.

    Raises ``ValidationFailedError`` for the inviter's own address. ``target`` is what is shared.
    """
    address = email.strip().lower()
    if EmailAddress.objects.filter(user=by, email__iexact=address).exists():
        sentence = "That is your own address."
        raise ValidationFailedError(sentence, fields={"email": sentence})
    token, now = secrets.token_urlsafe(24), clock.now()
    values = {
        "token_hash": _digest(token),
        "invited_by": by,
        "created_at": now,
        "expires_at": now + INVITATION_VALID,
    }
    row, _ = table.objects.update_or_create(email=address, target=target, defaults=values)
    return row, token


def find_invitation(
    table: type[AnyInvitation], token: str, *, now: datetime | None = None
) -> AnyInvitation:
    """Return the open invitation of a token; raises ``NotFoundError`` for any other."""
    rows = table.objects.open(now).filter(token_hash=_digest(token))
    row: AnyInvitation | None = rows.select_related("invited_by", "target").first()
    if row is None:
        raise NotFoundError("This invitation was answered, taken back or is older than 14 days.")
    return row


def is_invited(person: User, invitation: Invitation) -> bool:
    """Tell whether a person has proved that the invited address is theirs."""
    return EmailAddress.objects.filter(
        user=person, email__iexact=invitation.email, verified=True
    ).exists()


def take_invitation(invitation: Invitation, *, by: User) -> None:
    """Use an invitation up, in the transaction that gives the grant; it can be taken once.

    Raises:
        WrongAddressError: It is for another address.
        ConflictError: It was answered or taken back meanwhile.
    """
    if not is_invited(by, invitation):
        raise WrongAddressError("This invitation is for another address than yours.")
    deleted, _ = invitation.delete()
    if not deleted:
        raise ConflictError("This invitation was answered or taken back meanwhile.")


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
