"""What can be learnt, where, and who teaches it."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from accounts.models import User
from catalog.managers import (
    CategoryQuerySet,
    InstructorQuerySet,
    NeighborhoodQuerySet,
    OfferingQuerySet,
    ServiceQuerySet,
)
from instainstru import clock


class Modality(models.TextChoices):
    """Where a lesson happens."""

    AT_STUDENT = "at_student", "At your place"
    AT_INSTRUCTOR = "at_instructor", "At the instructor's place"
    PUBLIC = "public", "In a public place"
    ONLINE = "online", "Online"


class Level(models.TextChoices):
    """How far a learner is."""

    BEGINNER = "beginner", "Beginner"
    INTERMEDIATE = "intermediate", "Intermediate"
    ADVANCED = "advanced", "Advanced"


class ServiceVector(models.Func):
    """The searchable words of a service, weighted; an immutable function of the database."""

    function = "ii_service_vector"
    output_field = SearchVectorField()


class Category(models.Model):
    """One of the nine categories, in brand order."""

    name = models.CharField(max_length=60)
    slug = models.SlugField(max_length=60)
    position = models.PositiveSmallIntegerField()
    icon = models.CharField(max_length=40, help_text="Lucide icon name.")

    objects = CategoryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "categories"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="category_slug_unique"),
            models.UniqueConstraint(fields=["position"], name="category_position_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class Service(models.Model):
    """Something that can be learnt. Its slug follows the name, old ones answer by alias (G13)."""

    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="services")
    subcategory = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=120)
    description = models.CharField(max_length=200)
    keywords = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    position = models.PositiveIntegerField(default=0)
    is_active = models.BooleanField(default=True)
    search_vector = models.GeneratedField(
        expression=ServiceVector("name", "keywords", "description"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="service_slug_unique"),
            models.UniqueConstraint(fields=["name"], name="service_name_unique"),
        ]
        indexes = [GinIndex(fields=["search_vector"], name="service_search_vector")]

    def __str__(self) -> str:
        return self.name


class ServiceSlugAlias(models.Model):
    """A former slug of a renamed service; answers 301 for ever."""

    slug = models.SlugField(max_length=120)
    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="slug_aliases")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["slug"], name="service_alias_slug_unique")]

    def __str__(self) -> str:
        return self.slug


class ServicePhrase(models.Model):
    """A name, keyword or colloquial phrase of a service, for trigram matching (Spec: S8.11)."""

    class Kind(models.TextChoices):
        NAME = "name", "Name"
        KEYWORD = "keyword", "Keyword"
        COLLOQUIAL = "colloquial", "Colloquial"

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="phrases")
    phrase = models.CharField(max_length=120, help_text="Lower case, without accents.")
    kind = models.CharField(max_length=10, choices=Kind.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["service", "phrase"], name="service_phrase_unique"),
            models.CheckConstraint(
                condition=Q(kind__in=["name", "keyword", "colloquial"]), name="service_phrase_kind"
            ),
        ]
        indexes = [GinIndex(OpClass("phrase", name="gin_trgm_ops"), name="service_phrase_trigram")]

    def __str__(self) -> str:
        return self.phrase


class Neighborhood(models.Model):
    """A neighborhood with a point for search, not a boundary."""

    class Borough(models.TextChoices):
        BRONX = "Bronx", "Bronx"
        BROOKLYN = "Brooklyn", "Brooklyn"
        MANHATTAN = "Manhattan", "Manhattan"
        QUEENS = "Queens", "Queens"
        STATEN_ISLAND = "Staten Island", "Staten Island"

    borough = models.CharField(max_length=20, choices=Borough.choices)
    name = models.CharField(max_length=80)
    slug = models.SlugField(max_length=80)
    latitude = models.FloatField()
    longitude = models.FloatField()
    aliases = ArrayField(models.CharField(max_length=80), default=list, blank=True)

    objects = NeighborhoodQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], name="neighborhood_name_unique"),
            models.UniqueConstraint(fields=["slug"], name="neighborhood_slug_unique"),
            models.CheckConstraint(
                condition=Q(
                    borough__in=["Bronx", "Brooklyn", "Manhattan", "Queens", "Staten Island"]
                ),
                name="neighborhood_borough_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Instructor(models.Model):
    """A person's public teaching profile (Spec: S10.1, S15.2)."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SUBMITTED = "submitted", "Submitted"
        IN_REVIEW = "in_review", "In review"
        CHANGES_REQUESTED = "changes_requested", "Changes requested"
        REJECTED = "rejected", "Rejected"
        LIVE = "live", "Live"
        PAUSED = "paused", "Paused"
        SUSPENDED = "suspended", "Suspended"
        CLOSED = "closed", "Closed"

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="instructor")
    slug = models.SlugField(max_length=120)
    display_name = models.CharField(max_length=80, help_text="First name and last initial.")
    headline = models.CharField(max_length=80)
    bio = models.TextField(max_length=2000)
    languages = ArrayField(models.CharField(max_length=40), default=list)
    years_teaching = models.PositiveSmallIntegerField(default=0)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    is_founding = models.BooleanField(default=False)
    identity_verified_on = models.DateField(null=True, blank=True)
    background_checked_on = models.DateField(null=True, blank=True)
    base_neighborhood = models.ForeignKey(
        Neighborhood, on_delete=models.PROTECT, related_name="based_instructors"
    )
    served_neighborhoods = models.ManyToManyField(
        Neighborhood, through="Coverage", related_name="serving_instructors"
    )
    studio_address = models.CharField(max_length=200, blank=True, help_text="Shown after booking.")
    online_link = models.URLField(max_length=300, blank=True, help_text="Shown after booking.")
    zone = models.CharField(max_length=64, default="America/New_York")
    created_at = models.DateTimeField(default=clock.now)

    objects = InstructorQuerySet.as_manager()

    class Meta:
        permissions = [("manage_availability", "Change hours, overrides and blackouts")]
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="instructor_slug_unique"),
            models.CheckConstraint(
                condition=~Q(status="live")
                | (Q(identity_verified_on__isnull=False) & Q(background_checked_on__isnull=False)),
                name="instructor_live_is_verified",
            ),
        ]
        indexes = [models.Index(fields=["status"], name="instructor_status")]

    def __str__(self) -> str:
        return self.display_name


