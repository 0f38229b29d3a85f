"""Choosing the dates of a weekly series (Spec: R19, S12.5)."""

import secrets

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.owners import owner_of
from accounts.zones import viewer_zone
from bookings.lessons.errors import HoldLimitError, LearnerBusyError, SeriesTakenError
from bookings.lessons.forms import parse_choice
from bookings.lessons.idempotency import run_once
from bookings.lessons.series_page import SeriesPage, build_series_page, read_picks, read_weeks
from bookings.lessons.services import HoldRequest, hold_series
from bookings.lessons.slots import instructor_of
from bookings.lessons.views.times import learners_of, named
from catalog.models import Instructor, Policy
from instainstru import clock
from instainstru.access import has_permission, public
from instainstru.errors import ApplicationError, ValidationFailedError
from instainstru.http import (
    lead_whole_page,
    mark_private,
    name_the_wait,
    render_page_or_fragment,
)

TEMPLATE = "lessons/weekly.html"


@public
@require_http_methods(["GET", "HEAD", "POST"])
def weekly(request: HttpRequest, slug: str) -> HttpResponse:
    """Show every date with its state; POST holds the chosen ones, or only counts them again."""
    is_post = request.method == "POST"
    if is_post and request.user.is_authenticated and not has_permission(request, "bookings.create"):
        raise PermissionDenied("bookings.create")
    instructor = instructor_of(slug)
    if instructor.status != Instructor.Status.LIVE:
        profile = redirect("instructor-profile", slug=instructor.slug)
        return lead_whole_page(request, profile)
    page = _page(request, instructor)
    if page is None:
        # Without a start there is nothing to repeat: one is chosen on the page of times.
        return lead_whole_page(request, redirect("lessons:times", slug=instructor.slug))
    if not is_post or "count" in request.POST:
        return _render(request, page)
    return run_once(
        request,
        owner_of(request),
        "hold-series",
        lambda: _hold(request, page),
        page_url=reverse("lessons:times", args=[instructor.slug]),
    )


def _page(request: HttpRequest, instructor: Instructor) -> SeriesPage | None:
    asked = request.POST if request.method == "POST" else request.GET
    values = asked.dict()
    choice = parse_choice(values)
    learner = named(learners_of(request), choice.learner)
    return build_series_page(
        instructor,
        choice,
        read_weeks(values.get("weeks", "")),
        read_picks(values),
        owner=owner_of(request),
        learner_id=learner.pk if learner else None,
        viewer=viewer_zone(request),
        now=clock.now(),
    )


def _hold(request: HttpRequest, page: SeriesPage) -> HttpResponse:
    wanted_starts = {planned.number for planned in page.dates if planned.chosen_at is not None}
    lost = _wanted_numbers(request) - wanted_starts
    if lost:
        # Somebody was faster while the page was open: nothing is held without a new choice.
        return _render(request, page, error=SeriesTakenError(), status=SeriesTakenError.status)
    learner = named(learners_of(request), page.choice.learner)
    wanted = HoldRequest(
        offering_id=page.chosen.offering.pk,
        start_at=page.start_at,
        duration_minutes=page.chosen.duration_minutes,
        modality=page.chosen.modality,
        learner_id=learner.pk if learner else None,
    )
    try:
        first = hold_series(by=owner_of(request), wanted=wanted, starts=page.starts)
    except (SeriesTakenError, LearnerBusyError, HoldLimitError, ValidationFailedError) as error:
        fresh = _page(request, page.instructor) or page
        return _render(request, fresh, error=error, status=error.status)
    return redirect("lessons:checkout", hold_id=first.hold_id)


def _wanted_numbers(request: HttpRequest) -> set[int]:
    """Return the dates that the form asked for; a date that it did not show asks for nothing."""
    picks = read_picks(request.POST.dict())
    return {number for number, pick in picks.items() if pick != "skip"}


def _render(
    request: HttpRequest,
    page: SeriesPage,
    *,
    error: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "error": error,
        "page_error": error is not None,
        "is_own": owner_of(request).user_id == page.instructor.user_id,
        "hold_minutes": Policy.objects.current().hold_minutes,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    response = render_page_or_fragment(request, TEMPLATE, context, fragment="sum", status=status)
    return mark_private(name_the_wait(response, error))
