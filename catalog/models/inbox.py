"""What people sent us for staff to look through: ideas, wishes to teach, reports."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from accounts.models import User
from catalog.interest_managers import ProfileReportQuerySet, QueueQuerySet, TeachingInterestQuerySet
from instainstru import clock
from instainstru.identifiers import public_id


class Queued(models.Model):
    """A row of one of the staff's lists: open until somebody marks it as done."""

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    handled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="%(class)s_public_id_unique"),
            models.CheckConstraint(
                condition=Q(handled_at__isnull=True) | Q(handled_at__gte=F("created_at")),
                name="%(class)s_handled_after_made",
            ),
        ]
        indexes = [models.Index(fields=["-created_at"], name="%(class)s_newest")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.public_id}"

    def parties(self) -> tuple[int | None, ...]:
        """Return the accounts that it concerns: they decide nothing about it (Spec: S5.9)."""
        return ()


class ServiceSuggestion(Queued):
    """A service that somebody missed; the catalogue's staff read the queue (Spec: S7.3)."""

    name = models.CharField(max_length=80)
    note = models.CharField(max_length=300, blank=True)

    objects = QueueQuerySet.as_manager()

    class Meta(Queued.Meta):
        constraints = [
            *Queued.Meta.constraints,
            models.CheckConstraint(
                condition=Q(name__regex=r"\S.*\S"), name="suggestion_name_two_letters"
            ),
        ]


class TeachingInterest(Queued):
    """Somebody would like to teach and left an address for staff to write to."""

    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=60)
    teaches = models.CharField(max_length=120)
    neighborhood = models.ForeignKey(
        "catalog.Neighborhood", on_delete=models.PROTECT, related_name="+"
    )

    objects = TeachingInterestQuerySet.as_manager()

    class Meta(Queued.Meta):
        constraints = [
            *Queued.Meta.constraints,
            models.UniqueConstraint(
                Lower("email"), Lower("teaches"), "neighborhood", name="teaching_interest_unique"
            ),
        ]


class ProfileReport(Queued):
    """Somebody says that a profile breaks the rules; safety comes first (Spec: S10.5)."""

    class Kind(models.TextChoices):
        MISLEADING = "misleading", "It is misleading or untrue"
        CONTACT = "contact", "It asks to book or pay outside InstaInstru"
        OFFENSIVE = "offensive", "It is offensive"
        SAFETY = "safety", "I'm worried about somebody's safety"
        OTHER = "other", "Something else"

    instructor = models.ForeignKey(
        "catalog.Instructor", on_delete=models.CASCADE, related_name="reports"
    )
    reporter = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    email = models.EmailField(max_length=254, blank=True, help_text="Of somebody not signed in.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.TextField(max_length=2000)

    objects = ProfileReportQuerySet.as_manager()

    class Meta(Queued.Meta):
        constraints = [
            *Queued.Meta.constraints,
            models.CheckConstraint(
                condition=Q(kind__in=["misleading", "contact", "offensive", "safety", "other"]),
                name="profilereport_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(text__regex=".{20}"), name="profilereport_says_something"
            ),
        ]

    @property
    def is_urgent(self) -> bool:
        """Whether staff must look at it before everything else."""
        return self.kind == self.Kind.SAFETY

    def parties(self) -> tuple[int | None, ...]:
        """Return who reported and whose profile it is."""
        return (self.reporter_id, self.instructor.user_id)
