"""Services, neighborhoods, instructors and what they offer."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from bookings.availability.models import AvailabilityRules
from catalog.models import (
    Category,
    Coverage,
    Credential,
    Instructor,
    Level,
    Modality,
    Neighborhood,
    Offering,
    OfferingPrice,
    ProfileQuestion,
    Service,
    ServicePhrase,
)
from catalog.text import fold_text, slug_of
from instainstru import clock
from tests.factories.accounts import UserFactory
from tests.factories.availability import EVERY_DAY, open_weekly

USUAL_PRICES = {30: 4500, 60: 8500, 90: 12000}


class CategoryFactory(DjangoModelFactory[Category]):
    """Music, unless another name is given."""

    class Meta:
        model = Category
        django_get_or_create = ("slug",)

    name = "Music"
    slug = factory.LazyAttribute(lambda row: slug_of(row.name))
    position = factory.Sequence(lambda n: n + 1)
    icon = "music"


class ServiceFactory(DjangoModelFactory[Service]):
    """An active service with its phrases; ``ServiceFactory(name="Piano")`` gives slug ``piano``."""

    class Meta:
        model = Service
        django_get_or_create = ("slug",)
        skip_postgeneration_save = True

    category = factory.SubFactory(CategoryFactory)
    subcategory = "Piano & Keys"
    name = factory.Sequence(lambda n: f"Piano {n}")
    slug = factory.LazyAttribute(lambda row: slug_of(row.name))
    description = "Classical and contemporary, for every age and level"
    keywords = factory.LazyFunction(lambda: ["keyboard", "keys", "learn piano"])
    position = factory.Sequence(lambda n: n + 1)

    @factory.post_generation
    def phrases(self: Service, create: bool, _extracted: object, **_: object) -> None:
        if create and not ServicePhrase.objects.filter(service=self).exists():
            kinds = {fold_text(word): "keyword" for word in self.keywords}
            kinds[fold_text(self.name)] = "name"
            ServicePhrase.objects.bulk_create(
                ServicePhrase(service=self, phrase=phrase, kind=kind)
                for phrase, kind in kinds.items()
            )


class NeighborhoodFactory(DjangoModelFactory[Neighborhood]):
    """Park Slope, unless another name is given."""

    class Meta:
        model = Neighborhood
        django_get_or_create = ("slug",)

    borough = "Brooklyn"
    name = "Park Slope"
    slug = factory.LazyAttribute(lambda row: slug_of(row.name))
    latitude = 40.6710
    longitude = -73.9814
    aliases = factory.LazyFunction(list)


class InstructorFactory(DjangoModelFactory[Instructor]):
    """Live and checked, with the usual rules, open every day 09:00-20:00 in Park Slope.

    ``weekly=[(weekday, start_minute, end_minute), …]`` and ``rules={"buffer_after_minutes": 0}``
    replace hours and rules; ``serves=[neighborhood, …]`` replaces the area, whose default is the
    base neighborhood.
    """

    class Meta:
        model = Instructor
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory)
    slug = factory.Sequence(lambda n: f"maya-c-{n}")
    display_name = factory.LazyAttribute(lambda row: row.user.short_name)
    headline = "Juilliard-trained pianist, patient with beginners"
    bio = "I teach piano the way I wish I had been taught: one piece you love at a time. " * 4
    languages = factory.LazyFunction(lambda: ["English"])
    years_teaching = 8
    status = Instructor.Status.LIVE
    identity_verified_on = factory.LazyFunction(lambda: clock.now().date())
    background_checked_on = factory.LazyFunction(lambda: clock.now().date())
    base_neighborhood = factory.SubFactory(NeighborhoodFactory)
    studio_address = "123 7th Avenue, Apt 4"
    online_link = "https://meet.example.com/maya"

    @factory.post_generation
    def weekly(
        self: Instructor,
        create: bool,
        extracted: Iterable[tuple[int, int, int]] | None,
        **_: object,
    ) -> None:
        if create:
            open_weekly(self, EVERY_DAY if extracted is None else extracted)

    @factory.post_generation
    def rules(
        self: Instructor, create: bool, extracted: Mapping[str, Any] | None, **_: object
    ) -> None:
        if create:
            AvailabilityRules.objects.create(instructor=self, **(extracted or {}))

    @factory.post_generation
    def serves(
        self: Instructor, create: bool, extracted: Iterable[Neighborhood] | None, **_: object
    ) -> None:
        if create:
            area = [self.base_neighborhood] if extracted is None else extracted
            Coverage.objects.bulk_create(
                Coverage(instructor=self, neighborhood=neighborhood) for neighborhood in area
            )


class OfferingFactory(DjangoModelFactory[Offering]):
    """Piano by a live instructor in every mode, for 30, 60 and 90 minutes.

    ``prices={60: 8500}`` replaces the prices, in cents by minutes.
    """

    class Meta:
        model = Offering
        skip_postgeneration_save = True

    instructor = factory.SubFactory(InstructorFactory)
    service = factory.SubFactory(ServiceFactory)
    modalities = factory.LazyFunction(lambda: list(Modality.values))
    levels = factory.LazyFunction(lambda: list(Level.values))
    age_from = 5
    age_to = 99

    @factory.post_generation
    def prices(
        self: Offering, create: bool, extracted: Mapping[int, int] | None, **_: object
    ) -> None:
        if create:
            prices = USUAL_PRICES if extracted is None else extracted
            OfferingPrice.objects.bulk_create(
                OfferingPrice(offering=self, duration_minutes=minutes, price_cents=cents)
                for minutes, cents in prices.items()
            )


class CredentialFactory(DjangoModelFactory[Credential]):
    """A self-declared degree; ``verified_on=date`` makes it verified."""

    class Meta:
        model = Credential

    instructor = factory.SubFactory(InstructorFactory)
    kind = Credential.Kind.EDUCATION
    title = "B.A., Music"
    issuer = "Gramercy College"
    year = 2012
    position = 1


class ProfileQuestionFactory(DjangoModelFactory[ProfileQuestion]):
    """An answered question."""

    class Meta:
        model = ProfileQuestion

    instructor = factory.SubFactory(InstructorFactory)
    question = "What happens in the first lesson?"
    answer = "We play something together."
    position = 1


def paused_instructor(**fields: Any) -> Instructor:
    """Return an instructor whose page answers but who takes no bookings (Spec: S15.11)."""
    return InstructorFactory(status=Instructor.Status.PAUSED, **fields)


def expired_check_on() -> date:
    """Return the date of a background check that is too old today (Spec: S10.1)."""
    return clock.now().date() - timedelta(days=3 * 366)
