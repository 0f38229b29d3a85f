"""A second adult for a learner, an assistant for a calendar: invited, accepted, removed (S5.5)."""

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts import sharing
from accounts.invitations import WrongAddressError
from accounts.learner_sharing import LEARNERS
from accounts.models import AuditEvent, Learner, LearnerGrant, LearnerInvitation, User
from accounts.roles import Role
from bookings.availability.permissions import calendar_of
from bookings.notifications.models import OutgoingMail
from catalog.models import Instructor
from catalog.team import ASSISTANTS
from instainstru import clock
from instainstru.errors import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
    ValidationFailedError,
)
from tests.accounts.conftest import newest_mail
from tests.bookings.payments.conftest import in_parallel
from tests.factories.accounts import LearnerFactory, VerifiedUserFactory, student
from tests.factories.catalog import InstructorFactory

pytestmark = [pytest.mark.django_db, pytest.mark.S5]


@pytest.fixture
def maya() -> User:
    return student(email="maya@example.com")


@pytest.fixture
def leo(maya: User) -> Learner:
    return LearnerFactory(manager=maya, name="Leo")


@pytest.fixture
def sam() -> User:
    return student(email="sam@example.com", first_name="Sam", last_name="Rivera")


def token_sent_to(email: str) -> str:
    found = re.search(r"/invitations/\w+/([\w-]+)/", newest_mail(email).text)
    assert found
    return found[1]


def share(learner: Learner, person: User) -> None:
    sharing.invite(LEARNERS, learner, by=learner.manager, email=person.email)
    sharing.accept(LEARNERS, by=person, token=token_sent_to(person.email))


def manages(person: User, learner: Learner) -> bool:
    fresh = User.objects.get(pk=person.pk)
    in_list = learner in Learner.objects.managed_by(fresh)
    if learner.manager_id != person.pk:
        assert fresh.has_perm("accounts.manage_learner", learner) is in_list
    return in_list


def test_invited_adult_manages_the_learner_after_accepting(
    maya: User, leo: Learner, sam: User
) -> None:
    sharing.invite(LEARNERS, leo, by=maya, email=" Sam@Example.com ")
    assert not manages(sam, leo)
    assert "Leo" in newest_mail("sam@example.com").subject

    sharing.accept(LEARNERS, by=sam, token=token_sent_to("sam@example.com"))

    assert manages(sam, leo)
    assert manages(maya, leo)
    row = AuditEvent.objects.get()
    assert (row.action, row.actor, row.subject) == ("manage_learner.given", maya, maya)
    assert row.object_id == leo.public_id
    assert row.after is not None
    assert row.after["to"] == sam.public_id


def test_grant_on_one_learner_opens_no_other(maya: User, leo: Learner, sam: User) -> None:
    share(leo, sam)
    assert not manages(sam, LearnerFactory(manager=maya))
    assert not sam.has_perm("accounts.support_access", leo)
    assert not sam.has_perm("accounts.manage_learner")


def test_removed_adult_loses_the_learner_at_once(maya: User, leo: Learner, sam: User) -> None:
    """Spec: S5.6."""
    share(leo, sam)
    sharing.remove(LEARNERS, leo, by=maya, person_id=sam.public_id)
    assert not manages(sam, leo)
    actions = AuditEvent.objects.order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["manage_learner.given", "manage_learner.ended"]
    with pytest.raises(ConflictError):
        sharing.remove(LEARNERS, leo, by=maya, person_id=sam.public_id)


def test_second_adult_leaves_but_removes_and_invites_nobody(
    maya: User, leo: Learner, sam: User
) -> None:
    third = student(email="third@example.com")
    share(leo, sam)
    share(leo, third)
    with pytest.raises(ForbiddenError):
        sharing.remove(LEARNERS, leo, by=sam, person_id=third.public_id)
    with pytest.raises(ForbiddenError):
        sharing.invite(LEARNERS, leo, by=sam, email="fourth@example.com")
    sharing.remove(LEARNERS, leo, by=sam, person_id=sam.public_id)
    assert not manages(sam, leo)


def test_suspended_person_holds_no_grant(leo: Learner, sam: User) -> None:
    share(leo, sam)
    sam.is_active = False
    assert not sam.has_perm("accounts.manage_learner", leo)


def test_invitation_opens_for_the_invited_address_only(maya: User, leo: Learner, sam: User) -> None:
    sharing.invite(LEARNERS, leo, by=maya, email="other@example.com")
    token = token_sent_to("other@example.com")
    with pytest.raises(WrongAddressError):
        sharing.accept(LEARNERS, by=sam, token=token)
    EmailAddress.objects.create(user=sam, email="other@example.com", verified=False)
    with pytest.raises(WrongAddressError):
        sharing.accept(LEARNERS, by=sam, token=token)
    EmailAddress.objects.filter(email="other@example.com").update(verified=True)
    assert sharing.accept(LEARNERS, by=sam, token=token) == leo


