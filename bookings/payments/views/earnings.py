"""The instructor's money: sums, lessons, payouts, bank details (Spec: S15.13, S14.11)."""

from typing import cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.reauthentication import requires_fresh_sign_in
from bookings.payments.earnings import (
    earnings_lines,
    lessons_that_paid,
    payee_of,
    totals_of,
)
from bookings.payments.forms import BankForm
from bookings.payments.gateways import OFFLINE
from bookings.payments.models import Payout
from bookings.payments.services.payee_pages import (
    finish_payee_page,
    has_payee_page,
    open_payee_page,
)
from bookings.payments.services.payees import (
    VIEW,
    set_payout_details,
)
from bookings.payments.years import years_of
from catalog.team import find_own_profile, own_profile
from instainstru import clock
from instainstru.access import requires
from instainstru.csv_files import csv_response, dollars
from instainstru.errors import ConflictError, ValidationFailedError
from instainstru.http import mark_private, render_page_or_fragment, see_other
from instainstru.paging import CountedPaginator

PAGE_SIZE = 20
NEWEST_PAYOUTS = 12
MOST_LINES = 10_000
COLUMNS = (
    "Lesson", "Date", "Service", "Student", "Price", "Travel", "Fee", "Tip", "Refund", "You earn",
    "State",
)  # fmt: skip


@requires(VIEW)
@require_safe
def earnings(request: HttpRequest) -> HttpResponse:
    """Sums, a line for each lesson, the newest payouts, and the years."""
    instructor, now = own_profile(cast("User", request.user)), clock.now()
    if instructor is None:
        context: dict[str, object] = {"title": "Earnings"}
        return mark_private(render(request, "lessons/no_profile.html", context))
    rows = lessons_that_paid(instructor)
    page = CountedPaginator(rows, PAGE_SIZE, count=rows.count()).get_page(request.GET.get("page"))
    context = {
        "totals": totals_of(instructor, now),
        "payee": payee_of(instructor),
        "page": page,
        "lines": list(earnings_lines(page.object_list, now)),
        "payouts": Payout.objects.filter(instructor=instructor).order_by("-payday")[
            :NEWEST_PAYOUTS
        ],
        "years": years_of(instructor),
        "now": now,
    }
    return mark_private(
        render_page_or_fragment(request, "payments/earnings.html", context, fragment="lessons")
    )


@requires(VIEW)
@require_safe
def lessons_csv(request: HttpRequest) -> HttpResponse:
    """The newest ten thousand lessons with money as a file; amounts in dollars. Spec: S17.3"""
    instructor = find_own_profile(cast("User", request.user), VIEW)
    lines = earnings_lines(lessons_that_paid(instructor)[:MOST_LINES], clock.now())
    table = (
        (
            line.code,
            f"{line.start_at.astimezone(ZoneInfo(line.zone)):%Y-%m-%d}",
            line.service_name,
            line.student_name,
            dollars(line.price_cents),
            dollars(line.travel_cents),
            dollars(line.fee_cents),
            dollars(line.tip_cents),
            dollars(line.refund_cents),
            dollars(line.net_cents),
            line.state_text,
        )
        for line in lines
    )
    return csv_response("earnings.csv", COLUMNS, table)


@requires(VIEW)
@sensitive_post_parameters("account_number")
@require_http_methods(["GET", "HEAD", "POST"])
@requires_fresh_sign_in()
def payout_details(request: HttpRequest) -> HttpResponse:
    """Show where the money goes, and take another account. Spec: S14.11"""
    user = cast("User", request.user)
    instructor = find_own_profile(user, VIEW)
    is_sent, has_page = request.method == "POST", has_payee_page()
    if is_sent and has_page:
        # Nothing that is typed at us goes anywhere: that page asks.
        return see_other(reverse("payments:payout-details"))
    form, status = BankForm(request.POST if is_sent else None), 200
    if is_sent:
        if form.is_valid():
            try:
                set_payout_details(by=user, account_number=form.cleaned_data["account_number"])
            except ValidationFailedError as error:
                form.add_error("account_number", error.fields["account_number"])
            else:
                messages.success(request, "Saved. We sent you a mail about it.")
                return see_other(reverse("payments:earnings"))
        status = 422
    context = {
        "form": form,
        "payee": payee_of(instructor),
        "page_error": form.is_bound,
        "is_test": settings.PAYMENT_GATEWAY == OFFLINE,
        "has_page": has_page,
    }
    return mark_private(
        render_page_or_fragment(
            request, "payments/payout_details.html", context, fragment="details", status=status
        )
    )


@requires(VIEW, page="payments:payout-details")
@require_POST
@requires_fresh_sign_in(page="payments:payout-details")
def payee_page(request: HttpRequest) -> HttpResponse:
    """Lead to the gateway's page for bank details, which leads back. Spec: S14.11"""
    try:
        return see_other(open_payee_page(by=cast("User", request.user)))
    except ConflictError as error:
        messages.error(request, error.message)
        return see_other(reverse("payments:payout-details"))


@requires(VIEW)
@require_safe
def payee_return(request: HttpRequest) -> HttpResponse:
    """Say how the bank details stand after the gateway's page; the address itself says nothing."""
    try:
        payee = finish_payee_page(by=cast("User", request.user))
    except ConflictError:
        messages.info(request, "We look at your bank details in a minute.")
    else:
        if payee is None:
            messages.info(request, "Your bank details are not complete yet.")
        else:
            messages.success(request, f"Payouts go to the account ending in {payee.last4}.")
    return redirect("payments:earnings")
