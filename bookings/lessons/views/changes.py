"""A new time for a lesson: moving it, proposing, answering (Spec: S11.1, T5, T6, T7)."""

import secrets
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from accounts.owners import owner_of
from bookings.lessons import moves
from bookings.lessons.errors import LearnerBusyError, LessonChangedError, SlotTakenError
from bookings.lessons.forms import NewTimeForm, parse_choice
from bookings.lessons.idempotency import run_once
from bookings.lessons.mails import viewer_zone
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
from bookings.lessons.move_page import build_move_page
from bookings.lessons.states import Status
from bookings.lessons.transitions import CHANGED, current_status
from bookings.lessons.views.sides import find_by_side, lesson_changed_page, lesson_url, said_id
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ApplicationError, ConflictError
from instainstru.http import mark_private, render_page_or_fragment, see_other
from instainstru.templatetags.ui import format_when

_NEW_TIME = {Side.STUDENT: "lessons:reschedule", Side.INSTRUCTOR: "lessons:propose"}


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def reschedule(request: HttpRequest, code: str) -> HttpResponse:
    """The student moves the lesson, or asks to once it is too late to move it alone. S11.1."""
    return _new_time(request, code, Side.STUDENT)


@requires("lessons.manage_teaching")
@require_http_methods(["GET", "HEAD", "POST"])
def propose(request: HttpRequest, code: str) -> HttpResponse:
    """The instructor proposes another time. Spec: T6, S15.9."""
    return _new_time(request, code, Side.INSTRUCTOR)


def _new_time(request: HttpRequest, code: str, side: Side) -> HttpResponse:
    booking = find_by_side(request, code, side)
    now = clock.now()
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"new-time:{code}", lambda: _choose(request, booking, side)
        )
    if current_status(booking, now) is not Status.CONFIRMED or now >= booking.start_at:
        return lesson_changed_page(request, booking, LessonChangedError(CHANGED), side)
    return _render(request, booking, side, NewTimeForm())


def _choose(request: HttpRequest, booking: Booking, side: Side) -> HttpResponse:
    form = NewTimeForm(request.POST)
    if not form.is_valid():
        return _render(request, booking, side, form, status=422)
    try:
        words = _move_or_propose(request, booking, side, form.cleaned_data)
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, side)
    except ApplicationError as error:
        for name, text in error.fields.items():
            form.add_error(name if name in form.fields else None, text)
        fresh = find_by_side(request, str(booking.code), side)
        return _render(request, fresh, side, form, refusal=error, status=error.status)
    messages.success(request, words)
    return see_other(lesson_url(booking, side))


def _move_or_propose(
    request: HttpRequest, booking: Booking, side: Side, data: dict[str, Any]
) -> str:
    """Do what the button said, and say what was done."""
    by, code = cast("User", request.user), str(booking.code)
    zone = viewer_zone(by, booking)
    if data["wants"] == "move" and side == Side.STUDENT:
        moved = moves.move_lesson(by=by, code=code, start_at=data["start"], reason=data["reason"])
        return f"Moved to {format_when(moved.start_at, zone)}."
    proposal = moves.propose_move(by=by, code=code, start_at=data["start"], message=data["reason"])
    return (
        f"We asked about {format_when(proposal.start_at, zone)}. "
        f"The answer comes until {format_when(proposal.expires_at, zone)}."
    )


def _render(
    request: HttpRequest,
    booking: Booking,
    side: Side,
    form: NewTimeForm,
    *,
    refusal: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    choice = parse_choice(request.GET.dict())
    zone = viewer_zone(cast("User", request.user), booking)
    chosen_at = choice.start_at or form.chosen_at
    page = build_move_page(
        booking,
        side=side,
        zone=zone,
        on=choice.local_on,
        month=choice.month,
        chosen_at=chosen_at,
        now=clock.now(),
    )
    is_taken = isinstance(refusal, SlotTakenError | LearnerBusyError)
    context = {
        "page": page,
        "booking": booking,
        "side": side,
        "other": booking.instructor.display_name if side == Side.STUDENT else booking.student_name,
        "form": form,
        "refusal": refusal,
        "nearest": getattr(refusal, "nearest", []) if is_taken else [],
        "reasons": getattr(refusal, "reasons", []),
        "form_url": reverse(_NEW_TIME[side], args=[booking.code]),
        "back_url": lesson_url(booking, side),
        "page_error": refusal is not None or (form.is_bound and not form.is_valid()),
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/new_time.html", context, fragment="times", status=status
        )
    )


@requires("bookings.manage_own", page="lessons:detail")
@require_POST
def answer_as_student(request: HttpRequest, code: str) -> HttpResponse:
    """The student accepts or declines the time that the instructor proposed. Spec: T7."""
    return _answer(request, code, Side.STUDENT)


@requires("lessons.manage_teaching", page="lessons:taught")
@require_POST
def answer_as_instructor(request: HttpRequest, code: str) -> HttpResponse:
    """The instructor accepts or declines the time that the student asked for. Spec: T7."""
    return _answer(request, code, Side.INSTRUCTOR)


def _answer(request: HttpRequest, code: str, side: Side) -> HttpResponse:
    booking = find_by_side(request, code, side)
    return run_once(
        request,
        owner_of(request),
        f"answer:{code}",
        lambda: _decide(request, booking, side),
        page_url=lesson_url(booking, side),
    )


def _decide(request: HttpRequest, booking: Booking, side: Side) -> HttpResponse:
    by, code = cast("User", request.user), str(booking.code)
    said, read_id = request.POST.get("answer"), said_id(request, "proposal")
    if said not in {"accept", "decline"}:
        error = LessonChangedError("Choose one of the buttons")
        return lesson_changed_page(request, booking, error, side)
    try:
        if said == "accept":
            moved = moves.accept_proposal(by=by, code=code, proposal_id=read_id)
            zone = viewer_zone(by, moved)
            messages.success(request, f"Moved to {format_when(moved.start_at, zone)}.")
        else:
            moves.decline_proposal(by=by, code=code, proposal_id=read_id)
            messages.success(request, "Declined. The lesson stays when it was.")
    except ConflictError as refusal:
        return lesson_changed_page(request, booking, refusal, side)
    return see_other(lesson_url(booking, side))
