"""That one side wants to call a lesson outdoors off for the weather (Spec: C8)."""

from django.db import models
from django.db.models import Q

from bookings.lessons.models.booking import Booking
from bookings.lessons.models.changes import Side
from instainstru import clock


class WeatherQuestion(models.Model):
    """One side asks to cancel for the weather and the other answers; once for each time (C8).

    ``revision`` is the lesson's when it was asked: after a move there is other weather.
    """

    class Answer(models.TextChoices):
        OPEN = "", "Not answered"
        AGREED = "agreed", "Agreed"
        DECLINED = "declined", "Declined"

    booking = models.ForeignKey(Booking, on_delete=models.PROTECT, related_name="weather_questions")
    revision = models.PositiveIntegerField()
    asked_by = models.CharField(max_length=10, choices=Side.choices)
    asked_at = models.DateTimeField(default=clock.now)
    answer = models.CharField(max_length=10, choices=Answer.choices, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(asked_by__in=["student", "instructor"]),
                name="weather_question_of_student_or_instructor",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_at__isnull=True)
                | Q(answer__in=["agreed", "declined"], answered_at__isnull=False),
                name="weather_question_answered_once",
            ),
            models.UniqueConstraint(
                fields=["booking", "revision"],
                condition=Q(answer=""),
                name="weather_question_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking_id}: {self.asked_by} {self.answer or 'open'}"
