"""The pages on which an instructor, or their assistant, edits hours (Spec: S15.4-S15.6)."""

from collections.abc import Iterable
from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import User
from bookings.availability import weeks
from bookings.availability.models import Blackout
from bookings.availability.permissions import CALENDAR
from bookings.availability.weeks import CopyMode, Windows
from bookings.hours import services
from bookings.hours.errors import StaleHoursError
from bookings.hours.forms import CopyForm, TimeOffForm, parse_week
from bookings.hours.page import (
    WEEKDAYS,
    Calendar,
    Draft,
    build_page,
    find_calendar,
    read_schedule,
    usual_rows,
    version_of,
)
from bookings.hours.selectors import lessons_outside_hours
from bookings.hours.typed import Rows, edit_rows, parse_rows, read_rows
from instainstru import clock
from instainstru.access import requires
from instainstru.errors import ApplicationError, NotFoundError, ValidationFailedError
from instainstru.http import mark_private, posted, render_page_or_fragment, see_other
from instainstru.templatetags.ui import format_day

SAVE = "save"
HOLIDAYS = "holidays"


def _calendar(request: HttpRequest) -> Calendar | None:
    """Return the calendar that the request names; the week of a POST stands in its form."""
    sent = request.POST if request.method == "POST" else request.GET
    return find_calendar(
        by=cast("User", request.user),
        slug=sent.get("of", "").replace("\0", ""),
        week_on=parse_week(sent.get("week", "")),
        now=clock.now(),
    )


def _no_profile(request: HttpRequest) -> HttpResponse:
    return mark_private(render(request, "lessons/no_profile.html", {"title": "Availability"}))


@requires(CALENDAR)
@require_http_methods(["GET", "HEAD", "POST"])
def availability(request: HttpRequest) -> HttpResponse:
    """Show and save the hours of every week, or with ``week`` those of one week. Spec: S15.4"""
    calendar = _calendar(request)
    if calendar is None:
        return _no_profile(request)
    if request.method != "POST":
        return _render(request, calendar)
    rows, action = read_rows(request.POST), request.POST.get("do", SAVE)
    if action != SAVE:
        return _edit(request, calendar, rows, action)
    parsed = parse_rows(rows, calendar.day_names)
    if parsed.errors:
        return _render(request, calendar, Draft(rows, parsed.errors), status=422)
    kept = [day for day in parsed.days if request.POST.get(f"keep-d{day}") == "theirs"]
    days = {day: windows for day, windows in parsed.days.items() if day not in kept}
    try:
        _save(request, calendar, days)
    except StaleHoursError as error:
        return _render(request, calendar, Draft(rows, stale=error), status=error.status)
    except ApplicationError as error:
        return _render(request, calendar, Draft(rows), refusal=error, status=error.status)
    return see_other(calendar.url(week_on=calendar.week_on))


def _edit(request: HttpRequest, calendar: Calendar, rows: Rows, action: str) -> HttpResponse:
    """Show the form again with an edit that is not saved yet."""
    schedule = read_schedule(calendar)
    day = request.POST.get("copy_from", "0")
    copy = (int(day) if day in set("0123456") else 0, request.POST.get("copy_to", ""))
    edited = edit_rows(rows, action, usual=usual_rows(schedule), copy=copy)
    if edited is None:
        return _render(request, calendar, Draft(rows), status=422)
    return _render(request, calendar, Draft(edited))


def _save(request: HttpRequest, calendar: Calendar, days: dict[int, Windows]) -> None:
    by, slug = cast("User", request.user), calendar.instructor.slug
    version = request.POST.get("version", "")
    if calendar.week_on is None:
        services.save_weekly(by=by, slug=slug, days=days, version=version)
    else:
        dates = calendar.dates
        cut = services.save_dates(
            by=by,
            slug=slug,
            week_on=calendar.week_on,
            days={dates[day]: windows for day, windows in days.items()},
            version=version,
        )
        for one in cut:
            hours = weeks.say_windows(one.windows)
            messages.warning(
                request, f"The clocks change on {format_day(one.on)}: saved as {hours}."
            )
    messages.success(request, _saved_words(calendar))


def _saved_words(calendar: Calendar) -> str:
    standing = len(lessons_outside_hours(calendar.instructor, clock.now()))
    if not standing:
        return "Saved."
    return f"Saved. {standing} lesson{'s' if standing > 1 else ''} outside your hours stand."


