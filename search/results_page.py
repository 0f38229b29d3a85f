"""What the results page shows of one search, as plain values (Spec: S8.4, S8.5)."""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.urls import NoReverseMatch, reverse

from catalog.city_map import CityMap, matches_map
from instainstru.clock import NEW_YORK
from instainstru.templatetags.ui import money
from search.cards import result_card
from search.chips import FAMILIES, chips_of, clear_url
from search.close_matches import CATEGORY, CloseGroup, difference
from search.filters import (
    DAY_CHOICES,
    FILTER_NAMES,
    LEVEL_CHOICES,
    PART_CHOICES,
    RATING_CHOICES,
    WHERE_CHOICES,
    Choices,
    Filters,
    FiltersForm,
)
from search.matching import Sort
from search.offers import STRETCH
from search.page_state import PageState
from search.services import SearchResult
from search.snapshot import Snapshot

HELP = {
    "cancel": ("legal:terms", "Read how canceling and refunds work"),
    "refund": ("legal:terms", "Read how canceling and refunds work"),
    "reschedule": ("lessons:list", "Move a lesson in My lessons"),
    "payment": ("lessons:list", "Find payments and receipts in My lessons"),
    "password": ("account_change_password", "Change your password"),
    "account": ("account_reset_password", "Reset your password"),
    "become_instructor": ("teach-start", "See how to teach on InstaInstru"),
    "support": ("contact", "Write to us"),
}
SORT_WORDS = {
    Sort.BEST: "Best match",
    Sort.PRICE_LOW: "Lowest price",
    Sort.PRICE_HIGH: "Highest price",
    Sort.SOONEST: "Soonest time",
    Sort.RATING: "Best rated",
    Sort.NEAREST: "Nearest",
}
MOST_ASKED = 3
_GIVEN_UP = {
    "time": "at another time",
    "date": "on another day",
    "location": "nearby",
    "price": "a bit over the price",
    "level": "for another level",
}
TOGGLES = (
    ("day", "Days", DAY_CHOICES),
    ("time", "Time of day", PART_CHOICES),
    ("where", "Where", WHERE_CHOICES),
)


def page_values(
    result: SearchResult,
    filters: Filters,
    state: PageState,
    *,
    page_number: str | None,
    snapshot: Snapshot,
    now: datetime,
    has_origin: bool = False,
    sid: str = "",
) -> dict[str, Any]:
    """Return the template's values; a page beyond the end is the last one.

    ``sid`` names the search on the links to results and to its other pages. Spec: S2.6
    """
    page = Paginator(result.hits, result.page_size).get_page(page_number)
    today = now.astimezone(NEW_YORK).date()
    is_last = not page.has_next()
    return {
        "result": result,
        "page": page,
        "next_url": state.url(page=page.next_page_number(), sid=sid) if page.has_next() else None,
        "previous_url": state.url(page=page.previous_page_number(), sid=sid)
        if page.has_previous()
        else None,
        "left": min(result.page_size, len(result.hits) - page.end_index()),
        "cards": [result_card(hit, today=today, sid=sid) for hit in page.object_list],
        "groups": _groups(result, state, now, sid) if is_last else [],
        "chips": chips_of(result, filters, state),
        "clear_url": clear_url(result.query, state),
        "exact_url": state.set("exact", "1").url() if result.corrections else None,
        "help": _help(result.query.help_intent),
        "asks_where": result.query.is_about_home and not has_origin and not result.demand.places,
        "questions": _questions(result, state),
        "sorts": _sorts(result, state),
        "sort_words": SORT_WORDS[result.sort],
        "list_url": state.drop("view").url(),
        "map_url": state.set("view", "map").url(),
        "map": map_of(result, state, snapshot) if state.is_map else None,
        "zone_name": f"{now.astimezone(NEW_YORK):%Z}",
        **_category(result),
    }


def panel_values(
    form: FiltersForm, state: PageState, result: SearchResult | None
) -> dict[str, Any]:
    """Return the values of the filters panel; what was typed is kept, right or wrong."""
    used = {family.names[0] for family in FAMILIES if state.has(*family.names)}
    languages = list(result.languages) if result else []
    chosen = state.first("language")
    if chosen and chosen not in languages:
        languages.append(chosen)
    spoken = [(one, one) for one in languages]
    return {
        "form": form,
        "panel_kept": state.drop(*FILTER_NAMES).pairs,
        "box_kept": state.drop("q", "without", "exact").pairs,
        "filters_used": len(used),
        "said": {
            name: state.first(name) for name in ("price_min", "price_max", "place", "age", "on")
        },
        "toggles": [
            (name, label, _options(choices, state.all(name))) for name, label, choices in TOGGLES
        ],
        "selects": [
            ("level", "Level", _options(LEVEL_CHOICES, [state.first("level")])),
            ("rating", "Rating", _options(RATING_CHOICES, [state.first("rating")])),
            ("language", "Language", _options([("", "Any"), *spoken], [chosen])),
        ],
    }


