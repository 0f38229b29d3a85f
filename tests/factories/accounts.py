"""People."""

import factory
from factory.django import DjangoModelFactory

from accounts.models import Learner, User


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


class LearnerFactory(DjangoModelFactory[Learner]):
    """Somebody the manager takes lessons for; ``is_self=True`` is the manager themself."""

    class Meta:
        model = Learner

    manager = factory.SubFactory(UserFactory)
    name = factory.Sequence(lambda n: f"Learner {n}")
    birth_year = 1990
