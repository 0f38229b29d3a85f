"""The addresses that search engines should know (Spec: S10.8)."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from catalog.models import Category, Instructor, Service
from instainstru.access import public
from instainstru.robots import UNLISTED

KEPT_SECONDS = 600
# The format allows no more in one file.
MOST_ADDRESSES = 50_000
FIXED = ("home", "catalog:all-services", "legal:terms", "legal:privacy", "legal:accessibility")


@public
@require_GET
@cache_control(public=True, max_age=KEPT_SECONDS)
def sitemap(request: HttpRequest) -> HttpResponse:
    """List every page that may be found, kept for ten minutes."""
    key = f"sitemap:{settings.SITE_URL}"
    body = cache.get(key)
    if body is None:
        body = _body()
        cache.set(key, body, KEPT_SECONDS)
    return HttpResponse(body, content_type="application/xml")


def _body() -> str:
    addresses = list(_addresses())[:MOST_ADDRESSES]
    rows = "".join(
        f"<url><loc>{escape(settings.SITE_URL + address)}</loc></url>\n" for address in addresses
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{rows}</urlset>\n'
    )


def _addresses() -> Iterator[str]:
    for name in FIXED:
        yield reverse(name)
    for slug in Category.objects.order_by("position").values_list("slug", flat=True):
        yield reverse("catalog:category", args=[slug])
    services = Service.objects.active().order_by("pk")
    for category, slug in services.values_list("category__slug", "slug"):
        yield reverse("catalog:service", args=[category, slug])
    for slug in Instructor.objects.public_pages().order_by("pk").values_list("slug", flat=True):
        yield reverse("instructor-profile", args=[slug])


@public
@require_GET
@cache_control(public=True, max_age=KEPT_SECONDS)
def robots(request: HttpRequest) -> HttpResponse:
    """Name the sitemap, and the addresses that nobody needs to visit."""
    lines = ["User-agent: *", *(f"Disallow: {prefix}" for prefix in UNLISTED)]
    lines += ["", f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}", ""]
    return HttpResponse("\n".join(lines), content_type="text/plain; charset=utf-8")
