"""Review, pay and done: the hold's own page (Spec: S13.1-S13.3)."""

import secrets
from datetime import datetime
from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Learner, User
from accounts.owners import owner_of
from accounts.viewing import viewer_of
from bookings.lessons import checkout, lapsed
from bookings.lessons.errors import AmountChangedError, HoldExpiredError
from bookings.lessons.forms import CheckoutForm
from bookings.lessons.idempotency import run_once
from bookings.lessons.mails import calendar_links
from bookings.lessons.models import Booking
from bookings.lessons.money_words import paid_together, paid_words, price_lines
from bookings.lessons.places import place_for_student, place_in_words
from bookings.lessons.policies import PolicyNumbers, cancel_deadlines
from bookings.lessons.selectors import find_lesson, held_together
from bookings.lessons.series_page import dates_again_url, weekly_again_url
from bookings.lessons.services import release_hold
from bookings.lessons.sharing import share_address
from bookings.lessons.states import Status
from bookings.lessons.views.card_pages import card_step, open_card_page
from bookings.payments import services as payments
from bookings.payments.gateways import OFFLINE
from bookings.payments.selectors import latest_attempt, payment_summaries
from catalog.models import Address, Modality
from instainstru import clock
from instainstru.access import has_permission, public, requires
from instainstru.errors import ApplicationError, NotFoundError
from instainstru.http import (
    is_fragment_wanted,
    lead_whole_page,
    mark_private,
    name_the_wait,
    render_page_or_fragment,
    see_other,
)

TEMPLATE = "lessons/checkout.html"
DONE_TEMPLATE = "lessons/confirmed.html"
SLOW_BANK_SECONDS = 5


@public
@require_safe
def checkout_page(request: HttpRequest, hold_id: str) -> HttpResponse:
    """Show what is held, the price and the form to pay; guests are asked to sign in or up."""
    hold = checkout.find_hold(by=owner_of(request), hold_id=hold_id)
    lesson = checkout.lesson_from(hold)
    if lesson is not None:
        return redirect("lessons:confirmed", code=lesson.code)
    attempt = checkout.open_attempt_of(hold)
    if attempt is not None and attempt.status == attempt.Status.NEEDS_ACTION:
        return redirect("lessons:bank-step", hold_id=hold_id)
    if attempt is not None and attempt.status == attempt.Status.UNKNOWN:
        return redirect("lessons:payment-state", hold_id=hold_id)
    return _render(request, hold)


@sensitive_post_parameters(*CheckoutForm.CARD_FIELDS)
@requires("bookings.create", page="lessons:checkout")
@require_POST
def pay(request: HttpRequest, hold_id: str) -> HttpResponse:
    """Charge once and confirm; every answer keeps what was typed."""
    hold = checkout.find_hold(by=owner_of(request), hold_id=hold_id)
    return run_once(
        request,
        owner_of(request),
        f"pay:{hold_id}",
        lambda: _pay(request, hold),
        page_url=reverse("lessons:checkout", args=[hold_id]),
    )


def _pay(request: HttpRequest, hold: Booking) -> HttpResponse:
    if hold.code is not None:
        return see_other(reverse("lessons:confirmed", args=[hold.code]))
    form = _form(request, hold, request.POST)
    if not form.is_valid():
        if not _is_live(hold, clock.now()):
            return _refused(request, hold, form, HoldExpiredError("Your hold ended."))
        return _render(request, hold, form=form, status=422)
    if form.cleaned_data["promo_code"]:
        # A code that was typed and not applied changes the price: it is shown before it is paid.
        return promo(request, hold.hold_id)
    try:
        result = checkout.pay_and_confirm(
            by=request.user,  # type: ignore[arg-type]
            hold_id=hold.hold_id,
            details=_details(form, hold),
        )
    except ApplicationError as error:
        return _refused(request, hold, form, error)
    return _next_step(request, result)


def _details(form: CheckoutForm, hold: Booking) -> checkout.CheckoutDetails:
    data = form.cleaned_data
    neighborhood = data.get("neighborhood")
    number = data.get("card_number")
    return checkout.CheckoutDetails(
        learner_id=data["learner"].pk,
        neighborhood_id=neighborhood.pk if neighborhood else None,
        address=data.get("address", ""),
        note=data["note"],
        card=payments.read_card(number, bound_to=hold.hold_id) if number else None,
        shown_cents=data["due_cents"],
    )


