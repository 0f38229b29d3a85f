"""Links to the time page that keep everything already chosen."""

from datetime import date, datetime
from typing import Protocol
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import template
from django.urls import reverse

from bookings.lessons.time_selection import Choice, ChosenOffer
from catalog.models import Instructor

register = template.Library()


class Panel(Protocol):
    """What a page knows that leads to the times of one instructor."""

    @property
    def instructor(self) -> Instructor:
        """Whose times."""

    @property
    def chosen(self) -> ChosenOffer:
        """Service, length and place."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose dates the page shows."""


class ChoicePanel(Panel, Protocol):
    """A page of the chooser itself."""

    @property
    def choice(self) -> Choice:
        """What the address or the form said."""


def _query(panel: Panel, on: date | datetime | None, start: datetime | None) -> dict[str, str]:
    query = panel.chosen.as_query()
    if isinstance(on, datetime):
        on = on.astimezone(panel.zone).date()
    if on is not None:
        query["date"] = on.isoformat()
    if start is not None:
        query["start"] = f"{start:%Y-%m-%dT%H:%M:%SZ}"
    return query


@register.simple_tag
def times_url(
    page: Panel, *, date: date | datetime | None = None, start: datetime | None = None
) -> str:
    """Return the address of the time page from elsewhere, with a day or start chosen."""
    path = reverse("lessons:times", args=[page.instructor.slug])
    return f"{path}?{urlencode(_query(page, date, start))}"


@register.simple_tag
def choice_url(
    page: ChoicePanel,
    *,
    date: date | datetime | None = None,
    start: datetime | None = None,
    month: date | None = None,
    view: str | None = None,
    zone: str | None = None,
    why: str | None = None,
) -> str:
    """Return the query of the time page itself with something else chosen, the rest kept."""
    query = {**_query(page, date, start), **page.choice.kept_query()}
    changes = {"month": f"{month:%Y-%m}" if month else None, "view": view, "zone": zone}
    changes["why"] = why
    query.update({name: value for name, value in changes.items() if value is not None})
    return f"?{urlencode({name: value for name, value in query.items() if value})}"
