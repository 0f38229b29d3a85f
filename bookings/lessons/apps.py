"""Application configuration."""

from django.apps import AppConfig


class LessonsConfig(AppConfig):
    """Lessons."""

    name = "bookings.lessons"
    label = "lessons"
    verbose_name = "Lessons"
