"""How much somebody has not read yet: the number at the bell (Spec: S13.5).

The apps above say what counts; a page asks once. Whoever adds or reads something bumps the version
of its person (``page_store.versions.of_person``), so that no copy of a page shows an old number.
"""

from collections.abc import Callable
from typing import Any, Final

from django.core.cache import cache
from django.db.models import QuerySet

from instainstru.page_store.versions import of_person, tokens

KEPT_SECONDS: Final = 60

Source = Callable[[int], QuerySet[Any]]
"""Returns the unread rows of a person, named by their key."""

_sources: Final[dict[str, Source]] = {}


def register(name: str, source: Source) -> None:
    """Count the rows of an app under a name, such as ``messages``; called from its ``ready``."""
    _sources[name] = source


def unread_count(person_id: int, *names: str) -> int:
    """Return how many rows wait for a person, of all kinds or of some, by one query."""
    sources = [_sources[name] for name in names or _sources]
    rows = [source(person_id).order_by().values_list("pk") for source in sources]
    if not rows:
        return 0
    first, *others = rows
    return first.union(*others, all=True).count() if others else first.count()


def shown_count(person_id: int) -> int:
    """Return the number at the bell, kept until the person's version is bumped, a minute at most.

    Every page of a signed-in person shows it, so it must not ask the database each time (D6).
    """
    # Never from the version that this process has seen: who has just read something looks at it.
    name = of_person(person_id)
    found = tokens([name], is_fresh=True)
    if found is None:
        return unread_count(person_id)
    key = f"bell:{person_id}:{found[name]}"
    number: int | None = cache.get(key)
    if number is None:
        number = unread_count(person_id)
        cache.set(key, number, KEPT_SECONDS)
    return number
