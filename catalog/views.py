"""All Services and its categories (Spec: S7.1)."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from catalog.models import Category
from catalog.selectors import service_sections
from instainstru.access import public


@public
@require_GET
def all_services(request: HttpRequest) -> HttpResponse:
    """List every active service under its category."""
    return _render(request, None)


@public
@require_GET
def category(request: HttpRequest, category_slug: str) -> HttpResponse:
    """List the services of one category."""
    return _render(request, get_object_or_404(Category, slug=category_slug))


def _render(request: HttpRequest, only: Category | None) -> HttpResponse:
    sections = service_sections()
    context = {
        "categories": sections,
        "sections": [s for s in sections if only is None or s.category.pk == only.pk],
        "only": only,
        "total": sum(section.count for section in sections),
    }
    return render(request, "catalog/all_services.html", context)