class InstructorSlugAlias(models.Model):
    """A former slug of an instructor; answers 301 for ever (Spec: G10, S10.3)."""

    slug = models.SlugField(max_length=120)
    instructor = models.ForeignKey(
        Instructor, on_delete=models.CASCADE, related_name="slug_aliases"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="instructor_alias_slug_unique")
        ]

    def __str__(self) -> str:
        return self.slug


class Coverage(models.Model):
    """An instructor travels to this neighborhood."""

    instructor = models.ForeignKey(Instructor, on_delete=models.CASCADE)
    neighborhood = models.ForeignKey(Neighborhood, on_delete=models.PROTECT)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["neighborhood", "instructor"], name="coverage_unique")
        ]


class Offering(models.Model):
    """One instructor's service: modes, ages, levels; prices stand beside it (Spec: S15.3)."""

    instructor = models.ForeignKey(Instructor, on_delete=models.CASCADE, related_name="offerings")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="offerings")
    modalities = ArrayField(models.CharField(max_length=16, choices=Modality.choices))
    levels = ArrayField(models.CharField(max_length=16, choices=Level.choices))
    age_from = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(0), MaxValueValidator(99)]
    )
    age_to = models.PositiveSmallIntegerField(
        default=99, validators=[MinValueValidator(0), MaxValueValidator(99)]
    )
    travel_fee_cents = models.BigIntegerField(default=0)
    materials_note = models.CharField(max_length=500, blank=True)
    is_active = models.BooleanField(default=True)

    objects = OfferingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["instructor", "service"], name="offering_unique"),
            models.CheckConstraint(
                condition=Q(age_from__lte=F("age_to")) & Q(age_to__lte=99),
                name="offering_ages_ordered",
            ),
            models.CheckConstraint(
                condition=Q(travel_fee_cents__gte=0) & Q(travel_fee_cents__lte=50000),
                name="offering_travel_fee_range",
            ),
            models.CheckConstraint(
                condition=Q(modalities__len__gt=0)
                & Q(modalities__contained_by=["at_student", "at_instructor", "public", "online"]),
                name="offering_modalities_known",
            ),
            models.CheckConstraint(
                condition=Q(levels__len__gt=0)
                & Q(levels__contained_by=["beginner", "intermediate", "advanced"]),
                name="offering_levels_known",
            ),
        ]
        indexes = [models.Index(fields=["service", "instructor"], name="offering_by_service")]

    def __str__(self) -> str:
        return f"offering {self.pk}"


