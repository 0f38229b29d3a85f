"""My Lessons: lists, one lesson, cancelling, the calendar file (Spec: 06 section 3)."""

import secrets
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from accounts.owners import owner_of
from bookings.lessons.calendar_files import lesson_event
from bookings.lessons.cancellation import (
    cancel_lesson,
    current_status,
    find_lesson,
    preview_cancellation,
)
from bookings.lessons.errors import AmountChangedError, LessonChangedError
from bookings.lessons.forms import CancelForm
from bookings.lessons.idempotency import run_once
from bookings.lessons.mails import calendar_lesson
from bookings.lessons.models import Booking
from bookings.lessons.money_words import card_words, paid_words, price_lines, returned_words
from bookings.lessons.my_lessons import TABS, by_day, cards_of, tab_counts
from bookings.lessons.places import place_for_student
from bookings.lessons.policies import Outcome
from bookings.lessons.states import CANCELLED, Status
from bookings.payments.selectors import payment_summary
from instainstru import clock
from instainstru.access import requires
from instainstru.http import mark_private, render_page_or_fragment

PAGE_SIZE = 20


@requires("bookings.view_own")
@require_safe
def lesson_list(request: HttpRequest) -> HttpResponse:
    """The lists of My Lessons; each tab has its own address."""
    now, user = clock.now(), cast("User", request.user)
    tab = request.GET.get("tab", "upcoming")
    if tab not in TABS:
        tab = "upcoming"
    rows = TABS[tab].rows(user, now)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    cards = cards_of(page.object_list, now)
    context = {
        "tabs": [
            {
                "url": f"{reverse('lessons:list')}?tab={count.key}",
                "label": count.name,
                "count": count.count,
                "current": count.key == tab,
            }
            for count in tab_counts(user, now)
        ],
        "page": page,
        "cards": cards,
        "groups": by_day(cards),
        "empty": TABS[tab].empty,
    }
    return mark_private(
        render_page_or_fragment(request, "lessons/list.html", context, fragment="list")
    )


@requires("bookings.view_own")
@require_safe
def lesson_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One lesson with its place, money and actions."""
    return _detail(request, find_lesson(by=request.user, code=code))  # type: ignore[arg-type]


def _detail(
    request: HttpRequest, booking: Booking, *, status: int = 200, notice: str = ""
) -> HttpResponse:
    now = clock.now()
    payment = payment_summary(booking.pk)
    state = current_status(booking, now)
    context = {
        "booking": booking,
        "state": state,
        "card": cards_of([booking], now)[0],
        "place": place_for_student(booking) if booking.code else "",
        "paid": paid_words(payment),
        "returned": returned_words(payment) if state in CANCELLED else "",
        "price_lines": price_lines(booking),
        "can_cancel": state is Status.CONFIRMED and now < booking.start_at,
        "notice": notice,
        "page_error": bool(notice),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/detail.html", context, fragment="lesson", status=status
        )
    )


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def booking_cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Preview and do: the form posts the amounts it shows. Spec: S11.2."""
    booking = find_lesson(by=request.user, code=code)  # type: ignore[arg-type]
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"cancel:{code}", lambda: _cancel(request, booking)
        )
    try:
        due = preview_cancellation(booking, clock.now())
    except LessonChangedError as error:
        return _detail(request, booking, status=error.status, notice=error.message)
    return _render_cancel(request, booking, due, _fresh_form(due))


def _fresh_form(due: Outcome, data: Any = None) -> CancelForm:
    amounts = {"card_refund_cents": due.card_refund_cents, "credit_cents": due.credit_cents}
    return CancelForm(data, initial=amounts)


def _cancel(request: HttpRequest, booking: Booking) -> HttpResponse:
    form = CancelForm(request.POST)
    try:
        if not form.is_valid():
            due = preview_cancellation(booking, clock.now())
            return _render_cancel(request, booking, due, form, status=422)
        _, due = cancel_lesson(
            by=request.user,  # type: ignore[arg-type]
            code=str(booking.code),
            reason=form.cleaned_data["reason"],
            expected_card_cents=form.cleaned_data["card_refund_cents"],
            expected_credit_cents=form.cleaned_data["credit_cents"],
        )
    except AmountChangedError as error:
        changed = _fresh_form(error.context["due"])
        changed.initial["reason"] = form.cleaned_data["reason"]
        return _render_cancel(
            request, booking, error.context["due"], changed, status=409, notice=error.message
        )
    except LessonChangedError as error:
        fresh = find_lesson(by=request.user, code=str(booking.code))  # type: ignore[arg-type]
        return _detail(request, fresh, status=error.status, notice=error.message)
    messages.success(request, "Lesson canceled.")
    return redirect("lessons:detail", code=booking.code)


def _render_cancel(
    request: HttpRequest,
    booking: Booking,
    due: Outcome,
    form: CancelForm,
    *,
    status: int = 200,
    notice: str = "",
) -> HttpResponse:
    context = {
        "booking": booking,
        "due": due,
        "form": form,
        "card_words": card_words(payment_summary(booking.pk)),
        "notice": notice,
        "page_error": bool(notice) or form.is_bound,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/cancel.html", context, fragment="cancel", status=status
        )
    )


@requires("bookings.view_own")
@require_safe
def calendar_file(request: HttpRequest, code: str) -> HttpResponse:
    """The lesson as an .ics download. Spec: S11.7, D17."""
    booking = find_lesson(by=request.user, code=code)  # type: ignore[arg-type]
    content = lesson_event(calendar_lesson(booking, for_student=True), now=clock.now())
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="lesson-{booking.code}.ics"'
    return mark_private(response)
