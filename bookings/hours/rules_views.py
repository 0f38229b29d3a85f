"""The pages of an instructor's booking rules and time zone (Spec: S15.7, D13)."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from bookings.availability.clock import local_date
from bookings.availability.permissions import CALENDAR
from bookings.availability.selectors import load_instructor_time
from bookings.hours.rules_forms import RulesForm, ZoneForm, initial_of
from bookings.hours.rules_services import change_zone, check_zone, save_rules
from bookings.hours.selectors import lessons_to_come
from bookings.lessons.selectors import lesson_zone
from catalog.models import Instructor
from catalog.team import own_profile
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ApplicationError, NotFoundError, ValidationFailedError
from instainstru.http import mark_private, posted, render_page_or_fragment, see_other

NEXT_LESSONS = 20


@requires(CALENDAR)
@require_http_methods(["GET", "HEAD", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """Show and save the rules of the own calendar."""
    user = cast("User", request.user)
    instructor = own_profile(user)
    if instructor is None:
        context = {"title": "Booking rules"}
        return mark_private(render(request, "lessons/no_profile.html", context))
    today = local_date(clock.now(), lesson_zone(instructor))
    read = load_instructor_time([instructor.pk], first_on=today, last_on=today)
    form = RulesForm(posted(request), initial=initial_of(read[instructor.pk].rules))
    zone_form = ZoneForm(current=instructor.zone, initial={"zone": instructor.zone})
    if request.method != "POST":
        return _render(request, form, zone_form)
    if not form.is_valid():
        return _render(request, form, zone_form, status=422)
    try:
        save_rules(by=user, rules=form.limits)
    except ApplicationError as error:
        return _render(request, form, zone_form, refusal=error, status=error.status)
    messages.success(request, "Saved. Lessons that are booked keep what they were booked with.")
    return see_other(reverse("hours:rules"))


def _render(
    request: HttpRequest,
    form: RulesForm,
    zone_form: ZoneForm,
    *,
    refusal: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "zone_form": zone_form,
        "refusal": refusal,
        "page_error": status >= 400,  # noqa: PLR2004 - any refusal
    }
    return mark_private(
        render_page_or_fragment(
            request, "hours/rules.html", context, fragment="rules", status=status
        )
    )


@requires(CALENDAR, page="hours:rules")
@require_POST
def zone(request: HttpRequest) -> HttpResponse:
    """Say what another zone would mean for hours and lessons; then change it. Spec: D13"""
    user = cast("User", request.user)
    instructor = own_profile(user)
    if instructor is None:
        raise NotFoundError("You have no teaching profile.")
    form = ZoneForm(request.POST, current=instructor.zone)
    wanted = str(request.POST.get("zone", ""))
    refusal: ApplicationError | None = None
    try:
        if form.is_valid() and wanted != instructor.zone:
            check_zone(instructor, wanted)
            if "known_zone" not in request.POST:
                return _ask(request, instructor, wanted)
            change_zone(by=user, zone=wanted, known_zone=request.POST["known_zone"])
            messages.success(request, f"Your hours are read in {wanted} now.")
    except ValidationFailedError as error:
        form.add_error("zone", error.fields.get("zone", error.message))
    except ApplicationError as error:
        refusal = error
    if form.errors or refusal:
        today = local_date(clock.now(), lesson_zone(instructor))
        read = load_instructor_time([instructor.pk], first_on=today, last_on=today)
        rules_form = RulesForm(initial=initial_of(read[instructor.pk].rules))
        status = refusal.status if refusal else 422
        return _render(request, rules_form, form, refusal=refusal, status=status)
    return see_other(reverse("hours:rules"))


def _ask(request: HttpRequest, instructor: Instructor, wanted: str) -> HttpResponse:
    context = {
        "instructor": instructor,
        "wanted": wanted,
        "lessons": lessons_to_come(instructor, clock.now())[:NEXT_LESSONS],
    }
    return mark_private(
        render_page_or_fragment(request, "hours/zone.html", context, fragment="zone")
    )
