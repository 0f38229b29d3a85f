"""The settings: who somebody is, and what they want to be told (Spec: 02 section 5, S13.5)."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from accounts import profile, texts
from accounts.models import User
from accounts.role_changes import also_learn
from accounts.roles import Role, roles_of
from accounts.settings_forms import NotificationsForm, SettingsForm
from accounts.views.frame import OWN, account_page
from instainstru.access import public, requires
from instainstru.http import client_address, is_one_click, mark_private, posted, see_other
from privacy.consents import Browser

SETTINGS, NOTIFICATIONS = "accounts:settings", "accounts:notifications"


def browser_of(request: HttpRequest) -> Browser:
    """Return what a consent keeps of the request that gave it."""
    agent = request.headers.get("User-Agent", "")
    return Browser(page=request.path, ip=client_address(request) or None, user_agent=agent)


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Show the settings and take new ones; ``?saved=1`` lets the browser follow the new theme."""
    user = cast("User", request.user)
    initial = {
        "first_name": user.first_name,
        "last_name": user.last_name,
        "phone": profile.spoken_phone(user.phone),
        "zone": user.zone,
        "theme": user.theme,
    }
    form = SettingsForm(posted(request), initial=initial)
    if form.is_valid():
        profile.update_profile(by=user, browser=browser_of(request), **form.cleaned_data)
        messages.success(request, "Saved.")
        return see_other(f"{request.path}?saved=1")
    roles = roles_of(user.groups.values_list("name", flat=True))
    context = {
        "form": form,
        "is_saved": "saved" in request.GET and not form.is_bound,
        "may_also_learn": Role.INSTRUCTOR in roles and Role.STUDENT not in roles,
        "may_also_teach": Role.STUDENT in roles and Role.INSTRUCTOR not in roles,
    }
    status = 422 if form.is_bound else 200
    return account_page(request, "account/settings.html", context, tab=SETTINGS, status=status)


@requires(OWN)
@require_POST
def add_learning(request: HttpRequest) -> HttpResponse:
    """Let an instructor book lessons, too; pressed twice it says so. Spec: 02 section 2."""
    also_learn(by=cast("User", request.user))
    messages.success(request, "You can book lessons now.")
    return see_other(reverse(SETTINGS))


@requires(OWN)
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: HttpRequest) -> HttpResponse:
    """Show what is told how, and take what a person wants."""
    user = cast("User", request.user)
    number = texts.number_of(user) if texts.is_live(user) else None
    initial = profile.wanted_mail(user)
    initial |= {f"text_{kind}": is_on for kind, is_on in profile.wanted_texts(user).items()}
    if request.method != "POST":
        initial["marketing"] = profile.wants_news(user)
    form = NotificationsForm(posted(request), initial=initial, has_texts=number is not None)
    if form.is_valid():
        profile.update_notifications(
            by=user,
            mail=form.mail,
            texts=form.texts,
            marketing=form.cleaned_data["marketing"],
            browser=browser_of(request),
        )
        messages.success(request, "Saved.")
        return see_other(request.path)
    context = {"form": form, "text_phone": profile.spoken_phone(number.phone) if number else ""}
    status = 422 if form.is_bound else 200
    return account_page(
        request, "account/notifications.html", context, tab=NOTIFICATIONS, status=status
    )


@public
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def mail_off(request: HttpRequest, token: str) -> HttpResponse:
    """Switch one kind of mail off by the signed link of a mail: one press, no sign-in.

    Opening the link changes nothing, because mail programs open links by themselves; they POST when
    somebody presses their own button (RFC 8058). Spec: S13.7
    """
    person, kind = profile.read_mail_off(token)
    if request.method == "POST":
        profile.switch_mail_off(person, kind)
        if is_one_click(request):
            return HttpResponse(status=200)
        return redirect(f"{request.path}?off=1")
    context = {"kind": kind, "is_off": request.GET.get("off") == "1"}
    return mark_private(render(request, "account/mail_off.html", context))
