"""Blocking an instructor or a student, and letting them back in (Spec: S5.8)."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_POST

from accounts.blocking import block_person, unblock_person
from accounts.models import User
from bookings.lessons.selectors import find_taught_lesson
from catalog.models import Instructor
from instainstru.access import requires


@requires("account.manage_own", page="profile-report")
@require_POST
def block(request: HttpRequest, slug: str) -> HttpResponse:
    """Block an instructor; leads to the list of whom one blocked."""
    person = get_object_or_404(Instructor.objects.select_related("user"), slug=slug)
    block_person(by=cast("User", request.user), person=person.user)
    messages.success(request, f"You blocked {person.display_name}.")
    return redirect("access")


@requires("lessons.manage_teaching", page="lessons:taught")
@require_POST
def block_student(request: HttpRequest, code: str) -> HttpResponse:
    """Block the student of a lesson that the person teaches; leads to the same list."""
    by = cast("User", request.user)
    student = find_taught_lesson(by=by, code=code).student
    assert student is not None  # noqa: S101 - a confirmed lesson has its student
    block_person(by=by, person=student)
    messages.success(request, f"You blocked {student.short_name}. Lessons that are booked stand.")
    return redirect("access")


@requires("account.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def unblock(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own block back; other people's do not exist. Looking leads to the list."""
    if request.method != "POST":
        return redirect("access")
    by = cast("User", request.user)
    row = get_object_or_404(by.blocks.select_related("person__instructor"), pk=pk)
    unblock_person(by=by, person=row.person)
    messages.success(request, f"{row.shown_name} is not blocked any more.")
    return redirect("access")
