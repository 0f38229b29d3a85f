"""The team of an instructor: who may change the calendar (Spec: S5.5)."""

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.views.sharing import answer_invitation, answer_sharing
from catalog.models import Instructor
from catalog.team import ASSISTANTS, own_profile
from instainstru.access import requires, signed_in
from instainstru.http import mark_private

CALENDAR = "availability.manage_own"
TEMPLATE = "sharing/team.html"


@requires(CALENDAR)
@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest) -> HttpResponse:
    """Show and change who helps with the person's own calendar."""
    instructor = own_profile(cast("User", request.user))
    if instructor is None:
        return mark_private(render(request, TEMPLATE, {"is_without_profile": True}))
    return answer_sharing(request, ASSISTANTS, instructor, template=TEMPLATE)


@requires(CALENDAR)
@require_http_methods(["GET", "HEAD", "POST"])
def team_of(request: HttpRequest, slug: str) -> HttpResponse:
    """Show an assistant whom they help, and let them leave."""
    rows = Instructor.objects.of_calendar(cast("User", request.user)).select_related("user")
    return answer_sharing(
        request, ASSISTANTS, get_object_or_404(rows, slug=slug), template=TEMPLATE
    )


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Ask an invited assistant whether they want to help."""
    words = {
        "heading": "Help {name} with the calendar?",
        "explanation": "{inviter} asks you to change hours, single days and time off for them."
        " You see no students, no lessons and no money. {inviter} can remove you at any time.",
    }
    return answer_invitation(request, ASSISTANTS, token, words=words)
