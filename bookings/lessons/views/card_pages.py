"""To the gateway's own pages and back (Spec: S14.1, S14.4)."""

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.payments import services as payments
from bookings.payments.models import PaymentAttempt
from instainstru import clock
from instainstru.access import requires
from instainstru.ratelimit import CARD_PAGES, count_use

MOST_CHARACTERS = 140


def card_step(request: HttpRequest, booking: Booking, card_page_url: str) -> dict[str, Any]:
    """Return what a form that takes a card says: which card was typed at the gateway, or where to.

    Nothing of it where the form has fields for the card.
    """
    if not payments.has_card_page():
        return {"has_card_page": False}
    named = request.POST.get("card_number") or request.GET.get("card", "")
    card = payments.typed_card(named[:MOST_CHARACTERS], bound_to=booking.hold_id)
    return {"has_card_page": True, "typed_card": card, "card_page_url": card_page_url}


def open_card_page(request: HttpRequest, booking: Booking, page_url: str) -> str:
    """Return the address of the gateway's page, which leads back to one of ours.

    Raises ``RateLimitedError`` after 20 in an hour: the page checks cards, which thieves would use.
    """
    count_use(CARD_PAGES, str(cast("User", request.user).pk))
    address = f"{settings.SITE_URL}{page_url}"
    return payments.open_card_page(
        student_id=cast("User", request.user).pk,
        bound_to=booking.hold_id,
        return_url=address,
        back_url=address,
        now=clock.now(),
    )


@requires("bookings.create")
@require_safe
def bank_return(request: HttpRequest) -> HttpResponse:
    """Lead somebody who comes back from their bank to where their payment stands.

    The address only says which payment; how it ended is asked of the gateway.
    """
    # PostgreSQL text holds every character but NUL.
    reference = request.GET.get("payment_intent", "").replace("\x00", "")[:MOST_CHARACTERS]
    attempt = (
        PaymentAttempt.objects.whole()
        .filter(
            student=cast("User", request.user),
            gateway_reference=reference,
        )
        .select_related("booking")
        .first()
    )
    if not reference or attempt is None:
        return redirect("lessons:list")
    if attempt.purpose == PaymentAttempt.Purpose.TIP:
        return redirect("lessons:tip-bank-step", code=attempt.booking.code)
    return redirect("lessons:payment-state", hold_id=attempt.booking.hold_id)
