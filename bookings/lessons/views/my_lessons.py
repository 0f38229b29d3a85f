"""My Lessons: lists, one lesson, cancelling, the calendar file (Spec: 06 section 3)."""

import secrets
from typing import Any, cast
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.owners import owner_of
from bookings.lessons.calendar_files import lesson_event, lesson_feed
from bookings.lessons.cancellation import cancel_lesson, preview_cancellation
from bookings.lessons.completion import confirm_outcome
from bookings.lessons.emergencies import ask_until, find_request
from bookings.lessons.errors import AmountChangedError, LessonChangedError
from bookings.lessons.forms import CancelForm
from bookings.lessons.goodwill import good_fit_offer
from bookings.lessons.idempotency import run_once
from bookings.lessons.mails import calendar_lesson, calendar_links
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
from bookings.lessons.money_words import card_words, paid_words, price_lines, returned_words
from bookings.lessons.my_lessons import (
    TABS,
    LessonFilter,
    Tab,
    by_day,
    cards_of,
    filter_choices,
    lessons_of,
    tab_counts,
)
from bookings.lessons.places import place_for_student
from bookings.lessons.policies import Outcome, RefundTo
from bookings.lessons.receipts import receipt_of
from bookings.lessons.selectors import find_lesson, held_together
from bookings.lessons.sharing import share_address
from bookings.lessons.states import CANCELLED, Status
from bookings.lessons.tips import tip_of
from bookings.lessons.transitions import current_status
from bookings.lessons.views.sides import lesson_changed_page
from bookings.payments.selectors import payment_summary
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import NotFoundError
from instainstru.http import lead_whole_page, mark_private, render_page_or_fragment, see_other
from instainstru.paging import CountedPaginator

PAGE_SIZE = 20
_TAUGHT = {Status.ENDED, Status.COMPLETED}
_LOST = {Status.CANCELLED_STUDENT, Status.NO_SHOW_STUDENT}


@requires("bookings.view_own")
@require_safe
def lesson_list(request: HttpRequest) -> HttpResponse:
    """The lists of My Lessons; tab, filter and page stand in the address."""
    now, user = clock.now(), cast("User", request.user)
    key = request.GET.get("tab", "")
    tab = TABS.get(key) or TABS["upcoming"]
    chosen, choices = _chosen_filter(request, user)
    lessons = lessons_of(user, chosen)
    counts = tab_counts(lessons, now)
    key = next(name for name, each in TABS.items() if each is tab)
    rows = tab.rows(lessons, now)
    page = CountedPaginator(rows, PAGE_SIZE, count=counts[key]).get_page(request.GET.get("page"))
    cards = cards_of(page.object_list, now)
    context = {
        "tabs": _tabs(counts, chosen, tab),
        "tab": key if key in TABS else "",
        "page": page,
        "cards": cards,
        "groups": by_day(cards),
        "empty": tab.empty,
        "chosen": chosen,
        "choices": choices,
        "all_url": f"{reverse('lessons:list')}?{urlencode({'tab': key})}",
    }
    return mark_private(
        render_page_or_fragment(request, "lessons/list.html", context, fragment="list")
    )


def _chosen_filter(
    request: HttpRequest, user: User
) -> tuple[LessonFilter, dict[str, list[tuple[str, str]]]]:
    """Return the filter of the address, unknown values left out, and all that can be chosen."""
    choices = filter_choices(user)
    known = {
        name: request.GET.get(name, "")
        for name, pairs in choices.items()
        if request.GET.get(name, "") in dict(pairs)
    }
    return LessonFilter(**known), choices


def _tabs(counts: dict[str, int], chosen: LessonFilter, current: Tab) -> list[dict[str, object]]:
    kept = {name: value for name, value in vars(chosen).items() if value}
    return [
        {
            "url": f"{reverse('lessons:list')}?{urlencode({'tab': key, **kept})}",
            "label": tab.name,
            "count": counts[key],
            "current": tab is current,
        }
        for key, tab in TABS.items()
    ]


@requires("bookings.view_own")
@require_safe
def lesson_detail(request: HttpRequest, code: str) -> HttpResponse:
    """One lesson with its place, money and actions."""
    return _detail(request, _find(request, code))


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
        "calendars": calendar_links(booking) if state is Status.CONFIRMED else [],
        "share_url": share_address([booking]) if state is Status.CONFIRMED else "",
        "tip": tip_of(booking) if state in _TAUGHT else None,
        "emergency": find_request(booking) if state in _LOST else None,
        "may_ask": state in _LOST and ask_until(booking, now) is not None,
        "good_fit": good_fit_offer(booking, now) if state in _TAUGHT else None,
        "revisions": list(booking.revisions.order_by("-number")) if booking.revision else [],
        "paid": paid_words(payment),
        "returned": returned_words(payment) if state in CANCELLED else "",
        "price_lines": price_lines(booking),
        "lessons": held_together(booking) if booking.series else [],
        "notice": notice,
        "page_error": bool(notice),
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/detail.html", context, fragment="lesson", status=status
        )
    )


