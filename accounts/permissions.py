"""Asking for a permission outside a view: services refuse whoever lacks it (Spec: S5.2)."""

from accounts.models import User
from accounts.roles import permissions_of, role_words, roles_of
from instainstru.access import PERMISSION_APP_LABEL
from instainstru.errors import ForbiddenError


def require_permission(by: User, codename: str) -> None:
    """Raise ``ForbiddenError`` that names the roles, unless the person holds the permission."""
    if not by.has_perm(f"{PERMISSION_APP_LABEL}.{codename}"):
        raise ForbiddenError(
            f"This is for people with the role {role_words(codename)}.",
            context={"roles": role_words(codename)},
        )


def require_uninvolved(by: User, *parties: int | None) -> None:
    """Raise ``ForbiddenError`` when somebody would decide about themselves (Spec: S5.9).

    ``parties`` are the ids of the accounts that it concerns.
    """
    if by.pk in parties:
        raise ForbiddenError("This concerns you. Somebody else decides.")


def held_permissions(person: User) -> frozenset[str]:
    """Return the permissions of all roles of a person, read now and not from any cache."""
    roles = roles_of(person.groups.values_list("name", flat=True))
    return frozenset[str]().union(*(permissions_of(role) for role in roles))
