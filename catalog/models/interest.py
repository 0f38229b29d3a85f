"""What people would like: instructors they keep, services and places they wait for, ideas.

Addresses here belong to people who may have no account, so each row says when it was answered.
"""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.models import User
from catalog.interest_managers import (
    FavoriteQuerySet,
    LearningPreferencesQuerySet,
    SuggestionQuerySet,
    TeachingInterestQuerySet,
    WaitingQuerySet,
)
from instainstru import clock
from instainstru.identifiers import public_id


class Favorite(models.Model):
    """An instructor somebody keeps; a guest's row waits for their sign-in (Spec: S9.5)."""

    user = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.CASCADE, related_name="favorites"
    )
    guest_key = models.CharField(  # noqa: DJ001 - null means: an account owns it
        max_length=64, null=True, blank=True
    )
    instructor = models.ForeignKey(
        "catalog.Instructor", on_delete=models.CASCADE, related_name="favorites"
    )
    created_at = models.DateTimeField(default=clock.now)

    objects = FavoriteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True, guest_key__isnull=False)
                | Q(user__isnull=False, guest_key__isnull=True),
                name="favorite_user_or_guest",
            ),
            models.UniqueConstraint(fields=["user", "instructor"], name="favorite_user_unique"),
            models.UniqueConstraint(
                fields=["guest_key", "instructor"], name="favorite_guest_unique"
            ),
        ]

    def __str__(self) -> str:
        return f"favorite {self.pk}"


class Waiting(models.Model):
    """An address that wants one mail when something comes true, and a way out of it.

    The mail carries a random token; only its hash is kept.
    """

    email = models.EmailField(max_length=254)
    created_at = models.DateTimeField(default=clock.now)
    notified_at = models.DateTimeField(null=True, blank=True)
    removal_hash = models.CharField(max_length=64, blank=True, editable=False)

    objects = WaitingQuerySet.as_manager()

    class Meta:
        abstract = True


class WaitlistEntry(Waiting):
    """Somebody waits for instructors in a neighborhood (Spec: S9.4)."""

    neighborhood = models.ForeignKey(
        "catalog.Neighborhood", on_delete=models.PROTECT, related_name="waitlist"
    )

    class Meta:
        verbose_name_plural = "waitlist entries"
        constraints = [
            models.UniqueConstraint(Lower("email"), "neighborhood", name="waitlist_entry_unique"),
            models.CheckConstraint(
                condition=Q(notified_at__isnull=True) | ~Q(removal_hash=""),
                name="waitlist_mail_has_way_out",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="waitlist_unanswered",
                condition=Q(notified_at__isnull=True),
            ),
            models.Index(fields=["removal_hash"], name="waitlist_removal"),
        ]

    def __str__(self) -> str:
        return f"waitlist {self.pk}"


class ServiceAlert(Waiting):
    """Somebody waits for the first instructor of a service (Spec: S7.5)."""

    service = models.ForeignKey("catalog.Service", on_delete=models.CASCADE, related_name="alerts")

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), "service", name="service_alert_unique"),
            models.CheckConstraint(
                condition=Q(notified_at__isnull=True) | ~Q(removal_hash=""),
                name="service_alert_mail_has_way_out",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                name="service_alert_unanswered",
                condition=Q(notified_at__isnull=True),
            ),
            models.Index(fields=["removal_hash"], name="service_alert_removal"),
        ]

    def __str__(self) -> str:
        return f"service alert {self.pk}"


class ServiceSuggestion(models.Model):
    """A service that somebody missed; the catalogue's staff read the queue (Spec: S7.3)."""

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    name = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    handled_at = models.DateTimeField(null=True, blank=True)

    objects = SuggestionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="suggestion_public_id_unique"),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S.*\S"), name="suggestion_name_two_letters"
            ),
            models.CheckConstraint(
                condition=Q(handled_at__isnull=True) | Q(handled_at__gte=F("created_at")),
                name="suggestion_handled_after_made",
            ),
        ]
        indexes = [models.Index(fields=["-created_at"], name="suggestion_newest")]

    def __str__(self) -> str:
        return self.name


class TeachingInterest(models.Model):
    """Somebody would like to teach and left an address for staff to write to."""

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=60)
    teaches = models.CharField(max_length=120)
    neighborhood = models.ForeignKey(
        "catalog.Neighborhood", on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)
    handled_at = models.DateTimeField(null=True, blank=True)

    objects = TeachingInterestQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["public_id"], name="teaching_interest_public_id_unique"
            ),
            models.UniqueConstraint(
                Lower("email"), Lower("teaches"), "neighborhood", name="teaching_interest_unique"
            ),
            models.CheckConstraint(
                condition=Q(handled_at__isnull=True) | Q(handled_at__gte=F("created_at")),
                name="teaching_interest_handled_after_made",
            ),
        ]
        indexes = [models.Index(fields=["-created_at"], name="teaching_interest_newest")]

    def __str__(self) -> str:
        return f"teaching interest {self.pk}"


class LearningPreferences(models.Model):
    """What a new user told us in three taps; an empty row means: skipped (Spec: S9.2)."""

    class Learners(models.TextChoices):
        SELF = "self", "Me"
        CHILD = "child", "A child"
        OTHER = "other", "Another adult"

    user = models.OneToOneField(
        User, on_delete=models.CASCADE, related_name="learning_preferences", primary_key=True
    )
    category = models.ForeignKey(
        "catalog.Category", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    learners = models.CharField(max_length=5, choices=Learners.choices, blank=True)
    neighborhood = models.ForeignKey(
        "catalog.Neighborhood", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    updated_at = models.DateTimeField(default=clock.now)

    objects = LearningPreferencesQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "learning preferences"
        constraints = [
            models.CheckConstraint(
                condition=Q(learners__in=["", "self", "child", "other"]),
                name="learning_preferences_learners_known",
            )
        ]

    def __str__(self) -> str:
        return f"preferences of user {self.pk}"