def test_invitation_works_once_and_for_14_days(maya: User, leo: Learner, sam: User) -> None:
    with time_machine.travel(clock.now(), tick=False) as traveller:
        sharing.invite(LEARNERS, leo, by=maya, email=sam.email)
        token = token_sent_to(sam.email)
        traveller.shift(timedelta(days=14))
        with pytest.raises(NotFoundError):
            sharing.accept(LEARNERS, by=sam, token=token)
        traveller.shift(-timedelta(seconds=1))
        sharing.accept(LEARNERS, by=sam, token=token)
        with pytest.raises(NotFoundError):
            sharing.accept(LEARNERS, by=sam, token=token)


def test_asking_again_sends_a_new_link_and_ends_the_old_one(
    maya: User, leo: Learner, sam: User
) -> None:
    sharing.invite(LEARNERS, leo, by=maya, email=sam.email)
    first = token_sent_to(sam.email)
    sharing.invite(LEARNERS, leo, by=maya, email=sam.email)
    assert LearnerInvitation.objects.count() == 1
    with pytest.raises(NotFoundError):
        sharing.accept(LEARNERS, by=sam, token=first)
    sharing.accept(LEARNERS, by=sam, token=token_sent_to(sam.email))


def test_withdrawn_and_declined_invitations_open_nothing(
    maya: User, leo: Learner, sam: User
) -> None:
    row = sharing.invite(LEARNERS, leo, by=maya, email=sam.email)
    sharing.withdraw(LEARNERS, leo, by=maya, invitation_id=row.public_id)
    with pytest.raises(NotFoundError):
        sharing.accept(LEARNERS, by=sam, token=token_sent_to(sam.email))
    with pytest.raises(ConflictError):
        sharing.withdraw(LEARNERS, leo, by=maya, invitation_id=row.public_id)
    sharing.invite(LEARNERS, leo, by=maya, email=sam.email)
    sharing.decline(LEARNERS, by=sam, token=token_sent_to(sam.email))
    assert not LearnerInvitation.objects.exists()
    assert not manages(sam, leo)


def test_own_address_a_helper_and_a_sixth_person_are_refused(
    maya: User, leo: Learner, sam: User
) -> None:
    with pytest.raises(ValidationFailedError):
        sharing.invite(LEARNERS, leo, by=maya, email="MAYA@example.com")
    share(leo, sam)
    with pytest.raises(ConflictError):
        sharing.invite(LEARNERS, leo, by=maya, email=sam.email)
    for number in range(4):
        sharing.invite(LEARNERS, leo, by=maya, email=f"person{number}@family.example")
    with pytest.raises(ConflictError):
        sharing.invite(LEARNERS, leo, by=maya, email="sixth@family.example")
    sharing.invite(LEARNERS, leo, by=maya, email="person1@family.example")


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_accept_at_once_give_one_grant(maya: User, leo: Learner, sam: User) -> None:
    sharing.invite(LEARNERS, leo, by=maya, email=sam.email)
    token = token_sent_to(sam.email)
    answers = in_parallel([lambda: sharing.accept(LEARNERS, by=sam, token=token)] * 2)
    assert answers.count(leo) == 1
    assert LearnerGrant.objects.count() == 1


def test_whoever_accepts_gets_the_role_that_is_asked_for_beside_the_grant(leo: Learner) -> None:
    person = VerifiedUserFactory(role=Role.INSTRUCTOR)
    share(leo, person)
    assert User.objects.get(pk=person.pk).has_perm("accounts.bookings.create")
    assert list(Learner.objects.managed_by(person)) == [
        Learner.objects.get(manager=person, is_self=True), leo,
    ]  # fmt: skip


