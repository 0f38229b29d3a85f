"""People."""

import factory
from allauth.account.models import EmailAddress
from factory.django import DjangoModelFactory

from accounts.models import Learner, User
from accounts.roles import STAFF_ROLES, Role
from accounts.services import grant_role, register_student
from tests.factories.second_step import enrol


class UserFactory(DjangoModelFactory[User]):
    """A person without a usable password; ``password="…"`` sets one."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@example.com")
    first_name = "Maya"
    last_name = "Cohen"

    @factory.post_generation
    def password(self: User, create: bool, extracted: str | None, **_: object) -> None:
        if extracted:
            self.set_password(extracted)
        else:
            self.set_unusable_password()
        if create:
            self.save(update_fields=["password"])


class VerifiedUserFactory(UserFactory):
    """A person who can sign in: the e-mail is verified; ``role=Role.…`` gives a role.

    Staff have a second step, without which no page of theirs answers.
    """

    class Meta:
        model = User
        skip_postgeneration_save = True

    @factory.post_generation
    def role(self: User, create: bool, extracted: Role | None, **_: object) -> None:
        EmailAddress.objects.create(user=self, email=self.email, verified=True, primary=True)
        if extracted is Role.STUDENT:
            register_student(self)
        elif extracted is not None:
            grant_role(self, extracted)
        if extracted in STAFF_ROLES:
            enrol(self)


def student(**fields: object) -> User:
    """Return a verified student with a self learner, who may book."""
    return VerifiedUserFactory(role=Role.STUDENT, **fields)


class LearnerFactory(DjangoModelFactory[Learner]):
    """Somebody the manager takes lessons for; ``is_self=True`` is the manager themself."""

    class Meta:
        model = Learner

    manager = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Learner {n}")
    birth_year = 1990
