"""Shutting an account and opening it again (P19, Spec: S5.3, S17.2)."""

from django.db import transaction

from accounts.audit import record_event, told_decision
from accounts.models import User
from accounts.permissions import held_permissions, require_permission
from accounts.role_changes import is_admin, keep_an_admin
from instainstru.errors import ConflictError, ForbiddenError

MANAGE = "users.manage"
SUSPENDED, REINSTATED = "account.suspended", "account.reinstated"


@transaction.atomic
def suspend_account(*, by: User, person: User, reason: str) -> None:
    """Shut an account: every session of it ends with its next request.

    Raises:
        ForbiddenError: ``by`` may not manage users, or the person is ``by`` or may do more.
        ConflictError: The account is shut already (the message says by whom), or the last admin's.
        ValidationFailedError: The reason has fewer than 10 or more than 500 characters.
    """
    require_permission(by, MANAGE)
    _require_rank(by, person)
    if is_admin(person):
        keep_an_admin(without=person)
    _switch(person, is_active=False, conflict="This account is suspended already.", act=SUSPENDED)
    _record(SUSPENDED, by, person, reason)


@transaction.atomic
def reinstate_account(*, by: User, person: User, reason: str) -> None:
    """Open a shut account again; raises like :func:`suspend_account`."""
    require_permission(by, MANAGE)
    _require_rank(by, person)
    _switch(person, is_active=True, conflict="This account is open already.", act=REINSTATED)
    _record(REINSTATED, by, person, reason)


def may_suspend(by: User, person: User) -> bool:
    """Tell whether the rank allows it: nobody themselves, no staff who may do more."""
    is_above = person.is_staff and not held_permissions(person) <= held_permissions(by)
    return by.pk != person.pk and not is_above


def _require_rank(by: User, person: User) -> None:
    if by.pk == person.pk:
        raise ForbiddenError("Nobody suspends or reinstates themselves.")
    if not may_suspend(by, person):
        raise ForbiddenError("This person may do more than you may. Ask an admin.")


def _switch(person: User, *, is_active: bool, conflict: str, act: str) -> None:
    rows = User.objects.filter(pk=person.pk, is_active=not is_active)
    if not rows.update(is_active=is_active):
        raise ConflictError(told_decision(conflict, person, act))
    person.is_active = is_active


def _record(action: str, by: User, person: User, reason: str) -> None:
    record_event(
        action,
        by=by,
        on=person,
        before={"is_active": not person.is_active},
        after={"is_active": person.is_active},
        reason=reason,
    )
