"""Leaving the view of somebody else (Spec: S5.4)."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts import viewing
from accounts.views.frame import OWN
from instainstru.access import requires
from instainstru.errors import ConflictError


@requires(OWN)
@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Lead a member of staff back to the account they looked at the site as."""
    staff = viewing.viewer_of(request)
    person = viewing.end_viewing(request, by=staff) if staff is not None else None
    if person is None:
        raise ConflictError("You see the site as yourself already.")
    messages.success(
        request, f"You see the site as yourself again, no more as {person.short_name}."
    )
    return redirect("admin:accounts_user_change", person.pk)
