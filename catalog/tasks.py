"""Background work on the catalogue."""

from celery import shared_task


@shared_task(name="catalog.forget_old_interest")
def forget_old_interest() -> None:
    """Delete addresses and guests' rows that are too old."""
    from catalog import interest
    from instainstru import clock

    interest.forget_old_interest(clock.now())
