"""Clock-driven jobs of the pages that compose several apps; each may run twice or never."""

from celery import shared_task


@shared_task(name="pages.refresh_open_places")
def refresh_open_places() -> int:
    """Find the neighborhoods with times left today."""
    from instainstru import clock
    from instainstru.pages import new_york

    return new_york.refresh_open_places(clock.now())
