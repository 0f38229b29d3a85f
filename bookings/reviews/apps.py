"""Application configuration."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    """Reviews."""

    name = "bookings.reviews"
    label = "reviews"
    verbose_name = "Reviews"
