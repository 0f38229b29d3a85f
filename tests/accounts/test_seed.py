"""Demo accounts and bulk people."""

from datetime import UTC, datetime

import pytest
from allauth.account.models import EmailAddress
from pytest_django import DjangoAssertNumQueries

from accounts.demo import DEMO_PASSWORD
from accounts.models import Learner, User
from accounts.roles import Role
from accounts.seed import add_people, create_demo_accounts

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def test_demo_accounts_are_those_of_the_specification() -> None:
    """Spec: G15."""
    accounts = create_demo_accounts(NOW)

    roles = {name: sorted(u.groups.values_list("name", flat=True)) for name, u in accounts.items()}
    assert roles == {
        "student": ["student"],
        "instructor": ["instructor", "student"],
        "staff": ["admin"],
        "analyst": ["analyst"],
        "support": ["support"],
        "moderator": ["moderator"],
        "finance": ["finance"],
    }
    for name, user in accounts.items():
        assert user.email == f"{name}@instainstru.test"
        assert user.is_demo
        assert user.check_password(DEMO_PASSWORD)
        assert EmailAddress.objects.filter(user=user, verified=True, primary=True).exists()
    assert {name for name, user in accounts.items() if user.is_staff} == set(roles) - {
        "student",
        "instructor",
    }


def test_demo_student_manages_themself_and_one_child() -> None:
    """Spec: G15."""
    student = create_demo_accounts(NOW)["student"]
    learners = list(Learner.objects.managed_by(student))
    assert [learner.is_self for learner in learners] == [True, False]
    assert learners[1].birth_year == 2016


def test_second_run_changes_no_row() -> None:
    """Spec: G14."""
    first = create_demo_accounts(NOW)
    before = list(User.objects.order_by("pk").values())
    second = create_demo_accounts(datetime(2026, 9, 1, tzinfo=UTC))

    assert {name: user.pk for name, user in first.items()} == {
        name: user.pk for name, user in second.items()
    }
    assert list(User.objects.order_by("pk").values()) == before
    assert Learner.objects.count() == 3


def test_people_are_added_with_everything_they_need_in_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    people = [User(email=f"p{n}@example.com", first_name=f"P{n}") for n in range(300)]
    with django_assert_max_num_queries(12):
        add_people(people, roles=[Role.STUDENT], now=NOW)

    person = User.objects.get(email="p7@example.com")
    assert person.has_perm("accounts.bookings.create")
    assert not person.has_usable_password()
    assert person.joined_at == NOW
    assert Learner.objects.get(manager=person).is_self
