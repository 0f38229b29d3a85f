"""Changing the e-mail: asking for it, confirming it, and "This was not me" (Spec: S17.2)."""

from collections.abc import Callable
from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts import email_change
from accounts.models import EmailChange, User
from accounts.reauthentication import requires_fresh_sign_in
from accounts.security_forms import NewEmailForm
from accounts.views.frame import OWN, SECURITY, account_page
from accounts.zones import viewer_zone
from instainstru import clock
from instainstru.access import public, requires
from instainstru.errors import ValidationFailedError
from instainstru.http import mark_private, posted, see_other

GONE = 410


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
@requires_fresh_sign_in()
def change(request: HttpRequest) -> HttpResponse:
    """Show the address and take a new one."""
    user = cast("User", request.user)
    form = NewEmailForm(posted(request))
    if form.is_valid():
        try:
            email_change.request_email_change(by=user, new_email=form.cleaned_data["email"])
        except ValidationFailedError as error:
            form.add_error("email", error.message)
        else:
            messages.success(request, "We sent a link to your new email. Open it within 24 hours.")
            return see_other(request.path)
    waiting = EmailChange.objects.of(user).waiting().first()
    is_waiting = waiting is not None and waiting.is_waiting(clock.now())
    context = {
        "form": form,
        "waiting": waiting if is_waiting else None,
        "zone": viewer_zone(request),
    }
    status = 422 if form.is_bound else 200
    return account_page(request, "account/email.html", context, tab=SECURITY, status=status)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Ask at the new address, then make the change; opening the link alone does nothing."""
    return _by_link(request, token, "account/email_confirm.html", email_change.confirm_email_change)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, token: str) -> HttpResponse:
    """Ask at the old address, then restore it; opening the link alone does nothing."""
    return _by_link(request, token, "account/email_undo.html", email_change.undo_email_change)


def _by_link(
    request: HttpRequest, token: str, template: str, act: Callable[[str], EmailChange]
) -> HttpResponse:
    """Show the page of a link that works without signing in; it is nobody else's to see."""
    is_undo = act is email_change.undo_email_change
    context: dict[str, object] = {}
    status = 200
    try:
        if request.method == "POST":
            context = {"change": act(token), "is_done": True}
        else:
            context = {"change": email_change.find_change(token, is_undo=is_undo)}
    except email_change.EndedLinkError:
        status = GONE
    except email_change.EmailTakenError as error:
        context, status = {"problem": error.message}, error.status
    response = mark_private(render(request, template, context, status=status))
    response["Referrer-Policy"] = "same-origin"
    return response
