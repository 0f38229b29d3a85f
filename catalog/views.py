"""All Services and its categories (Spec: S7.1-S7.3)."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import conditional_page, require_safe

from catalog.selectors import CategorySection, service_sections
from catalog.text import words_of
from instainstru.access import public
from instainstru.http import mark_private, render_page_or_fragment

# The others come when they are scrolled to, or by their link (Spec: S7.1).
SHOWN_AT_ONCE = 1
LONGEST_FILTER = 80


@public
@require_safe
@conditional_page
def all_services(request: HttpRequest) -> HttpResponse:
    """List the categories; ``q`` keeps the services whose names or keywords hold its words.

    Without it the services of the first category come with the page. Spec: S7.1-S7.3.
    """
    sections = service_sections()
    query = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_FILTER]
    wanted = words_of(query).split()
    kept = [section.matching(wanted) for section in sections] if wanted else sections
    shown = [section for section in kept if section.count]
    context = {
        "q": query,
        "is_filtered": bool(wanted),
        "categories": kept,
        "sections": shown if wanted else shown[:SHOWN_AT_ONCE],
        "later": [] if wanted else shown[SHOWN_AT_ONCE:],
        "total": _count(sections),
        "found": _count(kept),
    }
    return _finish(
        request,
        render_page_or_fragment(request, "catalog/all_services.html", context, fragment="list"),
    )


@public
@require_safe
@conditional_page
def category(request: HttpRequest, category_slug: str) -> HttpResponse:
    """List the services of one category: its own page, or one section of All Services."""
    sections = service_sections()
    found = [section for section in sections if section.category.slug == category_slug]
    if not found:
        raise Http404("no such category")
    context = {"categories": sections, "sections": found, "only": found[0].category}
    return _finish(
        request,
        render_page_or_fragment(request, "catalog/all_services.html", context, fragment="sections"),
    )


def _count(sections: list[CategorySection]) -> int:
    return sum(section.count for section in sections)


def _finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Keep pages with a person's menu private; the others say what they depend on."""
    if request.user.is_authenticated:
        return mark_private(response)
    patch_vary_headers(response, ["Cookie"])
    return response
