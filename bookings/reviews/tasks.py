"""Jobs of reviews; each may run twice or never (Spec: S4.2)."""

from celery import shared_task


@shared_task(name="reviews.refresh_statistics")
def refresh_statistics() -> int:
    """Count anew where something changed; every minute."""
    from bookings.reviews import services

    return services.refresh_statistics()


@shared_task(name="reviews.remind_of_reviews")
def remind_of_reviews() -> int:
    """Write to students whose review is due."""
    from bookings.reviews import reminders

    return reminders.remind_of_reviews()


@shared_task(name="reviews.rebuild_statistics")
def rebuild_statistics() -> int:
    """Count everybody anew, because the days of the Top badge pass without a change."""
    from bookings.reviews import services

    return services.rebuild_statistics()
