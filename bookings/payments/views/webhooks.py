"""Where gateways tell us what happened (Spec: S14.8)."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from bookings.payments.gateways import gateway_named
from bookings.payments.services.webhooks import receive_event
from instainstru import clock
from instainstru.access import public
from instainstru.signatures import WebhookSignatureError


@public
@csrf_exempt
@require_POST
def webhook(request: HttpRequest, gateway: str) -> HttpResponse:
    """Take a signed event: 200 when it is ours, also again; 202 for a payment nobody knows; 400.

    A signature stands in place of a CSRF token: nobody is signed in here.
    """
    if gateway != settings.PAYMENT_GATEWAY:
        raise Http404("no such gateway")
    signature = request.headers.get(gateway_named(gateway).signature_header, "")
    try:
        is_known = receive_event(
            gateway=gateway, body=request.body, signature=signature, now=clock.now()
        )
    except WebhookSignatureError:
        return HttpResponse(status=400)
    return HttpResponse(status=200 if is_known else 202)
