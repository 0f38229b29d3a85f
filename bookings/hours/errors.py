"""Refusals of saving hours, with what is stored now as the way out."""

from collections.abc import Mapping

from bookings.availability.weeks import Windows
from instainstru.errors import ConflictError


class StaleHoursError(ConflictError):
    """The hours changed since the page was read; nothing was saved. Spec: S15.6

    ``theirs`` are the hours stored now, by the number of the day with Monday 0; ``changed`` are
    the days that changed since, ``version`` is the token of what is stored.
    """

    code = "hours_changed"

    def __init__(self, *, theirs: Mapping[int, Windows], changed: list[int], version: str) -> None:
        super().__init__("These hours were changed elsewhere meanwhile. Nothing is saved yet.")
        self.theirs = dict(theirs)
        self.changed = changed
        self.version = version
