"""Where the provider brings texts, and ``/dev/texts/`` to read what would have left (S13.6)."""

from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from bookings.notifications.inbound import receive_text
from bookings.notifications.models import OutgoingText
from bookings.notifications.text_transport import SIGNATURE_HEADER
from bookings.notifications.views import PAGE_SIZE, test_data_only
from instainstru import clock
from instainstru.access import public
from instainstru.signatures import WebhookSignatureError


@public
@csrf_exempt
@require_POST
def inbound(request: HttpRequest) -> HttpResponse:
    """Take a signed text: 200, also again; 400 for what is not the provider's; 404 without one.

    The signature stands in place of a CSRF token: nobody is signed in here. Spec: S17.10
    """
    if not settings.TEXT_SECRET:
        raise Http404("no provider")
    signature = request.headers.get(SIGNATURE_HEADER, "")
    try:
        receive_text(body=request.body, signature=signature, now=clock.now())
    except WebhookSignatureError:
        return HttpResponse(status=400)
    return HttpResponse(status=200)


_TEXT_WORDS = {
    "title": "Texts sent by this site",
    "label": "Texts",
    "column": "Text",
    "noun": "texts",
}


@public
@require_safe
@test_data_only
def text_list(request: HttpRequest) -> HttpResponse:
    """List the texts, newest first."""
    pages = Paginator(OutgoingText.objects.newest_first(), PAGE_SIZE)
    page = pages.get_page(request.GET.get("page"))
    return render(request, "notifications/text_list.html", {"page": page, **_TEXT_WORDS})


urlpatterns = [
    path("webhooks/texts/", inbound, name="inbound-texts"),
    path("dev/texts/", text_list, name="text-list"),
]
