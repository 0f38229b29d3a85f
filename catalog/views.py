"""All Services and its categories (Spec: S7.1)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from catalog.models import Category
from catalog.selectors import service_sections
from instainstru.access import public
from instainstru.http import render_page_or_fragment

# The others come when they are scrolled to, or by their link (Spec: S7.1).
SHOWN_AT_ONCE = 2


@public
@require_safe
def all_services(request: HttpRequest) -> HttpResponse:
    """List the categories; the services of the first two come with the page."""
    return _render(request, None)


@public
@require_safe
def category(request: HttpRequest, category_slug: str) -> HttpResponse:
    """List the services of one category: its own page, or one section of All Services."""
    return _render(request, get_object_or_404(Category, slug=category_slug))


def _render(request: HttpRequest, only: Category | None) -> HttpResponse:
    sections = service_sections()
    shown = [section for section in sections if only is None or section.category.pk == only.pk]
    context = {
        "categories": sections,
        "sections": shown if only else shown[:SHOWN_AT_ONCE],
        "later": [] if only else shown[SHOWN_AT_ONCE:],
        "only": only,
        "total": sum(section.count for section in sections),
    }
    return render_page_or_fragment(
        request, "catalog/all_services.html", context, fragment="sections"
    )
