"""Reporting a lesson, answering a report, claiming the good-fit promise (S11.8, T13, T14, C9)."""

import secrets
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.owners import owner_of
from accounts.pictures import arriving_pictures
from bookings.lessons import evidence, reports
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.forms import ReportForm
from bookings.lessons.goodwill import claim_good_fit, good_fit_offer
from bookings.lessons.idempotency import run_once
from bookings.lessons.models import Booking, LessonReport
from bookings.lessons.models.changes import Side
from bookings.lessons.selectors import find_lesson
from bookings.lessons.transitions import current_status
from bookings.lessons.views.sides import find_by_side, lesson_changed_page, lesson_url
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ApplicationError
from instainstru.http import mark_private, name_the_wait, render_page_or_fragment, see_other
from instainstru.ratelimit import REPORTS, count_use, session_key_of


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def report(request: HttpRequest, code: str) -> HttpResponse:
    """The student reports the lesson, or answers the instructor's report. Spec: S11.8."""
    return _report(request, code, Side.STUDENT)


@requires("lessons.manage_teaching")
@require_http_methods(["GET", "HEAD", "POST"])
def report_teaching(request: HttpRequest, code: str) -> HttpResponse:
    """The instructor reports the lesson, or answers the student's report. Spec: T13."""
    return _report(request, code, Side.INSTRUCTOR)


def _report(request: HttpRequest, code: str, side: Side) -> HttpResponse:
    booking = find_by_side(request, code, side)
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"report:{code}", lambda: _send(request, booking, side)
        )
    known = LessonReport.objects.filter(booking=booking).first()
    form = ReportForm(kinds=_kinds(side, known))
    return _render(request, booking, side, form, known)


def _kinds(side: Side, known: LessonReport | None) -> list[tuple[str, str]]:
    """Return what this side may report; an answer needs no kind."""
    return [] if known is not None else [(kind.value, kind.label) for kind in reports.KINDS[side]]


def _send(request: HttpRequest, booking: Booking, side: Side) -> HttpResponse:
    known = LessonReport.objects.filter(booking=booking).first()
    by, code = cast("User", request.user), str(booking.code)
    said = request.POST.copy()
    if known is not None and said.get("kind") == LessonReport.Kind.SAFETY:
        said["is_unsafe"] = "on"  # the page was opened before the other side reported
    form = ReportForm(said, request.FILES, kinds=_kinds(side, known))
    try:
        # Who says that they did not feel safe has more to tell than that it is right.
        if known is not None and said.get("agree") and not said.get("is_unsafe"):
            reports.accept_report(by=by, code=code)
            words = "Thank you. The report is accepted."
        elif not form.is_valid():
            return _render(request, booking, side, form, known, status=422)
        else:
            words = _tell(request, form, code, is_answer=known is not None)
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, side)
    except ApplicationError as error:
        for name, text in (error.fields or {"": error.message}).items():
            form.add_error(name if name in form.fields else None, text)
        page = _render(request, booking, side, form, known, status=error.status)
        return name_the_wait(page, error)
    messages.success(request, words)
    return see_other(lesson_url(booking, side))


def _tell(request: HttpRequest, form: ReportForm, code: str, *, is_answer: bool) -> str:
    """Send a valid report or answer with its pictures; return what to say then."""
    by, given = cast("User", request.user), form.cleaned_data
    files = given.pop("pictures")
    # Decoding pictures is work, too: who may send no report may not make us do it.
    if files or not is_answer:
        count_use(REPORTS, session_key_of(request))
    with arriving_pictures(owner=by, files=files, sizes=evidence.SIZES) as pictures:
        if is_answer:
            reports.answer_report(by=by, code=code, pictures=pictures, **given)
            return "Thank you. We look at both sides and decide."
        reports.report_lesson(by=by, code=code, pictures=pictures, **given)
        return "Thank you. The lesson is under review."


def _render(
    request: HttpRequest,
    booking: Booking,
    side: Side,
    form: ReportForm,
    known: LessonReport | None,
    *,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    may_answer = (
        known is not None
        and known.opened_by != side
        and not known.outcome
        and not known.answer
        and now <= known.answer_by_at
    )
    may_report = known is None and reports.may_report(booking, current_status(booking, now), now)
    names = {Side.STUDENT: "lessons:report", Side.INSTRUCTOR: "lessons:report-teaching"}
    more = {Side.STUDENT: "lessons:evidence", Side.INSTRUCTOR: "lessons:evidence-teaching"}
    may_add = evidence.may_add(known, side, now)
    context = {
        "booking": booking,
        "side": side,
        "report": known,
        "form": form,
        "may_send": may_answer or may_report,
        "may_agree": may_answer and known is not None and known.kind.endswith("no_show"),
        "opens_at": reports.report_window(booking)[0],
        "until": reports.report_window(booking)[1],
        "form_url": reverse(names[side], args=[booking.code]),
        "back_url": lesson_url(booking, side),
        "log": [] if known is None else evidence.evidence_of(known, side),
        "evidence_url": reverse(more[side], args=[booking.code]) if may_add else "",
        "page_error": form.is_bound,
        "had_files": bool(request.FILES),
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(
            request, "lessons/report.html", context, fragment="report", status=status
        )
    )


@requires("bookings.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def good_fit(request: HttpRequest, code: str) -> HttpResponse:
    """Claim the price of a first lesson that was no good fit, as credit. Spec: C9."""
    by = cast("User", request.user)
    booking = find_lesson(by=by, code=code)
    if request.method == "POST":
        return run_once(
            request, owner_of(request), f"good-fit:{code}", lambda: _claim(request, booking)
        )
    context = {
        "booking": booking,
        "due": good_fit_offer(booking, clock.now()),
        "idempotency_key": secrets.token_urlsafe(12),
    }
    return mark_private(
        render_page_or_fragment(request, "lessons/good_fit.html", context, fragment="claim")
    )


def _claim(request: HttpRequest, booking: Booking) -> HttpResponse:
    try:
        claim_good_fit(by=cast("User", request.user), code=str(booking.code))
    except LessonChangedError as error:
        return lesson_changed_page(request, booking, error, Side.STUDENT)
    messages.success(request, "We gave you the price as lesson credit.")
    return see_other(lesson_url(booking, Side.STUDENT))
