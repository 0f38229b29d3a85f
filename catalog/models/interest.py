"""What people would like: instructors they keep, and what a new user told us."""

from django.db import models
from django.db.models import Q

from accounts.models import User
from catalog.interest_managers import FavoriteQuerySet, LearningPreferencesQuerySet
from instainstru import clock


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
