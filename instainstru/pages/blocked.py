"""Blocking an instructor, and letting them back in (Spec: S5.8)."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from accounts.blocking import block_person, unblock_person
from accounts.models import User
from catalog.models import Instructor
from instainstru.access import requires


@requires("account.manage_own", page="profile-report")
@require_POST
def block(request: HttpRequest, slug: str) -> HttpResponse:
    """Block an instructor, or with ``to=open`` take the block back; leads to the list."""
    person = get_object_or_404(Instructor.objects.select_related("user"), slug=slug)
    by = cast("User", request.user)
    if request.POST.get("to") == "open":
        unblock_person(by=by, person=person.user)
        messages.success(request, f"{person.display_name} is not blocked any more.")
    else:
        block_person(by=by, person=person.user)
        messages.success(request, f"You blocked {person.display_name}.")
    return redirect("access")
