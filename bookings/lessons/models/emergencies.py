"""That a student asks for their money back because of an emergency (Spec: C8)."""

from django.db import models
from django.db.models import Q

from bookings.lessons.models.booking import Booking
from instainstru import clock


class EmergencyRequest(models.Model):
    """What kept the student from a lesson, in their words, and what staff answered; once a lesson.

    ``answer`` is what the student read after a no, which may be given back all the same later.
    """

    class Outcome(models.TextChoices):
        OPEN = "", "Not decided"
        GIVEN_BACK = "given_back", "Given back"
        DECLINED = "declined", "Declined"

    booking = models.OneToOneField(Booking, on_delete=models.PROTECT, related_name="emergency")
    statement = models.CharField(max_length=2000)
    created_at = models.DateTimeField(default=clock.now)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, blank=True)
    answer = models.CharField(max_length=1000, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", decided_at__isnull=True)
                | Q(outcome__in=["given_back", "declined"], decided_at__isnull=False),
                name="emergency_request_decided_with_outcome",
            ),
            models.CheckConstraint(
                condition=(Q(outcome="declined") & ~Q(answer=""))
                | Q(outcome="", answer="")
                | Q(outcome="given_back"),
                name="emergency_request_declined_with_answer",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.outcome or 'open'}"
