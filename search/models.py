"""Recent searches of a person or a guest, vectors and free days (Spec: S2, S8.11)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q
from pgvector.django import HalfVectorField, VectorField

from catalog.models import Instructor, Offering, Service
from search.history_manager import HistoryPauseManager, SearchHistoryManager

MOST_LETTERS = 200
HALF_A_DAY = 2**48
"""One more than the largest set of 48 quarter hours."""


class SearchHistory(models.Model):
    """One query of one owner with how often it was searched; equality is the database's.

    ``normalized_query`` is written by the database alone, with the function that also decides what
    is stored at all. Spec: S2.1, S2.2
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, db_index=False, related_name="+"
    )
    guest_key = models.CharField(  # noqa: DJ001 - null means: an account owns it
        max_length=64, null=True
    )
    query_text = models.CharField(max_length=MOST_LETTERS)
    normalized_query = models.GeneratedField(
        expression=Func(F("query_text"), function="ii_normalize_query"),
        output_field=models.TextField(),
        db_persist=True,
    )
    search_count = models.PositiveIntegerField(default=1)
    results_count = models.PositiveIntegerField()
    first_searched_at = models.DateTimeField()
    last_searched_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    objects = SearchHistoryManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, guest_key__isnull=True)
                | Q(user__isnull=True, guest_key__isnull=False),
                name="search_history_one_owner",
            ),
            # No index holds the times: a repeated search then rewrites no index.
            models.UniqueConstraint(
                fields=["user", "guest_key", "normalized_query"],
                nulls_distinct=False,
                name="search_history_once_per_owner",
            ),
            models.CheckConstraint(
                condition=~Q(normalized_query=""), name="search_history_says_something"
            ),
            models.CheckConstraint(condition=Q(search_count__gte=1), name="search_history_counted"),
            models.CheckConstraint(
                condition=Q(first_searched_at__lte=F("last_searched_at")),
                name="search_history_first_before_last",
            ),
        ]

    def __str__(self) -> str:
        return f"search {self.pk}"


class HistoryPause(models.Model):
    """An owner who wants no searches kept. Spec: S2.5"""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+"
    )
    guest_key = models.CharField(  # noqa: DJ001 - null means: an account owns it
        max_length=64, null=True, unique=True
    )
    paused_at = models.DateTimeField()

    objects = HistoryPauseManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=False, guest_key__isnull=True)
                | Q(user__isnull=True, guest_key__isnull=False),
                name="history_pause_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"pause {self.pk}"


class ServiceVector(models.Model):
    """One text of a service as a vector of one model; the worker keeps them up to date.

    Spec: S8.8, S8.10
    """

    class Kind(models.TextChoices):
        FULL = "full", "Everything that is said of it"
        NAMES = "names", "Name and keywords"
        PHRASE = "phrase", "One phrase"

    service = models.ForeignKey(Service, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    text = models.TextField()
    model_name = models.CharField(max_length=100)
    model_digest = models.CharField(max_length=16)
    dimension = models.PositiveSmallIntegerField()
    vector = VectorField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["service", "kind", "text", "model_digest"], name="service_vector_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["full", "names", "phrase"]), name="service_vector_kind"
            ),
            models.CheckConstraint(
                condition=Q(
                    dimension=Func(
                        F("vector"),
                        function="vector_dims",
                        output_field=models.IntegerField(),
                    )
                ),
                name="service_vector_dimension",
            ),
        ]

    def __str__(self) -> str:
        return f"vector {self.pk}"


class OfferingVector(models.Model):
    """What an instructor says about an offer as a vector of one model (Spec: S8.11, S8.15).

    ``text_digest`` is that of the text it was made of; the worker makes it anew after an edit.
    The index ``offering_vector_near`` is for the 384 numbers of the usual model; its migration
    alone knows it.
    """

    offering = models.ForeignKey(Offering, models.CASCADE, related_name="+")
    model_digest = models.CharField(max_length=16)
    text_digest = models.CharField(max_length=32)
    vector = HalfVectorField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["offering", "model_digest"], name="offering_vector_once"
            )
        ]

    def __str__(self) -> str:
        return f"vector of offering {self.offering_id}"


class AvailabilityDay(models.Model):
    """The quarter hours of one local date on which an instructor may be free; the worker's work.

    Bit i of ``morning`` is the quarter from i * 15 minutes on the instructor's clock, of
    ``evening`` the one 12 hours later. A prefilter, never the safety check: a set bit promises
    nothing, since holds, buffers, notice and limits do not count. Spec: S8.11
    """

    instructor = models.ForeignKey(
        Instructor, models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    local_on = models.DateField()
    morning = models.BigIntegerField()
    evening = models.BigIntegerField()

    class Meta:
        constraints = [
            # With both sets in the index a search reads nothing but the index.
            models.UniqueConstraint(
                fields=["instructor", "local_on"],
                include=["morning", "evening"],
                name="availability_day_once",
            ),
            models.CheckConstraint(
                condition=Q(morning__gte=0, morning__lt=HALF_A_DAY),
                name="availability_day_morning_has_48_quarters",
            ),
            models.CheckConstraint(
                condition=Q(evening__gte=0, evening__lt=HALF_A_DAY),
                name="availability_day_evening_has_48_quarters",
            ),
        ]
        indexes = [models.Index(fields=["local_on"], name="availability_day_by_date")]

    def __str__(self) -> str:
        return f"{self.instructor_id} on {self.local_on}"


class AvailabilityBuild(models.Model):
    """How far ``AvailabilityDay`` has got: one row. Spec: S8.11

    ``seen_below`` is the number below which the changes of all transactions are in the days.
    """

    is_only = models.BooleanField(default=True, editable=False)
    seen_below = models.TextField()
    built_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["is_only"], name="availability_build_only_one"),
            models.CheckConstraint(condition=Q(is_only=True), name="availability_build_is_only"),
        ]

    def __str__(self) -> str:
        return f"at {self.built_at}"
