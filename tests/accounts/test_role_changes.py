"""Roles are given and taken by people who may, with reasons, and one admin always remains."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEvent, Learner, User
from accounts.role_changes import assign_role, revoke_role
from accounts.roles import PERMISSIONS, Role
from accounts.suspension import reinstate_account, suspend_account
from instainstru.errors import ConflictError, ForbiddenError, ValidationFailedError
from tests.bookings.payments.conftest import in_parallel
from tests.factories.accounts import UserFactory, VerifiedUserFactory, student

pytestmark = [pytest.mark.django_db, pytest.mark.S5]

REASON = "New in the support team."


def admin(**fields: Any) -> User:
    return VerifiedUserFactory(role=Role.ADMIN, **fields)


def member(role: Role) -> User:
    return VerifiedUserFactory(role=role)


def roles(person: User) -> set[str]:
    return set(User.objects.get(pk=person.pk).groups.values_list("name", flat=True))


def test_admin_gives_a_role_and_the_audit_says_so() -> None:
    """Spec: S5.4."""
    giver, person = admin(), student()
    assign_role(by=giver, to=person, role=Role.SUPPORT, reason=REASON)
    assert roles(person) == {"student", "support"}
    assert User.objects.get(pk=person.pk).is_staff
    row = AuditEvent.objects.get()
    assert (row.action, row.actor, row.subject) == ("role.assigned", giver, person)
    assert row.before == {"roles": ["student"]}
    assert row.after == {"roles": ["student", "support"]}
    assert row.reason == REASON


def test_admin_takes_a_role_and_the_person_is_no_staff_any_more() -> None:
    person = member(Role.SUPPORT)
    revoke_role(by=admin(), to=person, role=Role.SUPPORT, reason="Left the support team.")
    assert roles(person) == set()
    assert not User.objects.get(pk=person.pk).is_staff
    assert AuditEvent.objects.get().after == {"roles": []}


def test_staff_with_a_second_staff_role_stay_staff() -> None:
    giver, person = admin(), member(Role.SUPPORT)
    assign_role(by=giver, to=person, role=Role.FINANCE, reason=REASON)
    revoke_role(by=giver, to=person, role=Role.SUPPORT, reason=REASON)
    assert User.objects.get(pk=person.pk).is_staff


def test_new_student_can_book_for_themselves() -> None:
    person = member(Role.INSTRUCTOR)
    assign_role(by=admin(), to=person, role=Role.STUDENT, reason=REASON)
    assert Learner.objects.filter(manager=person, is_self=True).count() == 1


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_nobody_else_gives_or_takes_roles(role: Role) -> None:
    """Spec: S5.3."""
    by, person = member(role), member(Role.SUPPORT)
    for change in (assign_role, revoke_role):
        with pytest.raises(ForbiddenError):
            change(by=by, to=person, role=Role.SUPPORT, reason=REASON)
    assert not AuditEvent.objects.exists()


def test_role_that_may_more_than_the_giver_is_refused() -> None:
    """Spec: S5.3: nobody grants a role holding a permission they lack."""
    giver = member(Role.SUPPORT)
    giver.groups.get().permissions.add(Permission.objects.get(codename="roles.assign"))
    for role in (Role.ADMIN, Role.FINANCE):
        with pytest.raises(ForbiddenError):
            assign_role(by=giver, to=student(), role=role, reason=REASON)


def test_nobody_promotes_themselves() -> None:
    """Spec: S5.3."""
    person = admin()
    with pytest.raises(ForbiddenError):
        assign_role(by=person, to=person, role=Role.FINANCE, reason=REASON)


@pytest.mark.parametrize("reason", ["", "because", "x" * 501])
def test_change_without_a_reason_changes_nothing(reason: str) -> None:
    """Spec: S5.4."""
    person = student()
    with pytest.raises(ValidationFailedError), transaction.atomic():
        assign_role(by=admin(), to=person, role=Role.SUPPORT, reason=reason)
    assert roles(person) == {"student"}


def test_role_that_is_there_or_is_not_there_is_a_conflict() -> None:
    with pytest.raises(ConflictError):
        assign_role(by=admin(), to=student(), role=Role.STUDENT, reason=REASON)
    with pytest.raises(ConflictError):
        revoke_role(by=admin(), to=student(), role=Role.SUPPORT, reason=REASON)


LOSSES: dict[str, Callable[[User, User], None]] = {
    "demoted": lambda by, person: revoke_role(by=by, to=person, role=Role.ADMIN, reason=REASON),
    "suspended": lambda by, person: suspend_account(by=by, person=person, reason=REASON),
}


def test_last_admin_stays_admin() -> None:
    """Spec: S5.3."""
    last, gone = admin(), admin(is_active=False)
    with pytest.raises(ConflictError, match="There must be at least one admin"):
        LOSSES["demoted"](last, last)
    assert roles(last) == {"admin"}
    LOSSES["demoted"](last, gone)


def test_last_admin_cannot_be_suspended() -> None:
    last, by = admin(), member(Role.SUPPORT)
    for row in PERMISSIONS:
        by.groups.get().permissions.add(Permission.objects.get(codename=row.codename))
    with pytest.raises((ConflictError, ForbiddenError)):
        suspend_account(by=by, person=last, reason=REASON)
    assert User.objects.get(pk=last.pk).is_active


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_two_admins_cannot_remove_each_other(loss: str) -> None:
    """Spec: S5.3: one admin remains also under two parallel requests."""
    for _ in range(3):
        first, second = admin(), admin()
        answers = in_parallel(
            [lambda: LOSSES[loss](first, second), lambda: LOSSES[loss](second, first)]  # noqa: B023
        )
        left = User.objects.filter(groups__name="admin", is_active=True)
        assert left.count() == 1, answers
        assert answers.count(None) == 1
        (refusal,) = [answer for answer in answers if answer is not None]
        # Who comes second was the last admin, or has no right left to take anything away.
        assert isinstance(refusal, ConflictError | ForbiddenError)
        if isinstance(refusal, ConflictError):
            assert refusal.message == "There must be at least one admin."
        User.objects.filter(pk__in=[first.pk, second.pk]).update(is_active=False)


def test_role_that_is_taken_is_gone_with_the_next_request(client: Client) -> None:
    """Spec: S5.3."""
    person = student()
    client.force_login(person)
    assert client.get("/lessons/").status_code == 200
    revoke_role(by=admin(), to=person, role=Role.STUDENT, reason="Asked for it by mail.")
    assert client.get("/lessons/").status_code == 403


def test_suspended_person_is_signed_out_with_the_next_request(client: Client) -> None:
    """Spec: S17.2."""
    person = student()
    client.force_login(person)
    suspend_account(by=member(Role.SUPPORT), person=person, reason="Paid with a stolen card.")
    assert client.get("/lessons/").status_code == 302
    reinstate_account(by=member(Role.SUPPORT), person=person, reason="The bank was wrong.")
    client.force_login(person)
    assert client.get("/lessons/").status_code == 200
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["account.suspended", "account.reinstated"]


def test_suspending_needs_the_permission_the_rank_and_another_person() -> None:
    support = member(Role.SUPPORT)
    for by, person in (
        (member(Role.MODERATOR), student()),
        (support, admin()),
        (support, member(Role.FINANCE)),
        (support, support),
    ):
        with pytest.raises(ForbiddenError):
            suspend_account(by=by, person=person, reason=REASON)


def test_second_suspension_is_a_conflict() -> None:
    """Spec: S5.10."""
    person, first = student(), admin()
    suspend_account(by=first, person=person, reason=REASON)
    with pytest.raises(ConflictError, match=f"{first.short_name} was first: {REASON}"):
        suspend_account(by=admin(), person=person, reason=REASON)
    assert AuditEvent.objects.count() == 1
    reinstate_account(by=first, person=person, reason="It was somebody else.")
    with pytest.raises(ConflictError, match=f"{first.short_name} was first: It was somebody"):
        reinstate_account(by=admin(), person=person, reason=REASON)


def test_permissions_given_to_a_person_directly_count_for_nothing() -> None:
    """Spec: S5.1."""
    person = student()
    person.user_permissions.add(Permission.objects.get(codename="system.monitor"))
    assert not person.has_perm("accounts.system.monitor")


def test_nobody_is_a_superuser() -> None:
    with pytest.raises(IntegrityError, match="user_never_superuser"):
        UserFactory(is_superuser=True)


def test_first_admin_is_made_at_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spec: S5.12."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long enough sentence")
    call_command(
        "createsuperuser", email="Ada@Example.com", first_name="Ada", interactive=False, verbosity=0
    )
    person = User.objects.get()
    assert person.email == "ada@example.com"
    assert roles(person) == {"admin"}
    assert person.is_staff
    assert person.has_perm("accounts.roles.assign")
    assert EmailAddress.objects.get(user=person).verified
    assert AuditEvent.objects.get().subject == person
