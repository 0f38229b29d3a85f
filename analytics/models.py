"""Searches that were executed, the cards they showed, and what was done with them (Spec: S3)."""

from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q

from analytics.kinds import InteractionType, PlaceSource, Referrer, SearchType
from analytics.managers import SearchEventManager, SearchInteractionManager

MOST_LETTERS: Final = 200


def _one_of(field: str, choices: type[models.TextChoices], name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__in": choices.values}), name=name)


class SearchEvent(models.Model):
    """One executed search. Without consent it names nobody and no place. Spec: S3.1, S3.2

    ``filters`` is the address without the words and the page, ``top_ids`` are the instructors of
    the first twenty matches, ``latency_ms`` is the time in the server.
    """

    search_id = models.UUIDField(primary_key=True)
    # The index below leads to it; erasing a person only takes this link.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, db_index=False, related_name="+"
    )
    guest_key = models.CharField(max_length=64, null=True)  # noqa: DJ001 - null: no guest
    query_raw = models.CharField(max_length=MOST_LETTERS, blank=True)
    normalized_query = models.GeneratedField(
        expression=Func(F("query_raw"), function="ii_normalize_query"),
        output_field=models.TextField(),
        db_persist=True,
    )
    search_type = models.CharField(max_length=16, choices=SearchType.choices)
    parsed = models.JSONField()
    filters = models.JSONField()
    results_count = models.PositiveIntegerField()
    top_ids = ArrayField(models.BigIntegerField())
    confidence = models.FloatField(null=True)
    match = models.CharField(max_length=8)
    mode = models.CharField(max_length=8)
    latency_ms = models.FloatField()
    borough = models.CharField(max_length=40, blank=True)
    neighborhood = models.CharField(max_length=80, blank=True)
    place_source = models.CharField(max_length=7, choices=PlaceSource.choices, blank=True)
    referrer = models.CharField(max_length=8, choices=Referrer.choices)
    ip_hash = models.CharField(max_length=32, blank=True)
    is_excluded = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    objects = SearchEventManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True) | Q(guest_key__isnull=True),
                name="search_event_one_owner_at_most",
            ),
            _one_of("search_type", SearchType, "search_event_type_known"),
            _one_of("place_source", PlaceSource, "search_event_place_source_known"),
            _one_of("referrer", Referrer, "search_event_referrer_known"),
        ]
        indexes = [
            models.Index(fields=["created_at"], name="search_event_by_time"),
            models.Index(
                fields=["user", "created_at"],
                condition=Q(user__isnull=False),
                name="search_event_of_user",
            ),
            models.Index(
                fields=["guest_key"],
                condition=Q(guest_key__isnull=False),
                name="search_event_of_guest",
            ),
        ]

    def __str__(self) -> str:
        return f"search {self.search_id}"


class SearchImpression(models.Model):
    """A card that a search showed, at which place, and what its rank was made of. Spec: S8.3

    ``position`` counts from 1 over all pages; close matches stand behind the matches.
    """

    event = models.ForeignKey(
        SearchEvent, models.CASCADE, db_index=False, related_name="impressions"
    )
    position = models.PositiveSmallIntegerField()
    # No constraint in the database: it would lock the rows of twenty instructors for each search.
    instructor = models.ForeignKey(
        "catalog.Instructor", models.CASCADE, db_constraint=False, db_index=False, related_name="+"
    )
    offering_id = models.BigIntegerField()
    is_close = models.BooleanField()
    factors = models.JSONField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event", "position"], name="search_impression_once_per_place"
            ),
            models.CheckConstraint(condition=Q(position__gte=1), name="search_impression_from_one"),
        ]

    def __str__(self) -> str:
        return f"impression {self.pk}"


class SearchInteraction(models.Model):
    """What somebody did with a search; ``event_id`` makes the same deed one row. Spec: S3.3"""

    event_id = models.UUIDField(primary_key=True)
    search = models.ForeignKey(SearchEvent, models.CASCADE, related_name="interactions")
    type = models.CharField(max_length=18, choices=InteractionType.choices)
    position = models.PositiveSmallIntegerField(null=True)
    instructor = models.ForeignKey(
        "catalog.Instructor",
        models.CASCADE,
        null=True,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    created_at = models.DateTimeField()

    objects = SearchInteractionManager()

    class Meta:
        constraints = [
            _one_of("type", InteractionType, "search_interaction_type_known"),
            models.CheckConstraint(
                condition=Q(position__isnull=True) | Q(position__gte=1),
                name="search_interaction_from_one",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"
