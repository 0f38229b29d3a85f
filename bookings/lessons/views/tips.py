"""Tipping a lesson (Spec: S11.10)."""

import secrets
from typing import Final, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.owners import owner_of
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.forms import CardForm, TipForm
from bookings.lessons.idempotency import run_once
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
from bookings.lessons.selectors import find_lesson
from bookings.lessons.tips import (
    answer_bank,
    give_tip,
    look_at_tip,
    may_tip,
    tip_of,
    tip_until,
)
from bookings.lessons.views.card_pages import card_step, open_card_page
from bookings.lessons.views.sides import lesson_changed_page
from bookings.payments import services as payments
from bookings.payments.gateways import OFFLINE
from bookings.payments.models import PaymentAttempt
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ApplicationError
from instainstru.http import (
    is_fragment_wanted,
    lead_whole_page,
    mark_private,
    name_the_wait,
    render_page_or_fragment,
    see_other,
)

MAX_AMOUNT_LENGTH: Final = 10
"""Of the digits that go to the gateway's page and back."""


@sensitive_post_parameters(*CardForm.CARD_FIELDS)
@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def tip(request: HttpRequest, code: str) -> HttpResponse:
    """Show the form for a tip, or why there is none; POST charges it once."""
    booking = find_lesson(by=cast("User", request.user), code=code)
    if request.method == "POST":
        return run_once(request, owner_of(request), f"tip:{code}", lambda: _tip(request, booking))
    known = tip_of(booking)
    if known is not None and known.status == known.Status.NEEDS_ACTION:
        return redirect("lessons:tip-bank-step", code=code)
    return _render(request, booking, _form(None, amount=request.GET.get("amount", "")))


def _form(data: object, *, amount: str = "") -> TipForm:
    today = clock.now().astimezone(clock.NEW_YORK).date()
    initial = {"amount": amount[:MAX_AMOUNT_LENGTH]} if amount else None
    return TipForm(data, initial=initial, today=today, has_card_page=payments.has_card_page())


@requires("bookings.manage_own")
@require_POST
def card_page(request: HttpRequest, code: str) -> HttpResponse:
    """Lead to the gateway's page for the card, which leads back to the tip. Spec: S14.1"""
    booking = find_lesson(by=cast("User", request.user), code=code)
    page_url = reverse("lessons:tip", args=[code])
    if tip_of(booking) is not None or not may_tip(booking, clock.now()):
        return see_other(page_url)
    amount = request.POST.get("amount", "")[:MAX_AMOUNT_LENGTH]
    typed = f"?{urlencode({'amount': amount})}" if amount else ""
    try:
        address = open_card_page(request, booking, f"{page_url}{typed}")
    except ApplicationError as error:
        form = _form(request.POST if amount else None)
        form.errors.clear()
        return _render(request, booking, form, error=error, status=error.status)
    return see_other(address)


def _tip(request: HttpRequest, booking: Booking) -> HttpResponse:
    form = _form(request.POST)
    if not form.is_valid():
        return _render(request, booking, form, status=422)
    try:
        given = give_tip(
            by=cast("User", request.user),
            code=str(booking.code),
            amount_cents=form.amount_cents,
            card=payments.read_card(form.cleaned_data["card_number"], bound_to=booking.hold_id),
        )
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, Side.STUDENT)
    except ApplicationError as error:
        for name, text in error.fields.items():
            form.add_error(name, text)
        return _render(request, booking, form, error=error, status=error.status)
    return _lead_on(request, booking, given)


def _lead_on(request: HttpRequest, booking: Booking, given: PaymentAttempt) -> HttpResponse:
    """Lead to the bank that asks something, or say how the tip stands."""
    if given.status == given.Status.NEEDS_ACTION:
        return see_other(reverse("lessons:tip-bank-step", args=[booking.code]))
    if given.status == given.Status.DECLINED:
        messages.error(request, "Your bank did not confirm the tip. Nothing was charged.")
        return see_other(reverse("lessons:tip", args=[booking.code]))
    if given.is_open:
        messages.info(request, "Your bank has not answered yet. We tell you by mail.")
    else:
        who = booking.instructor.user.first_name
        messages.success(request, f"Thank you. All of it goes to {who}.")
    return see_other(reverse("lessons:detail", args=[booking.code]))


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def bank_step(request: HttpRequest, code: str) -> HttpResponse:
    """The extra step that the bank wants for a tip; POST answers it, or gives the tip up. S14.4"""
    booking = find_lesson(by=cast("User", request.user), code=code)
    if request.method == "POST":
        return _answer(request, booking)
    known = tip_of(booking)
    if known is None or known.status != known.Status.NEEDS_ACTION:
        return redirect("lessons:tip", code=code)
    context = {
        "booking": booking,
        "known": known,
        "bank_page": payments.bank_page_of(known),
        "asks_here": known.gateway == OFFLINE,
    }
    return mark_private(
        render_page_or_fragment(request, "lessons/tip_bank_step.html", context, fragment="step")
    )


def _answer(request: HttpRequest, booking: Booking) -> HttpResponse:
    if request.POST.get("answer") == "look":
        known = tip_of(booking)
        given = look_at_tip(known) if known is not None and known.is_open else known
        if given is None:
            return lead_whole_page(request, see_other(reverse("lessons:tip", args=[booking.code])))
        if given.status == given.Status.NEEDS_ACTION and is_fragment_wanted(request):
            return HttpResponse(status=204)  # leading to this page again would never end
        return lead_whole_page(request, _lead_on(request, booking, given))
    try:
        given = answer_bank(
            by=cast("User", request.user),
            code=str(booking.code),
            is_approved=request.POST.get("answer") != "no",
        )
    except ApplicationError as error:
        return _render(request, booking, _form(None), error=error, status=error.status)
    if given is None:
        return see_other(reverse("lessons:tip", args=[booking.code]))
    return _lead_on(request, booking, given)


def _render(
    request: HttpRequest,
    booking: Booking,
    form: TipForm,
    *,
    error: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    known = tip_of(booking)
    context = {
        "booking": booking,
        "known": known,
        "form": form if known is None and may_tip(booking, now) else None,
        "until": tip_until(booking),
        "error": error,
        "page_error": error is not None or form.is_bound,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    if context["form"]:
        context |= card_step(
            request, booking, reverse("lessons:tip-card-page", args=[booking.code])
        )
    response = render_page_or_fragment(
        request, "lessons/tip.html", context, fragment="tip", status=status
    )
    return mark_private(name_the_wait(response, error))
