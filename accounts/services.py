"""How people come into being: students by signing up, the first admin at a terminal."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.audit import record_event
from accounts.models import Learner, User
from accounts.roles import STAFF_ROLES, Role


def grant_role(user: User, role: Role) -> None:
    """Give a person a role; granting it twice is granting it once."""
    user.groups.add(Group.objects.get(name=role.value))
    if role in STAFF_ROLES and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])


def become(user: User, role: Role) -> None:
    """Give a role that anybody may take: student, with themselves as a learner, or instructor."""
    if role in STAFF_ROLES:
        raise ValueError(f"{role.value} is given by an admin only")
    if role is Role.STUDENT:
        register_student(user)
    else:
        grant_role(user, role)


@transaction.atomic
def register_student(user: User) -> None:
    """Make a saved account a student who can book for themselves (Spec: 02 section 2)."""
    grant_role(user, Role.STUDENT)
    Learner.objects.get_or_create(manager=user, is_self=True, defaults={"name": user.first_name})


@transaction.atomic
def create_first_admin(email: str, password: str | None, **fields: Any) -> User:
    """Create an admin for ``manage.py createsuperuser``, whose e-mail the operator vouches for.

    What they may do comes from the role alone, so that taking the role takes it all. They set up
    their second step at the first sign-in. Spec: S5.12.
    """
    admin = User.objects.create_user(email, password, **fields)
    EmailAddress.objects.create(user=admin, email=admin.email, verified=True, primary=True)
    grant_role(admin, Role.ADMIN)
    record_event(
        "role.assigned",
        by=None,
        on=admin,
        before={"roles": []},
        after={"roles": [Role.ADMIN.value]},
        reason="Made at a terminal with createsuperuser.",
    )
    return admin