class OfferingPrice(models.Model):
    """The price of one duration, in cents, for the whole lesson."""

    DURATIONS = (30, 45, 60, 75, 90, 120)

    offering = models.ForeignKey(Offering, on_delete=models.CASCADE, related_name="prices")
    duration_minutes = models.PositiveSmallIntegerField()
    price_cents = models.BigIntegerField()
    hourly_cents = models.GeneratedField(
        expression=(F("price_cents") * 60 + F("duration_minutes") - 1) / F("duration_minutes"),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )

    class Meta:
        ordering = ["duration_minutes"]
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "duration_minutes"], name="offering_price_unique"
            ),
            models.CheckConstraint(
                condition=Q(duration_minutes__in=[30, 45, 60, 75, 90, 120]),
                name="offering_price_duration_known",
            ),
            models.CheckConstraint(
                condition=Q(price_cents__gte=1000) & Q(price_cents__lte=50000),
                name="offering_price_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.duration_minutes} min"


class SeedRun(models.Model):
    """The demo city that this database holds: one row, written by the seed alone (Spec: G14)."""

    profile = models.CharField(max_length=20)
    anchor_on = models.DateField(help_text="The New York date around which the city was built.")
    booked_until_on = models.DateField(help_text="The last date with seeded lessons.")
    instructor_count = models.PositiveIntegerField()
    student_count = models.PositiveIntegerField()
    is_only = models.BooleanField(default=True, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    refreshed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_only"], name="seed_run_only_one"),
            models.CheckConstraint(condition=Q(is_only=True), name="seed_run_is_only"),
        ]

    def __str__(self) -> str:
        return f"{self.profile} {self.anchor_on}"


# They name the models above as text, so they come last.
from catalog.models.addresses import Address as Address  # noqa: E402
from catalog.models.inbox import ProfileReport as ProfileReport  # noqa: E402
from catalog.models.inbox import Queued as Queued  # noqa: E402
from catalog.models.inbox import ServiceSuggestion as ServiceSuggestion  # noqa: E402
from catalog.models.inbox import TeachingInterest as TeachingInterest  # noqa: E402
from catalog.models.interest import Favorite as Favorite  # noqa: E402
from catalog.models.interest import LearningPreferences as LearningPreferences  # noqa: E402
from catalog.models.policy import Policy as Policy  # noqa: E402
from catalog.models.profile import Credential as Credential  # noqa: E402
from catalog.models.profile import ProfileQuestion as ProfileQuestion  # noqa: E402
from catalog.models.team import AssistantInvitation as AssistantInvitation  # noqa: E402
from catalog.models.team import InstructorGrant as InstructorGrant  # noqa: E402
from catalog.models.waiting import ReturnAlert as ReturnAlert  # noqa: E402
from catalog.models.waiting import ServiceAlert as ServiceAlert  # noqa: E402
from catalog.models.waiting import WaitlistEntry as WaitlistEntry  # noqa: E402
