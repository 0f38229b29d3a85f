"""Application configuration."""

from django.apps import AppConfig


class ReviewsConfig(AppConfig):
    """Reviews."""

    name = "bookings.reviews"
    label = "reviews"
    verbose_name = "Reviews"

    def ready(self) -> None:
        """Offer reviews in My Lessons."""
        from bookings.lessons import my_lessons
        from bookings.reviews import personal_data  # noqa: F401 - registers
        from bookings.reviews.lesson_actions import review_actions

        my_lessons.register_actions(review_actions)
