"""Small pieces that every view uses: typed requests, page or fragment, client address."""

import ipaddress
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponsePermanentRedirect,
    HttpResponseRedirect,
    QueryDict,
)
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from instainstru.errors import ApplicationError


class SiteRequest(HttpRequest):
    """A request after the middleware: ``htmx`` is parsed and ``guest_key`` may be set."""

    user: Any
    htmx: HtmxDetails
    guest_key: str | None
    request_id: str


def render_page_or_fragment(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    *,
    fragment: str,
    status: int = 200,
) -> HttpResponse:
    """Render the whole page, or its named fragment when HTMX asks.

    The header only chooses between two renderings of one public URL; it never decides access or
    redirects (Spec: S17.9, G1).
    """
    name = f"{template}#{fragment}" if is_fragment_wanted(request) else template
    response = render(request, name, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def is_fragment_wanted(request: HttpRequest) -> bool:
    """Tell whether HTMX asks for a part of a page and not for the whole one."""
    htmx = getattr(request, "htmx", None)
    return htmx is not None and bool(htmx) and not htmx.boosted and not htmx.history_restore_request


def mark_private(response: HttpResponse) -> HttpResponse:
    """Keep a personal page out of every shared cache (Spec: S9.3, S6.13)."""
    response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ["Cookie", "HX-Request"])
    return response


def name_the_wait(response: HttpResponse, error: ApplicationError | None) -> HttpResponse:
    """Set ``Retry-After`` when the error says how long to wait (Spec: G6, R14)."""
    if error is not None and error.retry_after_seconds is not None:
        response["Retry-After"] = str(error.retry_after_seconds)
    return response


def see_other(url: str) -> HttpResponseRedirect:
    """Lead a POST to the page of its result: 303, always fetched with GET (Spec: S13.2)."""
    return HttpResponseRedirect(url, status=303)


def moved_for_ever(request: HttpRequest, url: str) -> HttpResponsePermanentRedirect:
    """Lead from a former address to the present one with the same query (Spec: G10)."""
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(f"{url}?{query}" if query else url)


def lead_whole_page(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Lead the page where the request of a fragment leads: HTMX would follow it into the fragment.

    The target is the view's own; the header only chooses how it is told (Spec: S17.9).
    """
    if isinstance(response, HttpResponseRedirect) and request.headers.get("HX-Request") == "true":
        return HttpResponseClientRedirect(response.url)
    return response


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what a form was sent with, even when that is nothing; None when it was not sent."""
    return request.POST if request.method == "POST" else None


def client_address(request: HttpRequest) -> str:
    """Return the client's address, looking only through our own proxies (Spec: 02 section 1)."""
    hops: int = settings.TRUSTED_PROXY_COUNT
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if hops and len(forwarded) >= hops and forwarded[-hops]:
        return forwarded[-hops]
    return str(request.META.get("REMOTE_ADDR", ""))


UNKNOWN_NETWORK = "::"
STORED_BITS = {4: 24, 6: 48}


def client_network(request: HttpRequest) -> str:
    """Return the first address of the client's network: all of it that is stored.

    ``203.0.113.7`` gives ``203.0.113.0`` (/24), IPv6 keeps 48 bits; a client without an address,
    behind a socket, gives ``::``. Spec: 02 section 1.
    """
    try:
        address = ipaddress.ip_address(client_address(request))
    except ValueError:
        return UNKNOWN_NETWORK
    network = ipaddress.ip_network((address, STORED_BITS[address.version]), strict=False)
    return str(network.network_address)


def is_signed_in(request: HttpRequest) -> bool:
    """Tell whether a person is signed in."""
    return not isinstance(request.user, AnonymousUser) and request.user.is_authenticated


def is_one_click(request: HttpRequest) -> bool:
    """Tell whether a mail program presses the button of its own for a person (RFC 8058)."""
    return request.POST.get("List-Unsubscribe") == "One-Click"
