"""Letting another person help: invited by mail, accepted, removed (Spec: S5.5).

One set of rules for everything that can be shared; a ``Kind`` says what and with what words.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.urls import reverse

from accounts.grants import end_grant, give_grant
from accounts.invitations import find_invitation, open_invitation, take_invitation
from accounts.mail import write_mail
from accounts.models import Grant, Invitation, User
from accounts.roles import Role
from accounts.services import become
from instainstru.errors import ConflictError, ForbiddenError


@dataclass(frozen=True)
class Kind:
    """Something that its owner can share."""

    grants: type[Grant]
    invitations: type[Invitation]
    owner_of: Callable[[Any], User]
    name_of: Callable[[Any], str]
    role: Role
    """Asked for beside the grant, so whoever accepts gets it."""
    limit: int
    """Helpers and open invitations at a time."""
    mail: str
    mail_subject: str
    """With ``{inviter}`` and ``{name}``."""
    answer_page: str
    """The name of the address that answers an invitation."""


@dataclass(frozen=True)
class Sharing:
    """Who helps with one thing, and who was asked to."""

    target: Any
    is_owner: bool
    grants: list[Any]
    invitations: list[Any]


def sharing_of(kind: Kind, target: Model, *, by: User) -> Sharing:
    """Return who helps; only the owner sees who was asked."""
    is_owner = kind.owner_of(target).pk == by.pk
    grants = kind.grants.objects.live().filter(content_object=target)
    asked = kind.invitations.objects.open().filter(target=target) if is_owner else ()
    return Sharing(
        target=target,
        is_owner=is_owner,
        grants=list(grants.select_related("user").order_by("granted_at", "pk")),
        invitations=sorted(asked, key=lambda row: row.created_at),
    )


@transaction.atomic
def invite(kind: Kind, target: Model, *, by: User, email: str) -> Invitation:
    """Ask somebody by mail to help; asking the same address again sends a new link.

    Raises:
        ForbiddenError: ``by`` is not the owner.
        ConflictError: The person helps already, or the limit is reached.
        ValidationFailedError: The address is the owner's own.
    """
    sharing = sharing_of(kind, target, by=by)
    _require_owner(kind, sharing)
    address = email.strip().lower()
    if any(grant.user.email == address for grant in sharing.grants):
        raise ConflictError(f"{address} has accepted already.")
    others = [row for row in sharing.invitations if row.email != address]
    if len(sharing.grants) + len(others) >= kind.limit:
        raise ConflictError(f"{kind.limit} people are the limit. Remove one first.")
    row, token = open_invitation(kind.invitations, by=by, email=address, target=target)
    name = kind.name_of(target)
    write_mail(
        kind.mail,
        to=row.email,
        subject=kind.mail_subject.format(inviter=by.first_name, name=name),
        inviter=by.short_name,
        name=name,
        url=settings.SITE_URL + reverse(kind.answer_page, args=[token]),
    )
    return row


@transaction.atomic
def withdraw(kind: Kind, target: Model, *, by: User, invitation_id: str) -> None:
    """Take an invitation back; raises ``ConflictError`` when it was answered meanwhile."""
    _require_owner(kind, sharing_of(kind, target, by=by))
    rows = kind.invitations.objects.open().filter(target=target, public_id=invitation_id)
    if not rows.delete()[0]:
        raise ConflictError("This invitation was answered meanwhile.")


@transaction.atomic
def accept(kind: Kind, *, by: User, token: str) -> Any:
    """Take the invitation and return what is shared from now on.

    Raises:
        NotFoundError: The link was used, taken back or is too old.
        WrongAddressError: It was sent to another address than the account's.
        ConflictError: Two tabs answered at once.
    """
    invitation: Any = find_invitation(kind.invitations, token)
    take_invitation(invitation, by=by)
    target = invitation.target
    become(by, kind.role)
    give_grant(by=invitation.invited_by, to=by, on=target, owner=kind.owner_of(target))
    return target


@transaction.atomic
def decline(kind: Kind, *, by: User, token: str) -> None:
    """Say no; raises like :func:`accept`."""
    take_invitation(find_invitation(kind.invitations, token), by=by)


@transaction.atomic
def remove(kind: Kind, target: Model, *, by: User, person_id: str) -> User:
    """End a person's help: the owner removes anybody, everybody else only themselves.

    Raises:
        ConflictError: The person does not help any more.
        ForbiddenError: Somebody else than the owner removes another person.
    """
    sharing = sharing_of(kind, target, by=by)
    grant = next((row for row in sharing.grants if row.user.public_id == person_id), None)
    if grant is None:
        raise ConflictError("This person was removed already.")
    if grant.user_id != by.pk:
        _require_owner(kind, sharing)
    end_grant(grant, by=by, owner=kind.owner_of(target))
    person: User = grant.user
    return person


def _require_owner(kind: Kind, sharing: Sharing) -> None:
    if not sharing.is_owner:
        owner = kind.owner_of(sharing.target)
        raise ForbiddenError(f"Only {owner.short_name} can change who helps here.")