def _refused(
    request: HttpRequest, hold: Booking, form: CheckoutForm, error: ApplicationError
) -> HttpResponse:
    if isinstance(error, HoldExpiredError):
        lapsed.keep_typed(hold, form.cleaned_data, now=clock.now())
        hold = checkout.find_hold(by=owner_of(request), hold_id=hold.hold_id)
        return _render(request, hold, status=error.status)
    if isinstance(error, AmountChangedError):
        # The new price may need a card that the old one did not, or none any more.
        form = _typed(request, hold)
    for name, text in error.fields.items():
        form.add_error(name if name in form.fields else None, text)
    return _render(request, hold, form=form, error=error, status=error.status)


@sensitive_post_parameters(*CheckoutForm.CARD_FIELDS)
@requires("bookings.create", page="lessons:checkout")
@require_http_methods(["GET", "HEAD", "POST"])
def promo(request: HttpRequest, hold_id: str) -> HttpResponse:
    """Take a code off the price, or the code away; what was typed stays. Spec: S14.7"""
    hold = checkout.find_hold(by=owner_of(request), hold_id=hold_id)
    if request.method != "POST":
        # The address stays in the bar after a code was applied, and somebody may load it again.
        return redirect("lessons:checkout", hold_id=hold_id)
    code = "" if "drop" in request.POST else request.POST.get("promo_code", "")
    try:
        hold = checkout.use_promo(by=cast("User", request.user), hold_id=hold_id, code=code)
    except HoldExpiredError as error:
        return _render(request, hold, status=error.status)
    except ApplicationError as error:
        form = _typed(request, hold)
        for name, text in error.fields.items():
            form.add_error(name, text)
        return _render(request, hold, form=form, error=error, status=error.status)
    return _render(request, hold, form=_typed(request, hold))


@requires("bookings.create", page="lessons:checkout")
@require_POST
def card_page(request: HttpRequest, hold_id: str) -> HttpResponse:
    """Lead to the gateway's page for the card, which leads back to checkout. Spec: S14.1

    The button for another card sends the whole form: what was typed in it is there afterwards.
    """
    hold = checkout.find_hold(by=owner_of(request), hold_id=hold_id)
    page_url = reverse("lessons:checkout", args=[hold_id])
    if not _is_live(hold, clock.now()):
        return see_other(page_url)
    try:
        address = open_card_page(request, hold, page_url)
    except ApplicationError as error:
        form = _typed(request, hold) if "note" in request.POST else None
        return _render(request, hold, form=form, error=error, status=error.status)
    # While a payment runs, what it was checked with stays.
    if "note" in request.POST and checkout.open_attempt_of(hold) is None:
        form = _form(request, hold, request.POST)
        form.is_valid()  # what is not right yet is asked again, what is right is kept
        lapsed.keep_on_the_way(hold, form.cleaned_data, now=clock.now())
    return see_other(address)


def _typed(request: HttpRequest, hold: Booking) -> CheckoutForm:
    """Return the form with what was typed so far, of which nothing is judged yet."""
    form = _form(request, hold, request.POST)
    form.errors.clear()
    return form


def mask_email(email: str) -> str:
    """Return an address that its owner recognises and others cannot read: ``m…@…``."""
    return f"{email[:1]}…@…"


def _next_step(request: HttpRequest, result: checkout.CheckoutResult) -> HttpResponse:
    booking = result.booking
    if result.step is checkout.Step.CONFIRMED:
        return see_other(reverse("lessons:confirmed", args=[booking.code]))
    if result.step is checkout.Step.NEEDS_BANK:
        return see_other(reverse("lessons:bank-step", args=[booking.hold_id]))
    return see_other(reverse("lessons:payment-state", args=[booking.hold_id]))


