"""Choosing a time with an instructor (Spec: S12.1-S12.6)."""

import secrets
from datetime import date
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import Learner
from accounts.owners import owner_of
from accounts.zones import viewer_zone
from bookings.lessons.errors import HoldLimitError, LearnerBusyError, SlotTakenError
from bookings.lessons.forms import HoldForm, parse_choice
from bookings.lessons.idempotency import run_once
from bookings.lessons.series_page import weekly_url
from bookings.lessons.services import SERIES_MAX, SERIES_MIN, HoldRequest, hold_slot
from bookings.lessons.slots import instructor_of
from bookings.lessons.templatetags.lessons import choice_url
from bookings.lessons.time_grid import MonthDay
from bookings.lessons.time_page import TakenPage, TimePage, build_time_page
from bookings.lessons.time_selection import Choice, ChosenOffer, shown_zone
from catalog.models import Instructor, Policy
from instainstru import clock
from instainstru.access import has_permission, public
from instainstru.errors import ApplicationError, NotFoundError
from instainstru.http import (
    mark_private,
    moved_for_ever,
    name_the_wait,
    render_page_or_fragment,
    see_other,
)

TEMPLATE = "lessons/times.html"


@public
@require_http_methods(["GET", "HEAD", "POST"])
def times(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the month and the times of a day; POST holds the chosen time."""
    instructor = instructor_of(slug)
    if instructor.slug != slug and request.method != "POST":
        return moved_for_ever(request, reverse("lessons:times", args=[instructor.slug]))
    if instructor.status != Instructor.Status.LIVE:
        return redirect("instructor-profile", slug=instructor.slug)
    if request.method == "POST" and request.POST.get("weeks", "1") not in {"", "1"}:
        # Nothing is held yet, so there is nothing to remember: the dates are looked at first.
        return _hold(request, instructor)
    if request.method == "POST":
        return run_once(request, owner_of(request), "hold", lambda: _hold(request, instructor))
    return _render(request, instructor, parse_choice(request.GET.dict()))


def _hold(request: HttpRequest, instructor: Instructor) -> HttpResponse:
    if request.user.is_authenticated and not has_permission(request, "bookings.create"):
        raise PermissionDenied("bookings.create")
    form = HoldForm(request.POST)
    choice = parse_choice(request.POST.dict())
    if not form.is_valid():
        return _render(request, instructor, choice, form=form, status=422)
    offerings = instructor.offerings.select_related("service")
    offering = offerings.filter(service__slug=form.cleaned_data["service"]).first()
    if offering is None:
        form.add_error("service", "Choose one of the services on offer.")
        return _render(request, instructor, choice, form=form, status=422)
    learner = named(learners_of(request), form.cleaned_data["learner"])
    if form.cleaned_data["learner"] and learner is None:
        form.add_error("learner", "Choose one of your learners.")
        return _render(request, instructor, choice, form=form, status=422)
    if (form.cleaned_data["weeks"] or 1) > 1:
        # Every date of a series is looked at before anything is held.
        return see_other(weekly_url(instructor.slug, _repeated(form, learner)))
    wanted = HoldRequest(
        offering_id=offering.pk,
        start_at=form.cleaned_data["start"],
        duration_minutes=form.cleaned_data["duration"],
        modality=form.cleaned_data["place"],
        learner_id=learner.pk if learner else None,
    )
    try:
        booking = hold_slot(by=owner_of(request), wanted=wanted)
    except SlotTakenError as refusal:
        chosen = ChosenOffer(offering, [], wanted.duration_minutes, wanted.modality)
        zone = shown_zone(instructor, wanted.modality, viewer_zone(request), choice)
        return _taken(request, TakenPage(instructor, chosen, choice, zone), refusal)
    except (LearnerBusyError, HoldLimitError) as refusal:
        return _refused(request, instructor, choice, refusal)
    except NotFoundError:
        raise
    except ApplicationError as error:
        for name, text in error.fields.items():
            form.add_error(name, text)
        return _render(request, instructor, choice, form=form, status=error.status)
    return redirect("lessons:checkout", hold_id=booking.hold_id)


def _repeated(form: HoldForm, learner: Learner | None) -> dict[str, str]:
    asked = form.cleaned_data
    query = {name: str(asked[name]) for name in ("service", "duration", "place", "weeks")}
    query["start"] = f"{asked['start']:%Y-%m-%dT%H:%M:%SZ}"
    if learner is not None:
        query["learner"] = learner.public_id
    return query


def _taken(request: HttpRequest, page: TakenPage, refusal: SlotTakenError) -> HttpResponse:
    context = {
        "page": page,
        "refusal": refusal,
        "page_error": True,
        "idempotency_key": secrets.token_urlsafe(12),
    }
    response = render_page_or_fragment(
        request, "lessons/taken.html", context, fragment="chooser", status=refusal.status
    )
    return mark_private(response)


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
    learners = learners_of(request)
    learner = named(learners, choice.learner)
    policy = Policy.objects.current()
    page = build_time_page(
        instructor,
        choice,
        owner=owner,
        learner_id=learner.pk if learner else None,
        viewer=viewer_zone(request),
        policy=policy,
        now=now,
    )
    if page is None:
        raise Http404("nothing on offer")
    context: dict[str, Any] = {
        "page": page,
        "month": _month(page),
        "form": form,
        "refusal": refusal,
        "page_error": refusal is not None or (form is not None and not form.is_valid()),
        "learners": learners,
        "hold_minutes": policy.hold_minutes,
        "weeks": (request.POST or request.GET).get("weeks", ""),
        "lengths": [str(weeks) for weeks in range(SERIES_MIN, SERIES_MAX + 1)],
        "idempotency_key": secrets.token_urlsafe(12),
        "is_own": owner.user_id == instructor.user_id,
    }
    response = render_page_or_fragment(
        request, TEMPLATE, context, fragment="chooser", status=status
    )
    return mark_private(response)


def learners_of(request: HttpRequest) -> list[Learner]:
    """Return the learners that the person books for; a guest has none yet."""
    if not request.user.is_authenticated:
        return []
    return list(Learner.objects.managed_by(request.user))


def named(learners: list[Learner], public_id: str | None) -> Learner | None:
    """Return the learner of this name among the person's own; strangers' do not exist."""
    return next((row for row in learners if row.public_id == public_id), None)


def _month(page: TimePage) -> dict[str, Any]:
    """Return the plain values of ``components/month.html``."""

    def arrow(on: date | None, side: str) -> dict[str, str]:
        if on is None:
            return {}
        return {f"{side}_url": choice_url(page, month=on), f"{side}_label": f"{on:%B %Y}"}

    return {
        "title": f"{page.month_on:%B %Y}",
        "weeks": [[_day(page, day) for day in week] for week in page.weeks],
        **arrow(page.previous_month, "previous"),
        **arrow(page.next_month, "next"),
    }


def _day(page: TimePage, day: MonthDay) -> dict[str, Any] | None:
    if not day.is_in_month:
        return None
    return {
        "iso": day.on.isoformat(),
        "number": day.on.day,
        "label": day.label,
        "url": choice_url(page, date=day.on) if day.is_link else "",
        "kind": day.state.value,
        "count": day.count,
        "is_current": day.is_selected,
        "is_today": day.is_today,
    }
