"""What an instructor tells on the profile besides the bio: where they learned, and answers."""

from django.db import models
from django.db.models import Q

MOST_QUESTIONS = 10
MOST_CREDENTIALS = 20


class Credential(models.Model):
    """Education or a certificate; self-declared until somebody verified it (Spec: S10.1)."""

    class Kind(models.TextChoices):
        EDUCATION = "education", "Education"
        CERTIFICATE = "certificate", "Certificate"

    instructor = models.ForeignKey(
        "catalog.Instructor", on_delete=models.CASCADE, related_name="credentials"
    )
    kind = models.CharField(max_length=11, choices=Kind.choices)
    title = models.CharField(max_length=120)
    issuer = models.CharField(max_length=120)
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    verified_on = models.DateField(null=True, blank=True, help_text="Empty: self-declared.")
    position = models.PositiveSmallIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instructor", "position"], name="credential_position_unique"
            ),
            models.CheckConstraint(
                condition=Q(position__gte=1) & Q(position__lte=MOST_CREDENTIALS),
                name="credential_at_most_twenty",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["education", "certificate"]), name="credential_kind_known"
            ),
            models.CheckConstraint(
                condition=~Q(title="") & ~Q(issuer=""), name="credential_says_what_and_whose"
            ),
            models.CheckConstraint(
                condition=Q(year__isnull=True) | (Q(year__gte=1930) & Q(year__lte=2100)),
                name="credential_year_sane",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ProfileQuestion(models.Model):
    """A question that an instructor answers on the profile; at most ten (Spec: S10.1)."""

    instructor = models.ForeignKey(
        "catalog.Instructor", on_delete=models.CASCADE, related_name="questions"
    )
    position = models.PositiveSmallIntegerField()
    question = models.CharField(max_length=160)
    answer = models.CharField(max_length=600)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instructor", "position"], name="profile_question_position_unique"
            ),
            models.CheckConstraint(
                condition=Q(position__gte=1) & Q(position__lte=MOST_QUESTIONS),
                name="profile_question_at_most_ten",
            ),
            models.CheckConstraint(
                condition=~Q(question="") & ~Q(answer=""), name="profile_question_is_answered"
            ),
        ]

    def __str__(self) -> str:
        return self.question
