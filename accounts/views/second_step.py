"""Entering the second step, and turning it on and off (Spec: S17.2)."""

import base64
from typing import Any, cast

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.stagekit import unstash_login
from allauth.mfa.adapter import get_adapter
from allauth.mfa.stages import AuthenticateStage
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import second_step
from accounts.adapter import AccountAdapter
from accounts.models import User
from accounts.reauthentication import requires_fresh_sign_in
from accounts.second_step_forms import CodeForm, FirstCodeForm
from accounts.sign_in_limits import code_tries
from accounts.views.frame import OWN, SECURITY, account_page
from instainstru.access import public, requires
from instainstru.errors import ApplicationError
from instainstru.http import mark_private, posted, see_other

GROUP = 4


def _person_signing_in(request: HttpRequest) -> int | None:
    login = unstash_login(request, peek=True)
    return login.user.pk if login is not None and login.user is not None else None


def _own_pk(request: HttpRequest) -> int:
    return cast("User", request.user).pk


def _next_of(request: HttpRequest) -> str:
    """Return where a page was asked to lead to, if that is a path of this site."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    return target if AccountAdapter(request).is_safe_url(target) else ""


def _fail(form: Any, error: ApplicationError) -> None:
    form.add_error("code", error.message)


# --- Signing in -----------------------------------------------------------------------------------
@public
@require_http_methods(["GET", "HEAD", "POST"])
@code_tries(_person_signing_in)
@login_stage_required(stage=AuthenticateStage.key, redirect_urlname="account_login")  # type: ignore[untyped-decorator]
def enter_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code once the password was right; nobody is signed in before it."""
    stage = request._login_stage  # type: ignore[attr-defined]  # noqa: SLF001 - allauth's way
    form = CodeForm(posted(request), user=stage.login.user)
    if form.is_valid():
        form.save()
        response: HttpResponse = stage.exit()
        return mark_private(response)
    status = 422 if form.is_bound else 200
    return mark_private(render(request, "mfa/authenticate.html", {"form": form}, status=status))


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
@code_tries(_own_pk)
def ask_again(request: HttpRequest) -> HttpResponse:
    """Ask for a code before a sensitive step, instead of the password."""
    user, target = cast("User", request.user), _next_of(request)
    if not second_step.has_second_step(user):
        return redirect("account_reauthenticate")
    form = CodeForm(posted(request), user=user)
    if form.is_valid():
        form.save(is_again=True)
        return see_other(target or "/")
    context = {"form": form, "next": target}
    status = 422 if form.is_bound else 200
    return mark_private(render(request, "mfa/reauthenticate.html", context, status=status))


# --- Turning on and off ---------------------------------------------------------------------------
@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
@requires_fresh_sign_in()
def activate(request: HttpRequest) -> HttpResponse:
    """Show a seed for the app and take its first code; recovery codes come next."""
    user, target = cast("User", request.user), _next_of(request)
    if second_step.has_second_step(user):
        return redirect(target or SECURITY)
    seed = second_step.pending_seed(request.session)
    form = FirstCodeForm(posted(request))
    if form.is_valid():
        try:
            second_step.turn_on(by=user, seed=seed, code=form.cleaned_data["code"])
        except ApplicationError as error:
            _fail(form, error)
        else:
            del request.session[second_step.PENDING_SEED]
            query = f"?{urlencode({'next': target})}" if target else ""
            return see_other(reverse("mfa_view_recovery_codes") + query)
    context = {"form": form, "next": target, **_seed_to_show(user, seed)}
    status = 422 if form.is_bound else 200
    return account_page(request, "mfa/activate.html", context, tab=SECURITY, status=status)


def _seed_to_show(user: User, seed: str) -> dict[str, str]:
    """Return the seed as a picture for the camera and in groups for typing."""
    url = get_adapter().build_totp_url(user, seed)
    drawing = base64.b64encode(get_adapter().build_totp_svg(url).encode()).decode()
    groups = [seed[start : start + GROUP] for start in range(0, len(seed), GROUP)]
    return {
        "picture": f"data:image/svg+xml;base64,{drawing}",
        "seed": " ".join(groups),
        "link": url,
    }


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
@requires_fresh_sign_in()
def deactivate(request: HttpRequest) -> HttpResponse:
    """Ask whether to turn the second step off, then do it; staff cannot."""
    user = cast("User", request.user)
    if request.method == "POST":
        second_step.turn_off(by=user)
        messages.success(request, "The second step is off.")
        return see_other(reverse(SECURITY))
    if user.is_staff or not second_step.has_second_step(user):
        return redirect(SECURITY)
    return account_page(request, "mfa/deactivate.html", {}, tab=SECURITY)


# --- Recovery codes -------------------------------------------------------------------------------
@requires(OWN)
@require_safe
@requires_fresh_sign_in()
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Show the recovery codes that still work."""
    user = cast("User", request.user)
    if not second_step.has_second_step(user):
        return redirect(SECURITY)
    codes = second_step.unused_recovery_codes(user)
    context = {"codes": codes, "next": _next_of(request)}
    return account_page(request, "mfa/recovery_codes.html", context, tab=SECURITY)


@requires(OWN, page="mfa_view_recovery_codes")
@require_POST
@requires_fresh_sign_in(page="mfa_view_recovery_codes")
def renew_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Replace the recovery codes."""
    second_step.renew_recovery_codes(by=cast("User", request.user))
    messages.success(request, "These are your new codes. The old ones no longer work.")
    return see_other(reverse("mfa_view_recovery_codes"))


@requires(OWN)
@require_safe
@requires_fresh_sign_in()
def download_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Answer the recovery codes as a text file."""
    codes = second_step.unused_recovery_codes(cast("User", request.user))
    if not codes:
        raise Http404
    lines = ["InstaInstru recovery codes. Each logs you in once, together with your password.", ""]
    response = HttpResponse("\n".join([*lines, *codes, ""]), content_type="text/plain")
    response["Content-Disposition"] = 'attachment; filename="instainstru-recovery-codes.txt"'
    return mark_private(response)


@requires(OWN)
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Lead from allauth's overview to ours."""
    return redirect(SECURITY)
