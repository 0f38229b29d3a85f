"""Who can see or change what is somebody's own, and whom they help (Spec: S5.5)."""

from typing import Any, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods

from accounts.models import LearnerGrant, User, UserGrant
from accounts.support_access import end_support_access
from accounts.views.frame import account_page
from bookings.lessons.models import BookingGrant
from catalog.models import InstructorGrant
from instainstru.access import requires
from instainstru.errors import ConflictError


@requires("account.manage_own")
@require_http_methods(["GET", "HEAD", "POST"])
def who_has_access(request: HttpRequest) -> HttpResponse:
    """List every grant on what is the person's own and every one they hold; end support access."""
    user = cast("User", request.user)
    if request.method == "POST":
        chosen = [row for row in _support(user) if row.user.public_id == request.POST.get("which")]
        if not chosen:
            raise ConflictError("This access has ended already.")
        end_support_access(chosen, by=user, owner=user)
        messages.success(request, f"{chosen[0].user.short_name} can't open your account any more.")
        return redirect("access")
    context = {
        "support": _support(user),
        "helpers": _helpers(user),
        "helping": _helping(user),
        "blocked": user.blocks.select_related("person__instructor").order_by("pk"),
    }
    return account_page(request, "account/access.html", context, tab="access")


def _support(user: User) -> list[Any]:
    accounts = UserGrant.objects.live().filter(content_object=user).select_related("user")
    lessons = BookingGrant.objects.live().filter(content_object__student=user)
    return [*accounts, *lessons.select_related("user", "content_object")]


def _helpers(user: User) -> dict[str, list[Any]]:
    learners = LearnerGrant.objects.live().filter(content_object__manager=user)
    team = InstructorGrant.objects.live().filter(content_object__user=user)
    return {
        "learners": list(learners.select_related("user", "content_object")),
        "team": list(team.select_related("user")),
    }


def _helping(user: User) -> dict[str, list[Any]]:
    learners = LearnerGrant.objects.live().held_by(user)
    teams = InstructorGrant.objects.live().held_by(user)
    return {
        "learners": list(learners.select_related("content_object__manager")),
        "teams": list(teams.select_related("content_object__user")),
    }