@requires("bookings.manage_own", page="lessons:detail")
@require_POST
def booking_confirm(request: HttpRequest, code: str) -> HttpResponse:
    """The student says that the lesson happened. Spec: T12."""
    try:
        booking = confirm_outcome(by=cast("User", request.user), code=code)
    except LessonChangedError as error:
        return _detail(request, _find(request, code), status=error.status, notice=error.message)
    messages.success(request, "Thank you. We marked the lesson as completed.")
    return see_other(reverse("lessons:detail", args=[booking.code]))


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def booking_cancel(request: HttpRequest, code: str) -> HttpResponse:
    """Preview and do, as a page or in the dialog; the form posts the amounts it shows.

    Spec: S11.2
    """
    booking = _find(request, code)
    if request.method == "POST":
        answer = run_once(
            request, owner_of(request), f"cancel:{code}", lambda: _cancel(request, booking)
        )
        return lead_whole_page(request, answer)
    try:
        due = preview_cancellation(booking, clock.now())
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, Side.STUDENT)
    return _render_cancel(request, booking, due, _fresh_form(due))


def _find(request: HttpRequest, code: str) -> Booking:
    return find_lesson(by=cast("User", request.user), code=code)


def _fresh_form(due: Outcome, data: Any = None) -> CancelForm:
    amounts = {
        "card_refund_cents": due.card_refund_cents,
        "credit_cents": due.credit_cents,
        "refund_to": RefundTo.CARD.value,
    }
    return CancelForm(data, initial=amounts)


def _cancel(request: HttpRequest, booking: Booking) -> HttpResponse:
    form = CancelForm(request.POST)
    try:
        if not form.is_valid():
            due = preview_cancellation(booking, clock.now())
            return _render_cancel(request, booking, due, form, status=422)
        _cancel_as_chosen(request, booking, form.cleaned_data)
    except AmountChangedError as error:
        changed = _fresh_form(error.context["due"])
        changed.initial["reason"] = form.cleaned_data["reason"]
        return _render_cancel(
            request, booking, error.context["due"], changed, status=409, notice=error.message
        )
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, Side.STUDENT)
    messages.success(request, "Lesson canceled.")
    return see_other(reverse("lessons:detail", args=[booking.code]))


def _cancel_as_chosen(request: HttpRequest, booking: Booking, data: dict[str, Any]) -> None:
    """Cancel for the amounts that were shown, or for the same as credit where that was chosen."""
    amounts = (data["card_refund_cents"], data["credit_cents"])
    refund_to = RefundTo(data["refund_to"] or RefundTo.CARD)
    if refund_to is RefundTo.CREDIT:
        now = clock.now()
        shown = preview_cancellation(booking, now)
        if amounts == (shown.card_refund_cents, shown.credit_cents):
            due = preview_cancellation(booking, now, refund_to=refund_to)
            amounts = (due.card_refund_cents, due.credit_cents)
    cancel_lesson(
        by=cast("User", request.user),
        code=str(booking.code),
        reason=data["reason"],
        expected_card_cents=amounts[0],
        expected_credit_cents=amounts[1],
        refund_to=refund_to,
    )


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
        "may_choose": due.case == "C2" and due.card_refund_cents > 0,
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
def receipt(request: HttpRequest, code: str) -> HttpResponse:
    """The receipt of a paid lesson, for screen and paper. Spec: S11.6"""
    booking = _find(request, code)
    found = receipt_of(booking)
    if found is None:
        raise NotFoundError("This lesson has no receipt.")
    return mark_private(
        render(request, "lessons/receipt.html", {"booking": booking, "receipt": found})
    )


@requires("bookings.view_own")
@require_safe
def calendar_file(request: HttpRequest, code: str) -> HttpResponse:
    """The lesson as an .ics download, with ``?all=1`` its whole series. Spec: S11.7, D17, R19"""
    booking = _find(request, code)
    if request.GET.get("all"):
        lessons = [calendar_lesson(row, for_student=True) for row in held_together(booking)]
        content = lesson_feed(lessons, now=clock.now(), name=booking.service_name)
    else:
        content = lesson_event(calendar_lesson(booking, for_student=True), now=clock.now())
    response = HttpResponse(content, content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="lesson-{booking.code}.ics"'
    return mark_private(response)
