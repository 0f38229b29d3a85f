"""People for the demo city: written in bulk, found again by e-mail (Spec: G14, G15)."""

from collections.abc import Sequence
from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction

from accounts.demo import DEMO_ACCOUNTS, DEMO_PASSWORD
from accounts.models import Learner, User
from accounts.roles import STAFF_ROLES, Role
from instainstru.database.bulk import insert_by_copy


@transaction.atomic
def create_demo_accounts(now: datetime) -> dict[str, User]:
    """Write the demo accounts that are missing; return all by name, such as ``student``.

    The password is hashed once for all. A second run changes no row. Spec: G15.
    """
    emails = [account.email for account in DEMO_ACCOUNTS]
    known = {user.email for user in User.objects.filter(email__in=emails)}
    missing = [account for account in DEMO_ACCOUNTS if account.email not in known]
    password = make_password(DEMO_PASSWORD) if missing else ""
    for account in missing:
        person = User(
            email=account.email, first_name=account.first_name, last_name=account.last_name,
            password=password, is_demo=True, is_staff=bool(STAFF_ROLES & set(account.roles)),
        )  # fmt: skip
        add_people([person], roles=account.roles, now=now)
        Learner.objects.bulk_create(
            Learner(manager=person, name=name, birth_year=birth_year, created_at=now)
            for name, birth_year in account.learners
        )
    users = {user.email: user for user in User.objects.filter(email__in=emails)}
    return {account.name: users[account.email] for account in DEMO_ACCOUNTS}


@transaction.atomic
def add_people(people: Sequence[User], *, roles: Sequence[Role], now: datetime) -> None:
    """Insert unsaved users with roles, a verified e-mail and, for students, a self learner.

    Callers leave out people that exist. Empty passwords become unusable ones, which costs no
    hashing. Every user gets its primary key.
    """
    for person in people:
        person.joined_at = now
        if not person.password:
            person.set_unusable_password()
    insert_by_copy(User, people)
    insert_by_copy(
        EmailAddress,
        (EmailAddress(user_id=p.pk, email=p.email, verified=True, primary=True) for p in people),
    )
    membership = User.groups.through
    groups = Group.objects.filter(name__in=[role.value for role in roles])
    insert_by_copy(
        membership,
        (membership(user_id=p.pk, group_id=group.pk) for group in groups for p in people),
    )
    if Role.STUDENT in roles:
        insert_by_copy(
            Learner,
            (
                Learner(manager_id=p.pk, name=p.first_name, is_self=True, created_at=now)
                for p in people
            ),
        )