def _options(choices: Choices, chosen: Sequence[str]) -> list[tuple[str, str, bool]]:
    return [(value, label, value in chosen) for value, label in choices]


def map_of(result: SearchResult, state: PageState, snapshot: Snapshot) -> CityMap:
    """Return where matches of any place teach; a number is that of the list of this place."""
    names = {place.pk: place.name for place in snapshot.places.values()}
    counts: Counter[str] = Counter()
    for hit in result.anywhere:
        counts.update({names[pk] for pk in {*hit.offer.served, hit.offer.base_id} & names.keys()})
    listed = state.drop("view")
    return matches_map(counts, lambda name: listed.set("place", name).url())


def _sorts(result: SearchResult, state: PageState) -> list[dict[str, Any]]:
    has_place = bool(result.demand.places) or any(hit.kilometers is not None for hit in result.hits)
    known = [sort for sort in Sort if sort is not Sort.NEAREST or has_place]
    return [
        {
            "url": (
                state.drop("sort") if sort is result.usual_sort else state.set("sort", sort)
            ).url(),
            "label": SORT_WORDS[sort],
            "is_current": sort is result.sort,
        }
        for sort in known
    ]


def _questions(result: SearchResult, state: PageState) -> list[tuple[str, str]]:
    """Return other spellings that may be meant, each with the address of its search. Spec: S8.2"""
    said = state.first("q")
    asked = []
    for one in result.questions:
        for right in (one.right, *one.alternatives)[:MOST_ASKED]:
            meant = re.sub(
                rf"\b{re.escape(one.wrong)}\b", right, said, count=1, flags=re.IGNORECASE
            )
            asked.append((right, state.set("q", meant if meant != said else right).url()))
    return asked


def _groups(
    result: SearchResult, state: PageState, now: datetime, sid: str
) -> list[dict[str, Any]]:
    today = now.astimezone(NEW_YORK).date()
    return [
        {
            **_relaxed(group, result, state),
            "cards": [
                result_card(
                    hit,
                    today=today,
                    sid=sid,
                    differs=difference(hit, group.relaxed, result.demand),
                )
                for hit in group.hits
            ],
        }
        for group in result.close
    ]


def _relaxed(group: CloseGroup, result: SearchResult, state: PageState) -> dict[str, Any]:
    """Return what a group gave up, and the one change of the chips that makes it a match."""
    said = {chip.token for chip in result.query.chips}
    demand = result.demand
    if len(group.parts) > 1:
        title = " and ".join(_GIVEN_UP[part] for part in group.parts)
        return {"title": f"{title[0].upper()}{title[1:]}", "action": "", "url": ""}

    def less(*names: str, tokens: Sequence[str] = ()) -> str:
        return state.drop(*names).without(said & set(tokens)).url()

    if group.relaxed == "time":
        return {
            "title": "At another time",
            "action": "Any time of day",
            "url": less("time", tokens=["time"]),
        }
    if group.relaxed == "date":
        url = less("on", "day", tokens=["date_expr", "weekdays"])
        return {"title": "On another day", "action": "Any day", "url": url}
    if group.relaxed == "location":
        return {"title": "Nearby", "action": "Anywhere", "url": less("place", tokens=["location"])}
    if group.relaxed == "level":
        return {
            "title": "For another level",
            "action": "Any level",
            "url": less("level", tokens=["level"]),
        }
    if group.relaxed == CATEGORY and result.service is not None:
        return {"title": f"More of {result.service.category}", "action": "", "url": ""}
    limit = demand.max_cents
    if limit is None or demand.price_basis == "lesson":
        tokens = ["max_price", "min_price"]
        url = less("price_min", "price_max", tokens=tokens)
        return {"title": "At another price", "action": "Any price", "url": url}
    stretched = int(limit * STRETCH) // 100
    url = state.set("price_max", str(stretched)).url()
    return {"title": f"A bit over {money(limit)}", "action": f"Up to ${stretched}/hour", "url": url}


def _address_of(name: str, *parts: str) -> str | None:
    """Return the address of a page, or None where the site has none: no link is dead."""
    try:
        return reverse(name, args=parts)
    except NoReverseMatch:
        return None


def _help(topic: str | None) -> dict[str, str] | None:
    if topic not in HELP:
        return None
    name, words = HELP[topic]
    url = _address_of(name)
    return {"url": url, "words": words} if url else None


def _category(result: SearchResult) -> dict[str, str | None]:
    if result.service is None:
        return {}
    service = result.service
    return {
        "category_url": reverse("catalog:category", args=[service.category_slug]),
        "category_name": service.category,
        "notify_url": _address_of("catalog:notify", service.slug),
    }