def _render(
    request: HttpRequest,
    calendar: Calendar,
    draft: Draft | None = None,
    *,
    refusal: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    errors = draft.errors if draft else {}
    context = build_page(calendar, read_schedule(calendar), now=clock.now(), draft=draft) | {
        "errors": [{"href": f"#{name}", "text": text} for name, text in errors.items()],
        "refusal": refusal,
        "page_error": status >= 400,  # noqa: PLR2004 - any refusal
        "weekdays": list(enumerate(WEEKDAYS)),
    }
    return mark_private(
        render_page_or_fragment(
            request, "hours/availability.html", context, fragment="hours", status=status
        )
    )


# --- Copying a week -------------------------------------------------------------------------------
@requires(CALENDAR)
@require_http_methods(["GET", "HEAD", "POST"])
def copy(request: HttpRequest) -> HttpResponse:
    """Show what copying a week would change, then do it. Spec: S15.4, D8"""
    calendar = _calendar(request)
    if calendar is None:
        return _no_profile(request)
    if calendar.week_on is None:
        return see_other(calendar.url(week_on=weeks.monday_of(calendar.today)))
    is_asked = "weeks" in request.GET
    form = CopyForm(posted(request) or (request.GET if is_asked else None))
    if request.method != "POST":
        return _render_copy(
            request, calendar, form, status=422 if is_asked and form.errors else 200
        )
    if not form.is_valid():
        return _render_copy(request, calendar, form, status=422)
    try:
        done = services.copy_week(
            by=cast("User", request.user),
            slug=calendar.instructor.slug,
            from_on=calendar.week_on,
            number=form.cleaned_data["weeks"],
            mode=CopyMode(form.cleaned_data["mode"]),
            version=request.POST.get("version", ""),
        )
    except ApplicationError as error:
        return _render_copy(request, calendar, form, refusal=error, status=error.status)
    changed = f"{done.dates_changed} day{'' if done.dates_changed == 1 else 's'} changed"
    messages.success(request, f"Copied until {format_day(done.last_on)}: {changed}.")
    return see_other(calendar.url(week_on=calendar.week_on))


def _render_copy(
    request: HttpRequest,
    calendar: Calendar,
    form: CopyForm,
    *,
    refusal: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    preview = list(_preview(calendar, form)) if form.is_bound and form.is_valid() else []
    context = {
        "calendar": calendar,
        "form": form,
        "preview": preview,
        "version": version_of(calendar, read_schedule(calendar)),
        "week_title": f"{format_day(calendar.dates[0])} – {format_day(calendar.dates[-1])}",
        "back_url": calendar.url(week_on=calendar.week_on),
        "refusal": refusal,
        "page_error": status >= 400,  # noqa: PLR2004 - any refusal
    }
    return mark_private(
        render_page_or_fragment(request, "hours/copy.html", context, fragment="copy", status=status)
    )


def _preview(calendar: Calendar, form: CopyForm) -> Iterable[dict[str, Any]]:
    """Yield each week with the hours it has and would have."""
    schedule, copied = services.preview_copy(
        calendar.instructor,
        from_on=calendar.dates[0],
        number=form.cleaned_data["weeks"],
        mode=CopyMode(form.cleaned_data["mode"]),
    )
    for first_on in sorted(on for on in copied if on.weekday() == 0):
        dates = weeks.dates_of_week(first_on)
        before = sum(weeks.minutes_of(weeks.windows_on(schedule, on)) for on in dates)
        after = sum(weeks.minutes_of(copied[on]) for on in dates)
        yield {
            "title": f"{format_day(dates[0])} – {format_day(dates[-1])}",
            "before": before / 60,
            "after": after / 60,
            "is_changed": any(copied[on] != weeks.windows_on(schedule, on) for on in dates),
        }


# --- Time off -------------------------------------------------------------------------------------
@requires(CALENDAR)
@require_http_methods(["GET", "HEAD", "POST"])
def time_off(request: HttpRequest) -> HttpResponse:
    """List time off and add some. Spec: S15.5"""
    calendar = _calendar(request)
    if calendar is None:
        return _no_profile(request)
    if request.method == "POST" and request.POST.get("do") == HOLIDAYS:
        return _close_holidays(request, calendar)
    form = TimeOffForm(posted(request))
    if request.method != "POST":
        return _render_time_off(request, calendar, form)
    if not form.is_valid():
        return _render_time_off(request, calendar, form, status=422)
    try:
        services.add_time_off(
            by=cast("User", request.user),
            slug=calendar.instructor.slug,
            first_on=form.cleaned_data["first_on"],
            last_on=form.cleaned_data["last_on"],
            window=form.window,
            label=form.cleaned_data["label"],
        )
    except ValidationFailedError as error:
        for name, text in error.fields.items():
            form.add_error(name, text)
        return _render_time_off(request, calendar, form, status=error.status)
    except ApplicationError as error:
        return _render_time_off(request, calendar, form, refusal=error, status=error.status)
    messages.success(request, _saved_words(calendar))
    return see_other(calendar.url("hours:time-off"))


def _close_holidays(request: HttpRequest, calendar: Calendar) -> HttpResponse:
    by, slug = cast("User", request.user), calendar.instructor.slug
    try:
        added = services.add_holidays(by=by, slug=slug)
    except ApplicationError as error:
        form = TimeOffForm()
        return _render_time_off(request, calendar, form, refusal=error, status=error.status)
    messages.success(request, f"{added} holiday{'' if added == 1 else 's'} added to your time off.")
    return see_other(calendar.url("hours:time-off"))


def _render_time_off(
    request: HttpRequest,
    calendar: Calendar,
    form: TimeOffForm,
    *,
    refusal: ApplicationError | None = None,
    status: int = 200,
) -> HttpResponse:
    rows = Blackout.objects.filter(instructor=calendar.instructor, last_on__gte=calendar.today)
    context = {
        "calendar": calendar,
        "form": form,
        "rows": [{"off": row, "hours": _hours_of(row)} for row in rows.order_by("first_on", "pk")],
        "back_url": calendar.url(),
        "refusal": refusal,
        "page_error": status >= 400,  # noqa: PLR2004 - any refusal
    }
    return mark_private(
        render_page_or_fragment(
            request, "hours/time_off.html", context, fragment="time-off", status=status
        )
    )


def _hours_of(off: Blackout) -> str:
    if off.start_minute is None or off.end_minute is None:
        return "all day"
    return weeks.say_windows([(off.start_minute, off.end_minute)])


@requires(CALENDAR)
@require_POST
def time_off_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Open the dates of one time off again. Spec: S15.5"""
    calendar = _calendar(request)
    if calendar is None:
        raise NotFoundError("We couldn't find this time off.")
    services.remove_time_off(
        by=cast("User", request.user), slug=calendar.instructor.slug, blackout_id=pk
    )
    messages.success(request, "Removed. Your hours of those days are open again.")
    return see_other(calendar.url("hours:time-off"))
