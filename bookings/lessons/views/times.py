"""Choosing a time with an instructor (Spec: S12.1-S12.6)."""

import secrets
from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import Learner
from accounts.owners import owner_of
from bookings.lessons.errors import HoldLimitError, LearnerBusyError, SlotTakenError
from bookings.lessons.forms import HoldForm, parse_choice
from bookings.lessons.idempotency import run_once
from bookings.lessons.services import HoldRequest, hold_slot
from bookings.lessons.time_selection import Choice, build_time_page
from catalog.models import Instructor, Policy
from instainstru import clock
from instainstru.access import has_permission, public
from instainstru.errors import ApplicationError, NotFoundError
from instainstru.http import (
    mark_private,
    moved_for_ever,
    name_the_wait,
    render_page_or_fragment,
)

TEMPLATE = "lessons/times.html"
WEEKDAYS = [
    ("Sun", "Sunday"), ("Mon", "Monday"), ("Tue", "Tuesday"), ("Wed", "Wednesday"),
    ("Thu", "Thursday"), ("Fri", "Friday"), ("Sat", "Saturday"),
]  # fmt: skip


@public
@require_http_methods(["GET", "HEAD", "POST"])
def times(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the month and the times of a day; POST holds the chosen time."""
    instructor = _instructor(slug)
    if instructor.slug != slug and request.method != "POST":
        return moved_for_ever(request, reverse("lessons:times", args=[instructor.slug]))
    if instructor.status != Instructor.Status.LIVE:
        return redirect("instructor-profile", slug=instructor.slug)
    if request.method == "POST":
        return run_once(request, owner_of(request), "hold", lambda: _hold(request, instructor))
    return _render(request, instructor, parse_choice(request.GET.dict()))


def _instructor(slug: str) -> Instructor:
    """Return the instructor with a public page who has, or once had, this slug."""
    rows = Instructor.objects.public_pages().select_related("base_neighborhood", "user")
    found = rows.filter(slug=slug).first() or rows.filter(slug_aliases__slug=slug).first()
    if found is None:
        raise Http404("no such instructor")
    return found


def _hold(request: HttpRequest, instructor: Instructor) -> HttpResponse:
    if request.user.is_authenticated and not has_permission(request, "bookings.create"):
        raise PermissionDenied("bookings.create")
    form = HoldForm(request.POST)
    choice = replace(parse_choice(request.POST.dict()), learner_id=_chosen_learner(request))
    if not form.is_valid():
        return _render(request, instructor, choice, form=form, status=422)
    offering = instructor.offerings.filter(service__slug=form.cleaned_data["service"]).first()
    if offering is None:
        form.add_error("service", "Choose one of the services on offer.")
        return _render(request, instructor, choice, form=form, status=422)
    wanted = HoldRequest(
        offering_id=offering.pk,
        start_at=form.cleaned_data["start"],
        duration_minutes=form.cleaned_data["duration"],
        modality=form.cleaned_data["place"],
        learner_id=form.cleaned_data["learner"],
    )
    try:
        booking = hold_slot(by=owner_of(request), wanted=wanted)
    except (SlotTakenError, LearnerBusyError, HoldLimitError) as refusal:
        return _refused(request, instructor, choice, refusal)
    except NotFoundError:
        raise
    except ApplicationError as error:
        for name, text in error.fields.items():
            form.add_error(name, text)
        return _render(request, instructor, choice, form=form, status=error.status)
    return redirect("lessons:checkout", hold_id=booking.hold_id)


def _refused(
    request: HttpRequest, instructor: Instructor, choice: Choice, refusal: ApplicationError
) -> HttpResponse:
    response = _render(request, instructor, choice, refusal=refusal, status=refusal.status)
    return name_the_wait(response, refusal)


def _render(
    request: HttpRequest,
    instructor: Instructor,
    choice: Choice,
    *,
    form: HoldForm | None = None,
    refusal: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    # Looking already gives a guest their key, so that a double click is one owner's.
    owner = owner_of(request)
    page = build_time_page(instructor, choice, owner=owner, now=now)
    if page is None:
        raise Http404("nothing on offer")
    context: dict[str, Any] = {
        "page": page,
        "weekdays": WEEKDAYS,
        "form": form,
        "refusal": refusal,
        "page_error": refusal is not None or (form is not None and not form.is_valid()),
        "learners": _learners(request),
        "learner_id": choice.learner_id,
        "hold_minutes": Policy.objects.current().hold_minutes,
        "idempotency_key": secrets.token_urlsafe(12),
        "may_book": not request.user.is_authenticated or has_permission(request, "bookings.create"),
        "is_own": owner.user_id == instructor.user_id,
    }
    response = render_page_or_fragment(
        request, TEMPLATE, context, fragment="chooser", status=status
    )
    return mark_private(response)


def _chosen_learner(request: HttpRequest) -> int | None:
    """Return the learner of the form when the person manages them; others stay unknown."""
    wanted = request.POST.get("learner", "")
    return next((row.pk for row in _learners(request) if str(row.pk) == wanted), None)


def _learners(request: HttpRequest) -> list[Learner]:
    if not request.user.is_authenticated:
        return []
    return list(Learner.objects.managed_by(request.user))
