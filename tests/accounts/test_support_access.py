"""Support opens one account or lesson for some hours, with a reason; it ends by itself (S5.5)."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import AuditEvent, Grant, LearnerInvitation, User, UserGrant
from accounts.roles import Role
from accounts.support_access import end_support_access, forget_ended, take_support_access
from bookings.lessons.models import BookingGrant
from instainstru import clock
from instainstru.errors import ConflictError, ForbiddenError, ValidationFailedError
from tests.accounts.conftest import newest_mail
from tests.factories.accounts import LearnerFactory, VerifiedUserFactory, student
from tests.factories.lessons import BookingFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S5]

REASON = "She can't find her lesson, ticket 1234."


@pytest.fixture
def agent() -> User:
    return VerifiedUserFactory(role=Role.SUPPORT, first_name="Joe", last_name="Park")


@pytest.fixture
def maya() -> User:
    return student()


def take(agent: User, owner: User, **changes: Any) -> Grant:
    values = {"by": agent, "on": owner, "owner": owner, "hours": 2, "reason": REASON, **changes}
    return take_support_access(**values)


def test_access_opens_one_account_tells_its_owner_and_is_audited(agent: User, maya: User) -> None:
    assert not agent.has_perm("accounts.support_access", maya)
    take(agent, maya)
    assert agent.has_perm("accounts.support_access", maya)
    assert not agent.has_perm("accounts.support_access", student())
    assert "Joe P." in newest_mail(maya.email).text
    assert REASON not in newest_mail(maya.email).text
    row = AuditEvent.objects.get()
    assert (row.action, row.actor, row.subject) == ("support_access.given", agent, maya)
    assert row.reason == REASON


def test_access_ends_by_itself_to_the_second_whatever_jobs_run(agent: User, maya: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        take(agent, maya, hours=24)
        traveller.shift(timedelta(hours=24) - timedelta(seconds=1))
        assert agent.has_perm("accounts.support_access", maya)
        traveller.shift(timedelta(seconds=1))
        assert not agent.has_perm("accounts.support_access", maya)
        assert UserGrant.objects.exists()
        assert forget_ended() == 1
        assert not UserGrant.objects.exists()
        row = AuditEvent.objects.filter(action="support_access.expired").get()
        assert (row.actor, row.subject) == (None, maya)
        take(agent, maya)
        assert forget_ended() == 0


def test_taking_it_again_prolongs_it(agent: User, maya: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        take(agent, maya, hours=1)
        traveller.shift(timedelta(minutes=59))
        grant = take(agent, maya, hours=2)
        assert grant.expires_at == clock.now() + timedelta(hours=2)
        assert UserGrant.objects.count() == 1


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.SUPPORT, Role.ADMIN)])
def test_only_those_who_manage_users_take_it(role: Role, maya: User) -> None:
    with pytest.raises(ForbiddenError):
        take(VerifiedUserFactory(role=role), maya)


def test_accounts_of_staff_and_the_own_are_not_opened(agent: User) -> None:
    """Spec: S5.4, S5.10."""
    for owner in (agent, VerifiedUserFactory(role=Role.ANALYST)):
        with pytest.raises(ForbiddenError):
            take(agent, owner)


@pytest.mark.parametrize("changes", [{"hours": 0}, {"hours": 25}, {"reason": "because"}])
def test_more_than_a_day_or_no_reason_is_refused(
    agent: User, maya: User, changes: dict[str, Any]
) -> None:
    with pytest.raises(ValidationFailedError), transaction.atomic():
        take(agent, maya, **changes)
    assert not UserGrant.objects.exists()


def test_database_knows_no_support_access_without_an_end(agent: User, maya: User) -> None:
    grant = take(agent, maya)
    for change in (
        {"expires_at": None},
        {"expires_at": grant.granted_at + timedelta(hours=25)},
        {"reason": ""},
    ):
        with pytest.raises(IntegrityError, match="ends_within_a_day"), transaction.atomic():
            UserGrant.objects.update(**change)


def test_owner_ends_it_and_nobody_takes_it_again_that_day(agent: User, maya: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        grant = take(agent, maya)
        end_support_access([grant], by=maya, owner=maya)
        assert not agent.has_perm("accounts.support_access", maya)
        with pytest.raises(ConflictError):
            take(VerifiedUserFactory(role=Role.ADMIN), maya)
        traveller.shift(timedelta(hours=24))
        take(agent, maya)


def test_agent_ends_it_and_may_take_it_again(agent: User, maya: User) -> None:
    end_support_access([take(agent, maya)], by=agent, owner=maya)
    take(agent, maya)


def test_nobody_else_ends_it(agent: User, maya: User) -> None:
    grant = take(agent, maya)
    with pytest.raises(ForbiddenError):
        end_support_access([grant], by=student(), owner=maya)


def test_access_to_a_lesson_opens_that_lesson_only(agent: User, maya: User) -> None:
    lesson, other = BookingFactory(student=maya), BookingFactory()
    take(agent, maya, on=lesson)
    assert agent.has_perm("lessons.support_access", lesson)
    assert not agent.has_perm("lessons.support_access", other)
    assert not agent.has_perm("accounts.support_access", maya)
    row = AuditEvent.objects.get()
    assert (row.object_kind, row.object_id) == ("booking", lesson.code)
    with time_machine.travel(clock.now() + timedelta(hours=3)):
        assert forget_ended() == 1
    assert not BookingGrant.objects.exists()


def test_owner_sees_and_ends_it_on_the_page(client: Client, agent: User, maya: User) -> None:
    take(agent, maya)
    take(agent, maya, on=BookingFactory(student=maya))
    client.force_login(maya)
    page = client.get("/account/access/").content.decode()
    assert page.count("Joe P.") >= 2
    assert REASON not in page
    ended = client.post("/account/access/", {"which": agent.public_id})
    assert ended.status_code == 302
    assert not UserGrant.objects.exists()
    assert not BookingGrant.objects.exists()
    assert client.post("/account/access/", {"which": agent.public_id}).status_code == 409


@pytest.mark.S6
def test_old_invitations_go_too() -> None:
    learner = LearnerFactory(manager=student())
    LearnerInvitation.objects.create(
        target=learner, email="a@example.com", token_hash="x", invited_by=learner.manager,
        expires_at=clock.now(),
    )  # fmt: skip
    assert forget_ended() == 1
