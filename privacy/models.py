"""What people agreed to, one row for every time they were asked."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from instainstru import clock
from privacy.managers import ConsentQuerySet


class Consent(models.Model):
    """One answer to one question, in the words of that day; a trigger refuses changes.

    What a person agrees to now is their newest row of a purpose. The last five fields are kept for
    text messages alone, where the law asks for them. Spec: S6.4, S13.6
    """

    class Purpose(models.TextChoices):
        TERMS = "terms", "Terms of use"
        PRIVACY = "privacy", "Privacy notice"
        ANALYTICS = "analytics", "Analytics"
        MARKETING = "marketing", "Tips and news by email"
        SMS = "sms", "Text messages"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="consents"
    )
    purpose = models.CharField(max_length=9, choices=Purpose.choices)
    is_given = models.BooleanField()
    version = models.CharField(max_length=20, help_text="Which words the person saw.")
    page = models.CharField(max_length=200, help_text="The path of the page that asked.")
    created_at = models.DateTimeField(default=clock.now)
    phone = models.CharField(max_length=16, blank=True)
    name = models.CharField(max_length=121, blank=True)
    email = models.EmailField(max_length=254, blank=True)
    ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(purpose__in=["terms", "privacy", "analytics", "marketing", "sms"]),
                name="consent_purpose_known",
            ),
            models.CheckConstraint(condition=~Q(version=""), name="consent_names_its_words"),
            models.CheckConstraint(
                condition=Q(purpose="sms")
                | Q(phone="", name="", email="", ip__isnull=True, user_agent=""),
                name="consent_person_only_for_texts",
            ),
            models.CheckConstraint(
                condition=~Q(purpose="sms", is_given=True) | ~(Q(phone="") | Q(email="")),
                name="consent_to_texts_names_the_phone",
            ),
        ]
        indexes = [
            models.Index(fields=["user", "purpose", "-created_at"], name="consent_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {'given' if self.is_given else 'refused'}"
