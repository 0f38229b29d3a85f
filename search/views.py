"""The results page (Spec: S8.4, S8.5)."""

from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from instainstru import clock
from instainstru.access import public
from instainstru.http import mark_private, render_page_or_fragment
from instainstru.templatetags.ui import money
from search.parser import Chip
from search.services import PAGE_SIZE, Hit, SearchResult, run_search
from search.text import clean_text

HELP_PAGES = {"cancel": "/legal/terms/", "refund": "/legal/terms/"}
EXAMPLES = [
    "piano in park slope saturday morning under $90",
    "spanish tutor this weekend",
    "guitar for a 9 year old",
]
MAX_WITHOUT = 20
HOUR = 60


@public
@require_safe
def results(request: HttpRequest) -> HttpResponse:
    """Show who can truly be booked for the words in ``q``; the address holds the whole state."""
    text = clean_text(request.GET.get("q", ""))
    state = _state(request, text)
    context: dict[str, Any] = {"q": text, "examples": EXAMPLES, "result": None}
    if text:
        result = run_search(
            text,
            now=clock.now(),
            removed=state["without"],
            place=state["place"],
            is_verbatim=state["verbatim"],
            user_id=request.user.pk if request.user.is_authenticated else None,
        )
        context.update(_page(request, result, state))
    return mark_private(
        render_page_or_fragment(request, "search/results.html", context, fragment="results")
    )


def _state(request: HttpRequest, text: str) -> dict[str, Any]:
    return {
        "q": text,
        "without": request.GET.getlist("without")[:MAX_WITHOUT],
        "place": request.GET.get("place") or None,
        "verbatim": request.GET.get("exact") == "1",
    }


def _page(request: HttpRequest, result: SearchResult, state: dict[str, Any]) -> dict[str, Any]:
    page = Paginator(result.hits, PAGE_SIZE).get_page(request.GET.get("page"))
    return {
        "result": result,
        "page": page,
        "cards": [_card(hit) for hit in page.object_list],
        "groups": [
            {"label": group.label, "cards": [_card(hit) for hit in group.hits]}
            for group in result.close
        ]
        if page.number == page.paginator.num_pages
        else [],
        "chips": [_chip(chip, result, state) for chip in result.query.chips],
        "exact_url": _url(state, exact="1") if result.corrections else None,
        "help_url": HELP_PAGES.get(result.query.help_intent or ""),
        "clear_url": _url(state, without=[chip.token for chip in result.query.chips]),
    }


def _url(state: dict[str, Any], **changes: Any) -> str:
    query: dict[str, Any] = {"q": state["q"], "without": state["without"]}
    if state["place"]:
        query["place"] = state["place"]
    if state["verbatim"]:
        query["exact"] = "1"
    query.update(changes)
    return f"{reverse('search:results')}?{urlencode(query, doseq=True)}"


def _chip(chip: Chip, result: SearchResult, state: dict[str, Any]) -> dict[str, Any]:
    return {
        "label": chip.label,
        "remove_url": _url(state, without=result.query.without(chip)),
        "choices": [{"name": name, "url": _url(state, place=name)} for name in chip.choices],
    }


def _card(hit: Hit) -> dict[str, Any]:
    """Return the plain values of ``components/instructor_card.html``."""
    offer = hit.offer
    chosen = {"service": hit.service_slug, "duration": hit.minutes}
    profile = reverse("instructor-profile", args=[offer.slug])
    book = reverse("lessons:times", args=[offer.slug])
    first_on = hit.starts[0].astimezone(ZoneInfo(offer.zone)).date() if hit.starts else None
    facts = [hit.service_name, f"{offer.years} years teaching", _place(hit)]
    return {
        "url": f"{profile}?{urlencode({**chosen, 'date': first_on} if first_on else chosen)}",
        "name": offer.name,
        "headline": offer.headline,
        "price_text": money(hit.hourly_cents),
        "price_unit": "/hour",
        "price_note": ""
        if hit.minutes == HOUR
        else f"{money(hit.price_cents)} for {hit.minutes} min",
        "rating_text": offer.rating.text,
        "review_count": offer.rating.count,
        "facts": facts,
        "badges": [{"icon": "shield-check", "text": "Background checked"}]
        + ([{"icon": "award", "text": "Founding instructor"}] if offer.is_founding else []),
        "slots": [
            {
                "url": f"{book}?{urlencode({**chosen, 'start': f'{start:%Y-%m-%dT%H:%M:%SZ}'})}",
                "start_at": start,
                "zone": offer.zone,
            }
            for start in hit.starts
        ],
        "more_url": f"{book}?{urlencode(chosen)}",
        "why": " · ".join(hit.reasons),
    }


def _place(hit: Hit) -> str:
    if hit.kilometers is None or hit.kilometers < 0.05:  # noqa: PLR2004 - the same neighborhood
        return f"{hit.offer.base}, {hit.offer.borough}"
    return f"{hit.offer.base}, {hit.kilometers * 0.6214:.1f} mi"