def test_learners_are_listed_in_one_query_however_many_are_shared(
    sam: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Spec: S5.6."""
    for number in range(3):
        share(LearnerFactory(manager=student()), sam)
        with django_assert_num_queries(1):
            assert len(Learner.objects.managed_by(sam)) == number + 2


# --- The calendar of an instructor ----------------------------------------------------------------
def assist(instructor: Instructor, person: User) -> None:
    sharing.invite(ASSISTANTS, instructor, by=instructor.user, email=person.email)
    sharing.accept(ASSISTANTS, by=person, token=token_sent_to(person.email))


@pytest.fixture
def teacher() -> Instructor:
    return InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR))


def test_assistant_opens_the_calendar_and_nothing_else(teacher: Instructor, sam: User) -> None:
    other = VerifiedUserFactory(role=Role.INSTRUCTOR)
    assist(teacher, sam)
    with pytest.raises(NotFoundError):
        calendar_of(by=other, slug=teacher.slug)
    helper = User.objects.get(pk=sam.pk)
    assert calendar_of(by=helper, slug=teacher.slug) == teacher
    assert helper.has_perm("catalog.manage_availability", teacher)
    assert not Instructor.objects.filter(user=helper).exists()
    sharing.remove(ASSISTANTS, teacher, by=teacher.user, person_id=sam.public_id)
    with pytest.raises(NotFoundError):
        calendar_of(by=helper, slug=teacher.slug)


def test_owner_opens_the_own_calendar_without_a_grant(teacher: Instructor) -> None:
    assert calendar_of(by=teacher.user, slug=teacher.slug) == teacher


def test_grant_without_the_role_opens_no_calendar(teacher: Instructor, sam: User) -> None:
    """Spec: S5.5: checked together with the role permission."""
    assist(teacher, sam)
    sam.groups.clear()
    with pytest.raises(ForbiddenError):
        calendar_of(by=User.objects.get(pk=sam.pk), slug=teacher.slug)


def test_calendars_are_listed_in_one_query(
    sam: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """Spec: S5.6."""
    for number in range(3):
        assist(InstructorFactory(user=VerifiedUserFactory(role=Role.INSTRUCTOR)), sam)
        with django_assert_num_queries(1):
            assert len(Instructor.objects.of_calendar(sam)) == number + 1


# --- Pages ----------------------------------------------------------------------------------------
def post(client: Client, address: str, **form: str) -> Any:
    return client.post(address, form)


def test_pages_invite_accept_and_remove(
    client: Client, maya: User, leo: Learner, sam: User
) -> None:
    page = f"/account/learners/{leo.public_id}/share/"
    client.force_login(maya)
    assert post(client, page, email=sam.email).status_code == 302
    assert sam.email in client.get(page).content.decode()

    client.force_login(sam)
    answer = f"/invitations/learner/{token_sent_to(sam.email)}/"
    assert "Manage Leo" in client.get(answer).content.decode()
    assert client.get(page).status_code == 404
    assert post(client, answer, answer="yes").status_code == 302
    assert client.get(page).status_code == 200
    assert "Leo" in client.get("/account/access/").content.decode()

    client.force_login(maya)
    assert post(client, page, do="remove", which=sam.public_id).status_code == 302
    client.force_login(sam)
    assert client.get(page).status_code == 404


def test_page_keeps_a_wrong_address_and_says_what_is_wrong(
    client: Client, maya: User, leo: Learner
) -> None:
    """Spec: G2, G3."""
    client.force_login(maya)
    page = f"/account/learners/{leo.public_id}/share/"
    bad = post(client, page, email="nobody@")
    assert bad.status_code == 422
    assert 'value="nobody@"' in bad.content.decode()
    assert post(client, page, email=maya.email).status_code == 422
    assert post(client, page, do="remove", which="ZZZZZZZZZZ").status_code == 409
    assert not OutgoingMail.objects.exists()


def test_self_and_strangers_learners_are_hidden(client: Client, maya: User, leo: Learner) -> None:
    """Spec: G5."""
    client.force_login(maya)
    own = Learner.objects.get(manager=maya, is_self=True)
    stranger = LearnerFactory(manager=student())
    for learner in (own, stranger):
        assert client.get(f"/account/learners/{learner.public_id}/share/").status_code == 404


def test_invitation_of_another_address_can_be_read_but_not_answered(
    client: Client, maya: User, leo: Learner, sam: User
) -> None:
    sharing.invite(LEARNERS, leo, by=maya, email="other@example.com")
    address = f"/invitations/learner/{token_sent_to('other@example.com')}/"
    client.force_login(sam)
    page = client.get(address)
    assert page.status_code == 200
    assert "another address" in page.content.decode()
    assert 'name="answer"' not in page.content.decode()
    assert post(client, address, answer="yes").status_code == 403


def test_eleventh_invitation_of_a_day_waits(client: Client, maya: User) -> None:
    """Spec: G6."""
    client.force_login(maya)
    for number in range(11):
        learner = LearnerFactory(manager=maya)
        answer = post(
            client, f"/account/learners/{learner.public_id}/share/",
            email=f"p{number}@family.example",
        )  # fmt: skip
        assert answer.status_code == (302 if number < 10 else 429)


def test_team_pages_invite_and_let_an_assistant_leave(
    client: Client, teacher: Instructor, sam: User
) -> None:
    client.force_login(teacher.user)
    assert post(client, "/teach/team/", email=sam.email).status_code == 302
    client.force_login(sam)
    answer = f"/invitations/calendar/{token_sent_to(sam.email)}/"
    assert post(client, answer, answer="yes").status_code == 302
    page = f"/teach/team/{teacher.slug}/"
    assert client.get(page).status_code == 200
    assert post(client, page, do="remove", which=sam.public_id).status_code == 302
    assert client.get(page).status_code == 404


def test_team_page_without_a_profile_says_so(client: Client) -> None:
    client.force_login(VerifiedUserFactory(role=Role.INSTRUCTOR))
    page = client.get("/teach/team/")
    assert page.status_code == 200
    assert "no teaching profile" in page.content.decode()


def test_access_page_asks_the_same_number_of_queries_for_one_and_three(
    client: Client, maya: User
) -> None:
    """Spec: S5.6."""
    client.force_login(maya)
    client.get("/account/access/")
    counts = []
    for _ in range(3):
        share(LearnerFactory(manager=maya), student())
        share(LearnerFactory(manager=student()), maya)
        with CaptureQueriesContext(connection) as asked:
            client.get("/account/access/")
        counts.append(len(asked))
    assert counts[0] == counts[2], counts
