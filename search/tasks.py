"""Clock-driven jobs of search; each may run twice or never (Spec: S4.2)."""

from celery import shared_task


@shared_task(name="search.tidy_history")
def tidy_history() -> dict[str, int]:
    """Remove recent searches that are over their number or their time."""
    from instainstru import clock
    from search import history

    return history.tidy_history(now=clock.now())


@shared_task(name="search.keep_availability_days")
def keep_availability_days() -> int:
    """Draw the free quarter hours of calendars that changed."""
    from instainstru import clock
    from search import free_days

    return free_days.keep_availability_days(now=clock.now())


@shared_task(name="search.embed_services")
def embed_services() -> tuple[int, int]:
    """Encode what has no vector of the present model yet, and drop what is out of date."""
    from search import embedding

    return embedding.embed_services()


@shared_task(name="search.embed_offerings")
def embed_offerings() -> tuple[int, int]:
    """Encode what instructors say about their offers, after an edit or for the first time."""
    from search import offering_words

    return offering_words.embed_offerings()