@requires("bookings.create")
@require_http_methods(["GET", "HEAD", "POST"])
def bank_step(request: HttpRequest, hold_id: str) -> HttpResponse:
    """The extra step that the bank wants; POST confirms it. Spec: T2, S14.4."""
    hold = checkout.find_hold(by=owner_of(request), hold_id=hold_id)
    if hold.code is not None:
        return redirect("lessons:confirmed", code=hold.code)
    attempt = checkout.open_attempt_of(hold)
    if attempt is None:
        return redirect("lessons:checkout", hold_id=hold_id)
    if request.method != "POST":
        bank_page = payments.bank_page_of(attempt)
        if attempt.gateway != OFFLINE and not bank_page:
            return redirect("lessons:payment-state", hold_id=hold_id)
        context = {"hold": hold, "server_now": clock.now(), "bank_page": bank_page}
        return mark_private(
            render_page_or_fragment(request, "lessons/bank_step.html", context, fragment="step")
        )
    try:
        result = checkout.complete_bank_step(
            by=request.user,  # type: ignore[arg-type]
            hold_id=hold_id,
            is_approved=request.POST.get("answer") != "no",
        )
    except ApplicationError as error:
        return _render(request, hold, error=error, status=error.status)
    return _next_step(request, result)


@requires("bookings.create")
@require_http_methods(["GET", "HEAD", "POST"])
def payment_state(request: HttpRequest, hold_id: str) -> HttpResponse:
    """Say where a slow payment stands; leads on as soon as the bank has answered.

    Asking the bank may book the lesson or give it up, so only POST does: the page sends it by
    itself, without scripts there is a button, and a job asks anyway. Spec: S14.2, S17.10
    """
    hold = checkout.find_hold(by=owner_of(request), hold_id=hold_id)
    if request.method == "POST":
        checkout.refresh_payment(hold)
        if not is_fragment_wanted(request):
            return see_other(reverse("lessons:payment-state", args=[hold_id]))
    lesson = checkout.lesson_from(checkout.find_hold(by=owner_of(request), hold_id=hold_id))
    if lesson is not None:
        return lead_whole_page(request, redirect("lessons:confirmed", code=lesson.code))
    attempt = latest_attempt(hold.pk)
    if attempt is None or attempt.status == attempt.Status.DECLINED:
        return lead_whole_page(request, redirect("lessons:checkout", hold_id=hold_id))
    is_refunded = attempt.recorded_at is not None
    context = {
        "hold": hold,
        "is_refunded": is_refunded,
        "paid_cents": attempt.paid_cents + sum(part.paid_cents for part in attempt.parts.all()),
        "lesson_count": len(held_together(hold)),
        "nearest": checkout.nearest_to(hold, clock.now()) if is_refunded else [],
        "refresh_seconds": SLOW_BANK_SECONDS,
        # Staff who look at the site as the student change nothing.
        "asks_by_itself": not is_refunded and viewer_of(request) is None,
        "is_first_look": request.method != "POST",
    }
    return mark_private(
        render_page_or_fragment(request, "lessons/payment_state.html", context, fragment="state")
    )


@public
@require_POST
def release(request: HttpRequest, hold_id: str) -> HttpResponse:
    """Give the hold back at once and return to the times. Spec: T3, S13.2."""
    hold = release_hold(by=owner_of(request), hold_id=hold_id)
    return redirect("lessons:times", slug=hold.instructor.slug)


@public
@require_POST
def hold_again(request: HttpRequest, hold_id: str) -> HttpResponse:
    """Hold the same time again after the hold has lapsed. Spec: S13.2."""
    if request.user.is_authenticated and not has_permission(request, "bookings.create"):
        raise PermissionDenied("bookings.create")
    return run_once(
        request,
        owner_of(request),
        f"hold-again:{hold_id}",
        lambda: _hold_again(request, hold_id),
        page_url=reverse("lessons:checkout", args=[hold_id]),
    )


def _hold_again(request: HttpRequest, hold_id: str) -> HttpResponse:
    owner = owner_of(request)
    try:
        fresh = lapsed.hold_again(by=owner, hold_id=hold_id)
    except NotFoundError:
        raise
    except ApplicationError as error:
        hold = checkout.find_hold(by=owner, hold_id=hold_id)
        return _render(request, hold, error=error, status=error.status)
    return redirect("lessons:checkout", hold_id=fresh.hold_id)


