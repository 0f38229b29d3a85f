"""Hits as the plain values of ``components/instructor_card.html`` (Spec: S8.4)."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse

from instainstru.clock import NEW_YORK
from instainstru.templatetags.ui import counted, format_clock, format_day, money
from search.close_matches import miles
from search.matching import Hit

HOUR = 60
DAYS_NAMED_BY_WEEKDAY = 6
SAME_PLACE_KM = 0.05


def result_card(hit: Hit, *, today: date, sid: str = "", differs: str = "") -> dict[str, Any]:
    """Return the values of one card; ``today`` is the New York date of the page.

    Its links carry ``sid``, the search that shows it. Spec: S2.6
    """
    offer = hit.offer
    chosen: dict[str, Any] = {"service": hit.service_slug}
    if hit.minutes != offer.minutes_for(None):
        chosen["duration"] = hit.minutes
    if sid:
        chosen["sid"] = sid
    profile = reverse("instructor-profile", args=[offer.slug])
    book = f"{reverse('lessons:times', args=[offer.slug])}?{urlencode(chosen)}"
    hour = money(hit.hourly_cents)
    return {
        "url": f"{profile}?{urlencode(chosen)}",
        "slug": offer.slug,
        "name": offer.name,
        "headline": offer.headline,
        "price_text": hour,
        "price_unit": "/hour",
        "price_note": ""
        if hit.minutes == HOUR
        else f"{money(hit.price_cents)} for {hit.minutes} min",
        "rating_text": offer.rating.text,
        "review_count": offer.rating.count,
        "facts": [hit.service_name, counted(offer.years, "year"), _place(hit)],
        "badges": _badges(is_founding=offer.is_founding),
        "times": [
            {"url": f"{book}&start={_instant(start)}", "text": _words(start, offer.zone, today)}
            for start in hit.starts
        ],
        "more_url": book,
        "why": " · ".join(hit.reasons),
        "differs": differs,
    }


def _badges(*, is_founding: bool) -> Sequence[dict[str, str]]:
    badges = [{"icon": "shield-check", "text": "Background checked"}]
    return [*badges, {"icon": "award", "text": "Founding instructor"}] if is_founding else badges


def _place(hit: Hit) -> str:
    if hit.kilometers is None or hit.kilometers < SAME_PLACE_KM:
        return f"{hit.offer.base}, {hit.offer.borough}"
    return f"{hit.offer.base}, {miles(hit.kilometers)}"


def _instant(start: datetime) -> str:
    return quote(f"{start:%Y-%m-%dT%H:%M:%SZ}", safe=":")


def _words(start: datetime, zone: str, today: date) -> str:
    """Print a time of a list whose heading names New York's zone: ``Sat 10:00 AM``.

    Days further away than a week carry their date, another zone its abbreviation. Spec: G7.
    """
    local = start.astimezone(ZoneInfo(zone))
    is_near = (local.date() - today).days <= DAYS_NAMED_BY_WEEKDAY
    on = f"{local:%a}" if is_near else format_day(local.date())
    is_elsewhere = local.utcoffset() != start.astimezone(NEW_YORK).utcoffset()
    return f"{on} {format_clock(start, zone, abbreviation=is_elsewhere)}"
