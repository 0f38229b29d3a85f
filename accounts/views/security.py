"""Login and security: the overview, password, and where somebody is signed in (Spec: S17.2)."""

from functools import wraps
from typing import Any, cast

from allauth.account import views as allauth_views
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from accounts import second_step, sessions
from accounts.models import User
from accounts.sign_in_limits import password_tries
from accounts.views.entrance import clear_browser
from accounts.views.frame import OWN, SECURITY, View, account_page, entrance, in_account
from accounts.zones import viewer_zone
from instainstru.access import requires
from instainstru.http import see_other


def _own_email(request: HttpRequest) -> str:
    return cast("User", request.user).email


def needs_password(view: View) -> View:
    """Lead people whose account has no password to the page that gives it one by mail."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not cast("User", request.user).has_usable_password():
            return redirect("account_reset_password")
        return view(request, *args, **kwargs)

    return wrapped


ask_again = requires(OWN)(
    needs_password(password_tries(_own_email)(entrance(allauth_views.reauthenticate)))
)
password_change = requires(OWN)(
    needs_password(password_tries(_own_email)(in_account(allauth_views.password_change)))
)


@requires(OWN)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show how the account is protected, with a way to change each part."""
    user = cast("User", request.user)
    context = {
        "device_count": len(sessions.devices_of(user, request.session.session_key)),
        "has_second_step": second_step.has_second_step(user),
        "codes_left": second_step.recovery_codes_left(user),
    }
    return account_page(request, "account/security.html", context, tab=SECURITY)


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def session_list(request: HttpRequest) -> HttpResponse:
    """List where somebody is signed in; a POST ends one place, or all but this one."""
    user, current = cast("User", request.user), request.session.session_key
    if request.method == "POST" and "others" in request.POST:
        count = sessions.end_sessions(user, except_key=current)
        messages.success(request, f"Logged out in {count} other place{'' if count == 1 else 's'}.")
    elif request.method == "POST":
        reference = request.POST.get("session", "")
        sessions.end_session(by=user, reference=reference)
        if reference == sessions.reference_of(current or ""):
            return clear_browser(see_other("/"))
        messages.success(request, "Logged out there.")
    if request.method == "POST":
        return see_other(request.path)
    context = {"devices": sessions.devices_of(user, current), "zone": viewer_zone(request)}
    return account_page(request, "usersessions/usersession_list.html", context, tab=SECURITY)
