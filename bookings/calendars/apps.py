"""Application configuration."""

from django.apps import AppConfig


class CalendarsConfig(AppConfig):
    """Connected calendars; their rows are a layer of an instructor's time (availability)."""

    name = "bookings.calendars"
    label = "calendars"
    verbose_name = "Connected calendars"
