"""Bookings and what happens to them."""

from bookings.lessons.models.booking import (
    BLOCKING_STATUSES,
    Blocked,
    Booking,
    BookingGrant,
    IdempotencyRecord,
    Span,
)
from bookings.lessons.models.changes import BookingRevision, Proposal
from bookings.lessons.models.emergencies import EmergencyRequest
from bookings.lessons.models.feeds import CalendarFeed
from bookings.lessons.models.late import LateNotice
from bookings.lessons.models.reports import LessonReport, ReportEvidence, Strike
from bookings.lessons.models.weather import WeatherQuestion

__all__ = [
    "BLOCKING_STATUSES",
    "Blocked",
    "Booking",
    "BookingGrant",
    "BookingRevision",
    "CalendarFeed",
    "EmergencyRequest",
    "IdempotencyRecord",
    "LateNotice",
    "LessonReport",
    "Proposal",
    "ReportEvidence",
    "Span",
    "Strike",
    "WeatherQuestion",
]