def _form(request: HttpRequest, hold: Booking, data: Any = None) -> CheckoutForm:
    user: Any = request.user
    # Where the last lesson at home was is the best guess for the next one.
    before = hold if hold.address else Booking.objects.of_student(user).last_at_home() or hold
    asks_place = hold.modality == Modality.AT_STUDENT
    addresses = list(Address.objects.of(user)) if asks_place else []
    saved = addresses[0] if addresses and not before.address else None
    initial = {
        "learner": hold.learner or Learner.objects.own_of(user).first(),
        "neighborhood": hold.neighborhood or (saved or before).neighborhood,
        "address": saved.line if saved else before.address,
        "note": hold.note,
    }
    split = checkout.split_of(hold, user.pk, clock.now())
    form = CheckoutForm(
        data,
        initial=initial,
        user=user,
        asks_place=asks_place,
        addresses=addresses,
        asks_card=split.card_cents > 0,
        has_card_page=payments.has_card_page(),
        today=clock.now().astimezone(clock.NEW_YORK).date(),
    )
    form.split = split
    return form


def _is_live(hold: Booking, now: datetime) -> bool:
    return hold.status == Status.HELD and hold.expires_at is not None and now < hold.expires_at


def _key() -> str:
    return secrets.token_urlsafe(12)


def _render(
    request: HttpRequest,
    hold: Booking,
    *,
    form: CheckoutForm | None = None,
    error: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    now, owner = clock.now(), owner_of(request)
    is_live = _is_live(hold, now)
    may_pay = has_permission(request, "bookings.create")
    is_own = owner.user_id == hold.instructor.user_id
    if form is None and is_live and may_pay and not is_own:
        form = _form(request, hold)
    # After a refusal the split may be another one than the form was made with.
    known = form.split if form is not None and error is None else None
    split = known or checkout.split_of(hold, owner.user_id, now)
    lessons = held_together(hold)
    context = {
        "hold": hold,
        "lessons": lessons if len(lessons) > 1 else [],
        "dates_url": dates_again_url(hold, lessons) if len(lessons) > 1 else "",
        "form": form,
        "error": error,
        "page_error": error is not None,
        "is_live": is_live,
        "is_own": is_own,
        "taken": None if is_live else lapsed.still_free(hold, by=owner, now=now),
        "server_now": now,
        "split": split,
        "due_cents": split.card_cents,
        "price_lines": price_lines(
            hold,
            promo_cents=split.promo_cents,
            credit_cents=split.credit_cents,
            count=len(lessons),
        ),
        "place": place_in_words(hold),
        "deadlines": cancel_deadlines(hold.start_at, PolicyNumbers.of(hold.policy), now),
        "idempotency_key": _key(),
    }
    if form is not None and split.card_cents:
        context |= card_step(request, hold, reverse("lessons:card-page", args=[hold.hold_id]))
    response = render_page_or_fragment(
        request, TEMPLATE, context, fragment="checkout", status=status
    )
    return mark_private(name_the_wait(response, error))


@requires("bookings.view_own")
@require_safe
def confirmed(request: HttpRequest, code: str) -> HttpResponse:
    """The done page; reload and Back are safe. Spec: S13.3."""
    booking = find_lesson(by=request.user, code=code)  # type: ignore[arg-type]
    if booking.status != Status.CONFIRMED:
        return redirect("lessons:detail", code=code)
    numbers = PolicyNumbers.of(booking.policy)
    lessons = held_together(booking)
    paid = payment_summaries([lesson.pk for lesson in lessons])
    context = {
        "booking": booking,
        "lessons": lessons if len(lessons) > 1 else [],
        "weekly_url": weekly_again_url(booking) if len(lessons) == 1 else "",
        "masked_email": mask_email(cast("User", request.user).email),
        "place": place_for_student(booking),
        "calendars": calendar_links(booking),
        "share_url": share_address(lessons or [booking]),
        "deadlines": cancel_deadlines(booking.start_at, numbers, clock.now()),
        "paid": paid_words(paid_together([paid[row.pk] for row in lessons if row.pk in paid])),
    }
    return mark_private(
        render_page_or_fragment(request, DONE_TEMPLATE, context, fragment="confirmed")
    )
