"""The matrix of roles and permissions, in code and in the database."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from accounts.role_sync import sync_roles
from accounts.roles import PERMISSIONS, Role, permissions_of, role_words, roles_with
from accounts.services import grant_role
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.S5

COUNTS = {
    Role.STUDENT: 10, Role.INSTRUCTOR: 12, Role.SUPPORT: 9, Role.MODERATOR: 8,
    Role.FINANCE: 9, Role.ANALYST: 5, Role.ADMIN: 30,
}  # fmt: skip

MATRIX = """
account.manage_own      student instructor support moderator finance analyst admin
privacy.export_own      student instructor support moderator finance analyst admin
privacy.delete_own      student instructor support moderator finance analyst admin
messages.send_own       student instructor admin
search.history_own      student instructor admin
favorites.manage_own    student admin
bookings.create         student admin
bookings.view_own       student admin
bookings.manage_own     student admin
reviews.create          student admin
profile.manage_own      instructor admin
services.manage_own     instructor admin
availability.manage_own instructor admin
lessons.view_teaching   instructor admin
lessons.manage_teaching instructor admin
earnings.view_own       instructor admin
reviews.reply           instructor admin
users.view              support moderator finance admin
users.manage            support admin
roles.assign            admin
bookings.view_all       support moderator finance admin
bookings.manage_all     support admin
refunds.issue           support finance admin
payouts.manage          finance admin
reviews.moderate        moderator admin
instructors.verify      moderator admin
catalog.manage          moderator admin
analytics.view          support finance analyst admin
analytics.export        finance analyst admin
system.monitor          admin
"""


def pinned_matrix() -> dict[str, set[str]]:
    rows = (line.split() for line in MATRIX.strip().splitlines())
    return {codename: set(roles) for codename, *roles in rows}


def test_matrix_is_the_specified_one() -> None:
    """Spec: 02 section 2."""
    assert {
        row.codename: {role.value for role in row.roles} for row in PERMISSIONS
    } == pinned_matrix()


@pytest.mark.parametrize(("role", "count"), COUNTS.items())
def test_every_role_has_its_number_of_permissions(role: Role, count: int) -> None:
    """Spec: S5.1."""
    assert len(permissions_of(role)) == count


def test_roles_with_a_permission_come_in_the_order_of_the_table() -> None:
    assert roles_with("refunds.issue") == [Role.SUPPORT, Role.FINANCE, Role.ADMIN]
    assert roles_with("no.such") == []


def test_roles_that_a_page_is_for_are_named_in_words() -> None:
    """Spec: G5."""
    assert role_words("users.view") == "support, moderator, finance or admin"
    assert role_words("account.manage_own") == ""
    assert role_words("no.such.permission") == ""


@pytest.mark.django_db
def test_database_holds_exactly_the_matrix_after_migrating() -> None:
    """Spec: S5.1."""
    stored = {
        group.name: set(group.permissions.values_list("codename", flat=True))
        for group in Group.objects.all()
    }
    assert stored == {role.value: set(permissions_of(role)) for role in Role}


@pytest.mark.django_db
def test_syncing_again_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync_roles")
    assert "0 rows changed" in capsys.readouterr().out


@pytest.mark.django_db
def test_syncing_repairs_a_changed_database() -> None:
    Group.objects.get(name="analyst").permissions.add(
        Permission.objects.get(codename="roles.assign")
    )
    Permission.objects.get(codename="analytics.view").delete()
    stray = Permission.objects.get(codename="system.monitor")
    stray.pk, stray.codename = None, "old.capability"
    stray.save()

    assert sync_roles() > 0

    analyst = Group.objects.get(name="analyst").permissions
    assert set(analyst.values_list("codename", flat=True)) == permissions_of(Role.ANALYST)
    assert not Permission.objects.filter(codename="old.capability").exists()


@pytest.mark.django_db
def test_several_roles_add_up() -> None:
    user = UserFactory()
    grant_role(user, Role.STUDENT)
    grant_role(user, Role.INSTRUCTOR)

    assert user.has_perm("accounts.bookings.create")
    assert user.has_perm("accounts.availability.manage_own")
    assert not user.has_perm("accounts.users.view")


@pytest.mark.django_db
def test_granting_a_staff_role_marks_staff_and_can_be_repeated() -> None:
    user = UserFactory()
    grant_role(user, Role.SUPPORT)
    grant_role(user, Role.SUPPORT)
    user.refresh_from_db()

    assert user.is_staff
    assert user.groups.count() == 1


@pytest.mark.django_db
def test_person_without_roles_may_do_nothing() -> None:
    user = UserFactory()
    assert not any(user.has_perm(f"accounts.{row.codename}") for row in PERMISSIONS)
