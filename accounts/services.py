"""Use-cases around accounts."""

from django.contrib.auth.models import Group
from django.db import transaction

from accounts.models import Learner, User
from accounts.roles import STAFF_ROLES, Role


def grant_role(user: User, role: Role) -> None:
    """Give a person a role; granting it twice is granting it once."""
    user.groups.add(Group.objects.get(name=role.value))
    if role in STAFF_ROLES and not user.is_staff:
        user.is_staff = True
        user.save(update_fields=["is_staff"])


@transaction.atomic
def register_student(user: User) -> None:
    """Make a saved account a student who can book for themselves (Spec: 02 section 2)."""
    grant_role(user, Role.STUDENT)
    Learner.objects.get_or_create(manager=user, is_self=True, defaults={"name": user.first_name})
