"""How sure an instructor's lessons are, their strikes, and what they say to them (S15.15)."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import User
from bookings.lessons.forms import DisputeForm
from bookings.lessons.models import Strike
from bookings.lessons.strikes import (
    dispute_strike,
    find_strike,
    may_dispute,
    reliability_of,
    standing_of,
    strikes_of,
)
from catalog.models import Instructor, Policy
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ConflictError
from instainstru.http import mark_private, render_page_or_fragment, see_other

NEWEST = 50


@requires("lessons.view_teaching")
@require_safe
def reliability(request: HttpRequest) -> HttpResponse:
    """Strikes with date and reason, how many count, and the share of lessons that took place."""
    user, now = cast("User", request.user), clock.now()
    instructor = Instructor.objects.filter(user=user).first()
    if instructor is None:
        return mark_private(render(request, "lessons/no_profile.html", {"title": "Reliability"}))
    context = {
        "standing": standing_of(instructor.pk, now),
        "window_days": Policy.objects.current().strike_window_days,
        "reliability": reliability_of(instructor.pk),
        "rows": [(strike, may_dispute(strike, now)) for strike in strikes_of(user)[:NEWEST]],
    }
    return mark_private(
        render_page_or_fragment(request, "lessons/reliability.html", context, fragment="strikes")
    )


@requires("lessons.manage_teaching")
@require_http_methods(["GET", "HEAD", "POST"])
def dispute(request: HttpRequest, code: str) -> HttpResponse:
    """Say why the strike for a lesson is wrong; staff read it."""
    user = cast("User", request.user)
    strike = find_strike(by=user, code=code)
    form = DisputeForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _render(request, strike, form)
    if not form.is_valid():
        return _render(request, strike, form, status=422)
    try:
        dispute_strike(by=user, code=code, text=form.cleaned_data["text"])
    except ConflictError as error:
        return _render(request, find_strike(by=user, code=code), form, status=error.status)
    messages.success(request, "Thank you. We read it and decide.")
    return see_other(reverse("lessons:reliability"))


def _render(
    request: HttpRequest, strike: Strike, form: DisputeForm, *, status: int = 200
) -> HttpResponse:
    context = {
        "strike": strike,
        "form": form,
        "is_open": may_dispute(strike, clock.now()),
        "page_error": form.is_bound,
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/dispute.html", context, fragment="dispute", status=status
        )
    )
