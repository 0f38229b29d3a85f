"""Giving and taking roles, and the admin who must always remain (Spec: S5.3, S5.4)."""

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.audit import record_event
from accounts.models import User
from accounts.permissions import held_permissions, require_permission
from accounts.roles import STAFF_ROLES, Role, permissions_of, roles_of
from accounts.services import become, grant_role
from instainstru.errors import ConflictError, ForbiddenError

ASSIGN = "roles.assign"


@transaction.atomic
def assign_role(*, by: User, to: User, role: Role, reason: str) -> None:
    """Give a person a role.

    Raises:
        ForbiddenError: ``by`` may not assign roles, lacks a permission of this one, or is ``to``.
        ConflictError: The person has the role already.
        ValidationFailedError: The reason has fewer than 10 or more than 500 characters.
    """
    before = _roles_under_lock(to)
    if by.pk == to.pk:
        raise ForbiddenError("Nobody gives themselves a role. Ask another admin.")
    _require_power_over(by, role)
    if role in before:
        raise ConflictError(f"{to.short_name} has the role {role.value} already.")
    if role in STAFF_ROLES:
        grant_role(to, role)
    else:
        become(to, role)
    _record("role.assigned", by, to, before, [*before, role], reason)


@transaction.atomic
def revoke_role(*, by: User, to: User, role: Role, reason: str) -> None:
    """Take a role from a person; their next request is made without it.

    Raises:
        ForbiddenError: ``by`` may not assign roles or lacks a permission of this one.
        ConflictError: The person does not have the role, or is the last admin.
        ValidationFailedError: The reason has fewer than 10 or more than 500 characters.
    """
    before = _roles_under_lock(to)
    _require_power_over(by, role)
    if role not in before:
        raise ConflictError(f"{to.short_name} doesn't have the role {role.value}.")
    if role is Role.ADMIN:
        keep_an_admin(without=to)
    to.groups.remove(Group.objects.get(name=role.value))
    after = [kept for kept in before if kept is not role]
    to.is_staff = bool(STAFF_ROLES & set(after))
    to.save(update_fields=["is_staff"])
    _record("role.revoked", by, to, before, after, reason)


@transaction.atomic
def also_learn(*, by: User) -> None:
    """Let somebody who teaches book lessons, too, for themselves to begin with.

    Spec: 02 section 2.

    Raises:
        ConflictError: They can book already, or do not teach.
    """
    before = _roles_under_lock(by)
    if Role.STUDENT in before:
        raise ConflictError("You can book lessons already.")
    if Role.INSTRUCTOR not in before:
        raise ConflictError("Only people who teach add learning here.")
    become(by, Role.STUDENT)
    record_event(
        "role.added",
        by=by,
        on=by,
        before={"roles": sorted(role.value for role in before)},
        after={"roles": sorted(role.value for role in [*before, Role.STUDENT])},
    )


def keep_an_admin(*, without: User) -> None:
    """Refuse to lose the last admin who can sign in: demoted, suspended or closed.

    Call it inside the transaction that takes ``without`` away. One lock makes parallel calls wait
    for each other, so that two admins cannot remove each other. Spec: S5.3.

    Raises:
        ConflictError: Nobody else is an admin.
    """
    admins = Group.objects.select_for_update(no_key=True).get(name=Role.ADMIN.value).user_set
    if not admins.filter(is_active=True).exclude(pk=without.pk).exists():
        raise ConflictError("There must be at least one admin.", code="last_admin")


def is_admin(person: User) -> bool:
    """Tell whether a person is one of those of whom one must remain."""
    return person.groups.filter(name=Role.ADMIN.value).exists()


def _roles_under_lock(person: User) -> list[Role]:
    """Return a person's roles, unchanging until the transaction ends."""
    User.objects.select_for_update(no_key=True).get(pk=person.pk)
    return roles_of(person.groups.values_list("name", flat=True))


def _require_power_over(by: User, role: Role) -> None:
    """Nobody gives or takes what they do not have themselves; read now, not from a cache."""
    require_permission(by, ASSIGN)
    held = held_permissions(by)
    if ASSIGN not in held or not permissions_of(role) <= held:
        raise ForbiddenError(f"The role {role.value} may do more than you may.")


def _record(
    action: str, by: User, to: User, before: list[Role], after: list[Role], reason: str
) -> None:
    record_event(
        action,
        by=by,
        on=to,
        before={"roles": sorted(role.value for role in before)},
        after={"roles": sorted(role.value for role in after)},
        reason=reason,
    )
